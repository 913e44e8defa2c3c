"""Kept copies, shown to whoever was given their address.

What is kept is other people's: an open port must neither run it nor republish it for search engines. So a copy is
plain text or a download in a sandbox, is not indexed, and is found under the hash of its content only: the mails
have that address, and nobody reaches the next copy by counting.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from hmac import compare_digest
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from scheduler.mails.quoting import clean, one_line
from scheduler.service import Service

ADDRESS = re.compile(r"([0-9]{1,18})-([0-9a-f]{64})")
INERT = {
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, noarchive",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, max-age=86400, immutable",
}
LINE = 1000


def routes(service: Service) -> list[Route]:
    """Return the pages of kept copies: the words as they were read, and the bytes as they were sent."""

    async def words(request: Request) -> Response:
        row = await _found(service, request)
        return _missing() if row is None else PlainTextResponse(_page(row), headers=INERT)

    async def content(request: Request) -> Response:
        row = await _found(service, request)
        if row is None:
            return _missing()
        named = {"Content-Disposition": f'attachment; filename="document-{row["id"]}.bin"'}
        body = zlib.decompress(row["content"])
        return Response(body, media_type="application/octet-stream", headers=INERT | named)

    return [Route("/documents/{address}", words), Route("/documents/{address}/content", content)]


async def _found(service: Service, request: Request) -> Mapping[str, Any] | None:
    """Return the copy that an address names, with the right hash only."""
    address = ADDRESS.fullmatch(request.path_params["address"])
    if address is None:
        return None
    rows = await service.query("kept_copy", version=int(address[1]))
    return rows[0] if rows and compare_digest(rows[0]["sha256"], address[2]) else None


def _missing() -> Response:
    return PlainTextResponse(
        "There is no such copy.\n", status_code=404, headers=INERT | {"Cache-Control": "no-store"}
    )


def _page(row: Mapping[str, Any]) -> str:
    published = f"Published: {row['published_at']:%Y-%m-%d %H:%M} UTC\n" if row["published_at"] else ""
    facts = (
        f"Source: {one_line(row['source'], LINE)}\n"
        f"Address: {one_line(row['url'], LINE)}\n"
        f"{published}First seen: {row['first_seen']:%Y-%m-%d %H:%M} UTC\n"
        f"Hash of its content: sha256 {row['sha256']}\n"
        "The bytes as they were sent: this address, followed by /content\n"
    )
    return f"A copy kept by tallywatch.\n\n{facts}\n{'-' * 72}\n\n{clean(row['text'] or '')}\n"
