"""Any source's past pages, as the Wayback Machine kept them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode, urlsplit

from scrapy import Request
from scrapy.exceptions import NotConfigured
from scrapy.http import Response

from spiders.archive import as_published, copied
from spiders.base import Reader, Sought, SourceSpider, is_private
from spiders.exceptions import Blocked, EmptyPage, LayoutChanged
from spiders.items import Absent
from spiders.middlewares import SourceMiddleware
from spiders.records import json_of

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

HOME = "https://web.archive.org"
PER_MINUTE = 24  # requests; the archive shuts those out who ask for more
ROWS = 1000  # of one answer of the index
LONGEST_WAIT_S = 900.0  # an archive that wants more than that is asked again by the next attempt
MOST_WAITS = 5  # for one page
FIRST_WAIT_S = 60.0  # where no delay is named; doubled each time
CAPTURE = re.compile(r"/web/(\d{14})id_/(.+)$")


class FromArchive(SourceSpider):
    """Reads a source's pages as the Wayback Machine captured them. Mixed into the source's own spider by `archived`.

    Domain
        web.archive.org
    Role
        that of the source: who speaks, not how it was fetched
    Caveats
        The CDX index is asked for the pages that the source declares (`sought`), captured in the window or soon after
        it; each capture is read by the source's own spider under its own URL, so the same post from the site and from
        the archive is one document. What was read is known since its capture. Of one page one capture an hour is
        read. At most 24 requests a minute; a 429 or 503 is waited out as long as the archive asks. A capture of a
        login wall, a captcha or an error is no page: it is recorded, and asking again would not change it. What a
        capture does not show is no sign of a deletion.
    Documentation
        https://github.com/internetarchive/wayback/tree/master/wayback-cdx-server
    """

    def __init__(self, *args: Any, base_url: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.archive = (base_url or HOME).rstrip("/")
        self._asked: set[str] = set()
        self._found = 0

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        """Ask one thing at a time and slowly; a copy on this machine is the user's own."""
        spider = super().from_crawler(crawler, *args, **kwargs)
        middlewares = crawler.settings.getdict("DOWNLOADER_MIDDLEWARES")
        pace = {
            "AUTOTHROTTLE_ENABLED": False,
            "DOWNLOAD_DELAY_JITTER": 0,
            "DOWNLOAD_DELAY": 0 if is_private(spider.archive) else 60 / PER_MINUTE,
            "CONCURRENT_REQUESTS": 1,
            "DOWNLOADER_MIDDLEWARES": middlewares | {Patience: 610},  # sees an answer before Retry and Redirects
        }
        crawler.settings.setdict(pace, "spider")
        return spider

    @property
    def address_given(self) -> bool:
        """Whether the configuration names an archive of the user's own."""
        return self.archive != HOME

    def owns(self, url: str) -> bool:
        """Only the archive is asked, never the source."""
        return urlsplit(url).netloc == urlsplit(self.archive).netloc

    async def start(self) -> AsyncIterator[Any]:
        """Ask the index. Raises EmptyPage for a source that has no page which an archive could keep."""
        sought = list(self.sought())
        if not sought:
            raise EmptyPage(f"{self.name} has no page that an archive could keep")
        yield self._index(sought[0], [*sought[1:]])

    def _index(self, sought: Sought, further: list[Sought], resume: str | None = None) -> Request:
        query = [("url", sought.url), ("matchType", sought.match), ("output", "json"), ("fl", "timestamp,original")]
        query += [("collapse", "digest"), ("filter", "statuscode:200")]
        query += [("filter", f"original:{sought.pattern}")] if sought.pattern else []
        if self.since:  # Kyiv is ahead of the UTC of an archive
            query.append(("from", f"{self.since - timedelta(days=1):%Y%m%d}"))
        if self.until:
            query.append(("to", f"{self.until + self.shown_for:%Y%m%d}"))
        query += [("limit", str(ROWS)), ("showResumeKey", "true")]
        query += [("resumeKey", resume)] if resume else []
        given = {"sought": sought, "further": further}
        return Request(f"{self.archive}/cdx/search/cdx?{urlencode(query)}", self.parse_index, cb_kwargs=given)

    def parse_index(self, response: Response, sought: Sought, further: list[Sought]) -> Iterator[Any]:
        """Ask for the captures of an answer of the index, and for its next page. Raises EmptyPage for no capture."""
        rows, resume = _rows(json_of(response))
        for stamp, original in rows:
            url = as_published(self, original)
            reader = self.reader(url)
            hour = f"{stamp[:10]} {url}"
            if reader is not None and hour not in self._asked:
                self._asked.add(hour)
                self._found += 1
                yield self._capture(stamp, original, reader)
        if resume is not None:
            yield self._index(sought, further, resume)
        elif further:
            yield self._index(further[0], further[1:])
        elif not self._found:
            raise EmptyPage(f"the archive has no copy from {self.since} on to {self.until} and soon after")

    def _capture(self, stamp: str, url: str, reader: Reader, **kwargs: Any) -> Request:
        return Request(
            f"{self.archive}/web/{stamp}id_/{url}", self.parse_capture, cb_kwargs={"reader": reader, **kwargs}
        )

    def parse_capture(self, response: Response, reader: Reader, given: dict[str, Any] | None = None) -> Iterator[Any]:
        """Read a capture as its source's page; what it leads to is read as captured nearest to the same time."""
        found = CAPTURE.search(response.url)
        if found is None:
            raise LayoutChanged("the archive answered with something else than a capture")
        stamp, url = found[1], as_published(self, found[2])
        if not self._is_at_home(url):
            raise Blocked(f"the capture leads to {url}, which is not one of the hosts of {self.name}")
        for item in reader(copied(response, url, _moment(stamp)), **(given or {})):
            if isinstance(item, Request):
                yield from self._follow(stamp, item)
            elif not isinstance(item, Absent):
                yield item

    def _follow(self, stamp: str, asked: Request) -> Iterator[Request]:
        if asked.url not in self._asked and asked.callback is not None:
            self._asked.add(asked.url)
            request = self._capture(stamp, asked.url, asked.callback, given=asked.cb_kwargs)
            yield request.replace(
                meta={"handle_httpstatus_list": [HTTPStatus.NOT_FOUND]}, callback=self.parse_followed
            )

    def parse_followed(self, response: Response, reader: Reader, given: dict[str, Any]) -> Iterator[Any]:
        """Read a page that a capture leads to. Many were never captured: that is no trouble, but it is counted."""
        if response.status == HTTPStatus.NOT_FOUND:
            self.logger.info("Source %s: not in the archive: %s", self.name, response.url)
            self.crawler.stats.inc_value("tallywatch/not_archived")
            return
        yield from self.parse_capture(response, reader, given)


