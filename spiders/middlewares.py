"""What stands between a spider and the web: the guards, and the one place where trouble becomes an item."""

from __future__ import annotations

import asyncio
import logging
import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Self, cast
from urllib.parse import urlsplit

from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.downloadermiddlewares.redirect import RedirectMiddleware
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import (
    DownloadCancelledError,
    DownloadTimeoutError,
    IgnoreRequest,
    NotConfigured,
    NotSupported,
)
from scrapy.spidermiddlewares.base import BaseSpiderMiddleware
from scrapy.spidermiddlewares.httperror import HttpError

from spiders.base import SourceSpider
from spiders.exceptions import Blocked, HttpFailure, SourceTrouble, TimedOut, Unreadable
from spiders.items import Trouble, Unchanged
from spiders.pages import diagnosis, media_type, sentence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from twisted.python.failure import Failure

logger = logging.getLogger(__name__)
# Its only error is a robots.txt that did not come: the page beside it does not come either, which is told once.
logging.getLogger(RobotsTxtMiddleware.__module__).setLevel(logging.CRITICAL)

NOT_MODIFIED = 304
GO_AWAY = frozenset({401, 403, 407, 429, 451})  # statuses that refuse us, not the page


class SourceMiddleware:
    """For spiders that are sources; any other spider of the project goes without.

    `NotConfigured` is raised without a reason: Scrapy would log a given one as a warning, at each crawl.
    """

    def __init__(self, crawler: Crawler) -> None:
        if not isinstance(crawler.spider, SourceSpider):
            raise NotConfigured
        self.crawler = crawler
        self.spider = crawler.spider

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build it as Scrapy does. Raises NotConfigured."""
        return cls(crawler)


class OwnHosts(SourceMiddleware):
    """Refuses what leads out of the source's own hosts: a link, a redirect to a parking page or into our network."""

    def process_request(self, request: Request) -> None:
        """Look at each request, redirected ones as well. Raises Blocked."""
        if not self.spider.owns(request.url):
            raise Blocked(f"{request.url} is not one of the hosts of {self.spider.name}")


class PublicAddresses(SourceMiddleware):
    """Refuses private addresses, unless they stand in the configuration.

    The name is looked up before the request, and the peer's address again after it: a name server may answer
    differently the second time. Behind a proxy neither address is the page's, and the proxy was configured.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        if self.spider.address_given:
            raise NotConfigured  # the configuration names the address
        self.public: set[str] = set()

    async def process_request(self, request: Request) -> None:
        """Look the host up, once a crawl. Raises Blocked; a name that does not exist is the downloader's to tell."""
        host = urlsplit(request.url).hostname or ""
        if host in self.public or "proxy" in request.meta:
            return
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except OSError:
            return
        for *_, address in found:
            _refuse_private(str(address[0]), host)
        self.public.add(host)

    def process_response(self, request: Request, response: Response) -> Response:
        """Look at who answered. Raises Blocked."""
        if response.ip_address is not None and "proxy" not in request.meta:
            _refuse_private(str(response.ip_address), urlsplit(request.url).hostname or "")
        return response


def _refuse_private(address: str, host: str) -> None:
    if not ip_address(address.partition("%")[0]).is_global:
        raise Blocked(f"{host} is at {address}, which is not a public address")


class Robots(RobotsTxtMiddleware):
    """Says why: Scrapy's own refusal is dropped without a word."""

    async def process_request(self, request: Request) -> None:  # type: ignore[override]
        """Raise Blocked for what robots.txt forbids."""
        try:
            await super().process_request(request)
        except IgnoreRequest as refusal:
            raise Blocked(f"robots.txt forbids {request.url}") from refusal


class Redirects(RedirectMiddleware):
    """Likewise for a redirect loop."""

    def _redirect(self, redirected: Request, request: Request, reason: Any) -> Request:
        try:
            return super()._redirect(redirected, request, reason)
        except IgnoreRequest as refusal:
            raise HttpFailure(f"more than {self.max_redirect_times} redirects") from refusal


