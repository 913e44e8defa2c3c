"""What stands before the pages: bounds of what is sent, and headers that leave a browser nothing to do."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections import Counter
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

BODY = 16_384
"""Bytes of a form: a note of 500 characters, percent-encoded, takes 3,000."""

PATIENCE_S = 10.0
"""How long a form may take to arrive."""

REQUESTS = 60
"""Of one client in a minute."""

CLIENTS = 10_000
"""That are told apart in a minute: beyond them, whoever comes shares one count."""

FORM = "application/x-www-form-urlencoded"


def headers(style: str) -> dict[str, str]:
    """Return the headers of every page: nothing but the page itself and its own style may be loaded or kept."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
    return {
        "Content-Security-Policy": "; ".join(policy),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex, nofollow",
        "X-Content-Type-Options": "nosniff",
    }


class Gate:
    """Counts what each client asks for. A forged link costs a hash and no query; this bounds even that."""

    def __init__(self) -> None:
        self._minute = 0
        self._asked: Counter[str] = Counter()

    def check(self, client: str, seconds: float) -> None:
        """Let a client in at a time. Raises HTTPException 429."""
        if int(seconds // 60) != self._minute:
            self._minute = int(seconds // 60)
            self._asked.clear()
        name = client if client in self._asked or len(self._asked) < CLIENTS else ""
        self._asked[name] += 1
        if self._asked[name] > REQUESTS:
            raise HTTPException(429, "Too many requests: try again in a minute", {"Retry-After": "60"})


async def form(request: Request) -> Mapping[str, str]:
    """Read a form. Raises HTTPException for any other body, and for one that is too large or too slow."""
    if _content_type(request) != FORM:
        raise HTTPException(415, f"Send {FORM}")
    try:
        return dict(parse_qsl((await body(request)).decode(), keep_blank_values=True, max_num_fields=10))
    except ValueError as error:
        raise HTTPException(400, "The form cannot be read") from error


async def one_click(request: Request) -> None:
    """Read what RFC 8058 sends, as a form of either kind. Raises HTTPException for anything else."""
    if _content_type(request) not in {FORM, "multipart/form-data"}:
        raise HTTPException(415, f"Send {FORM} or multipart/form-data")
    said = await body(request)
    if b"List-Unsubscribe" not in said or b"One-Click" not in said:
        raise HTTPException(400, "Send List-Unsubscribe=One-Click")


async def body(request: Request) -> bytes:
    """Read a bounded body. Raises HTTPException 413 or 408."""
    said = b""
    try:
        async with asyncio.timeout(PATIENCE_S):
            async for chunk in request.stream():
                said += chunk
                if len(said) > BODY:
                    raise HTTPException(413, "The form is too large")
    except TimeoutError as error:
        raise HTTPException(408, "The form took too long") from error
    return said


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