@cache
def archived(spider: type[SourceSpider]) -> type[SourceSpider]:
    """Return the spider that reads a source out of the archive."""
    return type(f"Archived{spider.__name__}", (FromArchive, spider), {"reach": "all", "__doc__": spider.__doc__})


class Patience(SourceMiddleware):
    """Waits as long as the archive asks when it has too much to do, and asks again."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        if not isinstance(self.spider, FromArchive):
            raise NotConfigured

    async def process_response(self, request: Request, response: Response) -> Request | Response:
        """Wait for a 429 or 503. Raises Blocked when that would take too long."""
        if response.status not in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
            return response
        waits = request.meta.get("waits", 0)
        wait = _retry_after(response, self.spider.clock())
        wait = FIRST_WAIT_S * 2**waits if wait is None else wait
        if waits >= MOST_WAITS or wait > LONGEST_WAIT_S:
            raise Blocked(f"HTTP {response.status}; the archive wants {wait:.0f} s of rest")
        await self._rest(wait)
        return request.replace(meta={**request.meta, "waits": waits + 1}, dont_filter=True)

    async def _rest(self, seconds: float) -> None:
        """Wait, unless the crawl is told to stop meanwhile."""
        end = monotonic() + seconds
        while self.crawler.engine.running and (left := end - monotonic()) > 0:  # noqa: ASYNC110 -- no event in Scrapy
            await asyncio.sleep(min(left, 1.0))


def _retry_after(response: Response, now: datetime) -> float | None:
    """Return the seconds that an answer asks us to wait: it names a number, or a time."""
    named = (response.headers.get("Retry-After") or b"").decode("latin-1").strip()
    if named.isdecimal():
        return float(named)
    try:
        return max(0.0, (parsedate_to_datetime(named) - now).total_seconds())
    except (ValueError, TypeError):
        return None


def _rows(answer: Any) -> tuple[list[tuple[str, str]], str | None]:
    """Return time and URL of each capture, and where the index goes on. Raises LayoutChanged.

    The first row names the columns. An empty row stands before the key to go on with.
    """
    if not isinstance(answer, list) or not all(isinstance(row, list) for row in answer):
        raise LayoutChanged("the index is no list of rows")
    resume = str(answer[-1][0]) if len(answer) > 1 and answer[-2] == [] and answer[-1] else None
    rows = [row for row in (answer[:-2] if resume else answer)[1:] if row]
    if any(len(row) != 2 or not re.fullmatch(r"\d{14}", str(row[0])) for row in rows):  # noqa: PLR2004 -- time and URL
        raise LayoutChanged("a row of the index is not a time and a URL")
    return [(str(stamp), str(url)) for stamp, url in rows], resume


def _moment(stamp: str) -> datetime:
    return datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
