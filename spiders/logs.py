"""What a crawl writes into the log: never a page."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from scrapy.logformatter import LogFormatter, LogFormatterResult

if TYPE_CHECKING:
    from scrapy import Request, Spider
    from scrapy.http import Response
    from twisted.python.failure import Failure


class Brief(LogFormatter):
    """Names a kept or refused item by its URL, where Scrapy prints all of it."""

    def scraped(self, item: Any, response: Response | Failure | None, spider: Spider) -> LogFormatterResult:  # noqa: ARG002 -- Scrapy's signature
        """Name what was found."""
        return _line(logging.DEBUG, "Found %(kind)s %(url)s", item)

    def dropped(
        self,
        item: Any,
        exception: BaseException,  # noqa: ARG002 -- Scrapy's signature
        response: Response | Failure | None,  # noqa: ARG002 -- likewise
        spider: Spider,  # noqa: ARG002 -- likewise
    ) -> LogFormatterResult:
        """Name what was not kept; the reason is logged once, by who dropped it."""
        return _line(logging.DEBUG, "Dropped %(kind)s %(url)s", item)

    def item_error(
        self,
        item: Any,
        exception: BaseException,  # noqa: ARG002 -- Scrapy's signature
        response: Response | Failure | None,  # noqa: ARG002 -- likewise
        spider: Spider,  # noqa: ARG002 -- likewise
    ) -> LogFormatterResult:
        """Name what an item pipeline failed on."""
        return _line(logging.ERROR, "Failed on %(kind)s %(url)s", item)

    def download_error(
        self, failure: Failure, request: Request, spider: Spider, errmsg: str | None = None
    ) -> LogFormatterResult:
        """Leave out what became a Trouble."""
        result = super().download_error(failure, request, spider, errmsg)
        return {**result, "level": logging.INFO}


def _line(level: int, message: str, item: Any) -> LogFormatterResult:
    return {"level": level, "msg": message, "args": {"kind": type(item).__name__, "url": getattr(item, "url", "")}}