class Decompression(HttpCompressionMiddleware):
    """Likewise for a decompression bomb, and for a body that is not what its encoding says."""

    def process_response(self, request: Request, response: Response) -> Request | Response:  # type: ignore[override]
        """Raise Unreadable where Scrapy would drop the response, or retry it as if the network had failed."""
        try:
            return super().process_response(request, response)
        except IgnoreRequest as refusal:
            raise Unreadable(f"more than {self._max_size} bytes after decompression") from refusal
        except (OSError, EOFError, ValueError) as error:
            raise Unreadable(f"cannot be decompressed: {error}") from error


class Troubles(BaseSpiderMiddleware):
    """Turns whatever went wrong with a request or a page into one `Trouble`, and a 304 into `Unchanged`.

    Stats: `tallywatch/trouble/CAUSE`, `tallywatch/unchanged`.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        if not isinstance(crawler.spider, SourceSpider):
            raise NotConfigured
        self.spider = crawler.spider

    def get_processed_request(self, request: Request, response: Response | None) -> Request:  # noqa: ARG002 -- Scrapy's signature
        """Be told of what the downloader and the other middlewares raise."""
        request.errback = request.errback or self.failed
        return request

    def failed(self, failure: Failure) -> Iterable[Trouble | Unchanged]:
        """Report a request that brought no page. An errback: its output goes straight to the pipelines."""
        request = cast("Request", failure.request)  # type: ignore[attr-defined]
        error = failure.value
        response = error.response if isinstance(error, HttpError) else None
        if response is not None and response.status == NOT_MODIFIED:
            yield self._unchanged(response)
        else:
            yield self._trouble(_download_trouble(cast("Exception", error)), request.url, response)

    def process_spider_exception(self, response: Response, exception: Exception) -> Iterable[Trouble] | None:
        """Report what a spider raised. An exception that no spider means to raise is ours: it is logged whole."""
        if isinstance(exception, HttpError):
            return None
        if not isinstance(exception, SourceTrouble | NotSupported):
            what = {"source": self.spider.name, "document": response.url}
            logger.error("Spider %s failed on %s", *what.values(), exc_info=exception, extra=what)
        return [self._trouble(_page_trouble(exception, response), response.url, response)]

    def _unchanged(self, response: Response) -> Unchanged:
        self.crawler.stats.inc_value("tallywatch/unchanged")
        return Unchanged(source=self.spider.name, url=response.url, fetched_at=self.spider.clock())

    def _trouble(self, trouble: SourceTrouble, url: str, response: Response | None) -> Trouble:
        self.crawler.stats.inc_value(f"tallywatch/trouble/{trouble.cause}")
        logger.info("Source %s: %s at %s: %s", self.spider.name, trouble.cause, url, trouble)
        return Trouble(
            source=self.spider.name,
            url=url,
            cause=trouble.cause,
            detail=sentence(str(trouble)),
            at=self.spider.clock(),
            exchange=None if response is None else self.spider.exchange(response),
        )


def _download_trouble(error: Exception) -> SourceTrouble:
    match error:
        case SourceTrouble():
            return error
        case HttpError():
            return _status_trouble(error.response)
        case DownloadTimeoutError() | TimeoutError():
            return TimedOut(str(error))
        case DownloadCancelledError():
            return Unreadable(f"larger than we accept: {error}")
        case _:
            return HttpFailure(f"{type(error).__name__}: {error}")


def _status_trouble(response: Response) -> SourceTrouble:
    """Prefer what the page says of itself: a captcha often comes with a 403."""
    found = diagnosis(response)
    if found is not None and found.cause in {"captcha", "login_wall"}:
        return found
    kind = Blocked if response.status in GO_AWAY else HttpFailure
    return kind(f"HTTP {response.status}")


def _page_trouble(error: Exception, response: Response) -> SourceTrouble:
    match error:
        case SourceTrouble():
            return error
        case NotSupported():
            return Unreadable(f"not a text: {media_type(response)}")
        case _:
            return Unreadable(f"{type(error).__name__}: {error}")
