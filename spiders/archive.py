"""Pages that an archive kept, as if their source had just sent them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from spiders.items import Exchange

if TYPE_CHECKING:
    from scrapy.http import Response

    from spiders.base import SourceSpider

PORTS = {"http": 80, "https": 443}


def as_published(spider: SourceSpider, url: str) -> str:
    """Return a URL as the source itself writes it: archives keep http, port 80 and www. as somebody asked for them."""
    parts, home = urlsplit(url), urlsplit(spider.home)
    host = (parts.hostname or "").rstrip(".")
    if host.removeprefix("www.") == (home.hostname or "").removeprefix("www."):
        host = home.hostname or host
    port = parts.port if parts.port not in {None, PORTS.get(parts.scheme)} else None
    return parts._replace(scheme=home.scheme, netloc=f"{host}:{port}" if port else host, fragment="").geturl()


def copied(response: Response, url: str, captured_at: datetime) -> Response:
    """Return an archived response under its own URL; what is cut out of it is known since its capture.

    The exchange keeps the address at the archive, where anybody can look the evidence up.
    """
    names = {name.decode("latin-1"): values for name, values in response.headers.items()}
    headers = tuple((name, value.decode("latin-1")) for name, values in names.items() for value in values)
    response.meta["captured_at"] = captured_at
    response.meta["exchange"] = Exchange(
        url=response.url, status=response.status, headers=headers, body=response.body, fetched_at=captured_at
    )
    return response.replace(url=url)
