"""The pages of kept copies: what an open port shows, and what it does not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import httpx
from starlette.applications import Starlette

from scheduler.evidence.address import address
from scheduler.evidence.pages import routes
from scheduler.service import Service
from tests.ledger.conftest import Serve
from tests.ledger.reports import TELEGRAM, Post, keep

HOSTILE = (("особового складу", "<script>alert(1)</script> особового складу"),)


def visited(serve: Serve, visit: Callable[[httpx.AsyncClient, str], Awaitable[Any]]) -> Any:
    """Keep a hostile post and visit our pages, knowing the address of its copy."""

    async def work(service: Service) -> Any:
        await keep(service, Post(place=TELEGRAM, day=date(2023, 3, 7), changes=HOSTILE))
        [claim] = await service.query("claims_with_words", claims=[1])
        path = address("http://pages", claim["version"], claim["sha256"])
        app = httpx.ASGITransport(app=Starlette(routes=routes(service)))
        async with httpx.AsyncClient(transport=app, base_url="http://pages") as client:
            return await visit(client, path)

    return serve(work)


def test_a_copy_is_inert_text(serve: Serve) -> None:
    """The words are shown as text in a sandbox, for no search engine, whatever they hold."""

    async def visit(client: httpx.AsyncClient, path: str) -> httpx.Response:
        return await client.get(path)

    page = visited(serve, visit)
    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "sandbox" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert "noindex" in page.headers["X-Robots-Tag"]
    assert "154830" in page.text
    assert "https://example.org/telegram_general_staff/2023-03-07" in page.text


def test_the_bytes_are_a_download(serve: Serve) -> None:
    """What the publisher sent comes as it came, and is not opened in the browser."""

    async def visit(client: httpx.AsyncClient, path: str) -> httpx.Response:
        return await client.get(f"{path}/content")

    page = visited(serve, visit)
    assert page.content.decode().startswith("Загальні бойові втрати")
    assert page.headers["Content-Disposition"].startswith("attachment")
    assert page.headers["Content-Type"] == "application/octet-stream"


def test_nobody_finds_a_copy_by_counting(serve: Serve) -> None:
    """Without the hash of the content there is nothing; the answer does not tell whether the number exists."""

    async def visit(client: httpx.AsyncClient, path: str) -> list[tuple[int, str]]:
        stem = path.rpartition("/")[0]
        wrong = [f"{stem}/1", f"{stem}/1-{'0' * 64}", f"{stem}/99-{'0' * 64}", f"{path}0", f"{stem}/{'9' * 40}-x"]
        pages = [await client.get(one) for one in wrong]
        return [(page.status_code, page.text) for page in pages]

    assert visited(serve, visit) == [(404, "There is no such copy.\n")] * 5
