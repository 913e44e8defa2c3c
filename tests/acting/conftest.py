"""A service whose mails have links, with one wrong report told of; and its pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from pipelines.database import connection
from scheduler.acting.pages import routes
from scheduler.config import Config
from scheduler.mails.view import Language, Series
from scheduler.service import Service, open_service
from tests.ledger.reports import FIGURES, MINISTRY, NEWS, TELEGRAM, Post, keep
from tests.reactor import Run, loop, run

__all__ = ["loop", "run"]

PUBLIC = "https://tally.example.org/watch"
READER = "desk@example.org"
WRONG = (("155530", "155350"),)


@dataclass
class Time:
    """A clock that stands until it is moved."""

    now: datetime = field(default_factory=lambda: datetime(2023, 3, 10, 10, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        """Tell it."""
        return self.now

    def forward(self, step: timedelta) -> None:
        """Let time pass."""
        self.now += step


@dataclass(frozen=True)
class Told:
    """A service, one mail of which tells of one wrong number."""

    service: Service
    time: Time
    browser: httpx.AsyncClient

    async def rows(self, sql: str) -> list[dict[str, Any]]:
        """Ask the database."""
        async with connection(self.service.pool) as conn:
            return await (await conn.execute(sql)).fetchall()

    async def incident(self) -> dict[str, Any]:
        """Return the incident as it stands."""
        rows = await self.service.query("incidents", id=None, states=None, claimant=None, as_of=None)
        return next(row for row in rows if row["severity"] != "info" and not row["kind"].startswith("operations."))

    async def mail(self) -> dict[str, Any]:
        """Return the first mail."""
        return (await self.rows("SELECT * FROM mails ORDER BY id"))[0]

    async def link(self, act: str, incident: int | None = None) -> str:
        """Return the path of a link that the mail has."""
        mail = await self.mail()
        url = self.service.links.url(act, mail["message_id"], incident, mail["created_at"])
        return url.removeprefix(PUBLIC)

    async def press(self, path: str, **fields: str) -> httpx.Response:
        """Press the button of the page behind a link."""
        return await self.browser.post("/act", data={"token": path.rpartition("/")[2], **fields})


Tell = Callable[[Callable[[Told], Awaitable[Any]]], Any]


async def no_chart(_series: Series | None, _language: Language) -> bytes | None:
    """Draw nothing: charts have tests of their own."""
    return None


@pytest.fixture
def settings() -> dict[str, Any]:
    """Give what is configured beside the reader and the public address; a test may change it before it tells."""
    return {"mail": {"to": [READER], "digest": "off"}, "web": {"public_url": PUBLIC}}


@pytest.fixture
def tell(conninfo: str, tmp_path: Path, run: Run[Any], settings: dict[str, Any]) -> Tell:
    """Run something with a service that has told of a relay with two digits swapped."""

    async def with_service(work: Callable[[Told], Awaitable[Any]]) -> Any:
        time = Time()
        given = {"sources": {"ukrinform": {"enabled": True}}, **settings}
        config = Config(home=tmp_path / "home", database_url=conninfo, **given)
        async with open_service(config, time, no_chart) as service:
            wrong = {(NEWS, datetime(2023, 3, 8, tzinfo=UTC).date())}
            posts = [
                Post(place=place, day=day, changes=WRONG if (place, day) in wrong else ())
                for day in FIGURES
                for place in (TELEGRAM, MINISTRY, NEWS)
            ]
            await keep(service, *posts)
            await service.court.judge(tell=True)
            await service.teller.tell()
            transport = httpx.ASGITransport(app=Starlette(routes=routes(service)))
            async with httpx.AsyncClient(transport=transport, base_url="https://tally.example.org") as browser:
                return await work(Told(service, time, browser))

    return lambda work: run(with_service(work))
