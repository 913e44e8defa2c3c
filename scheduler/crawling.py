"""Running one source: its spider in this process's loop, its items into a keeper, and what came of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from http import HTTPStatus
from time import perf_counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

from scrapy import signals
from scrapy.crawler import AsyncCrawlerRunner, Crawler
from scrapy.exceptions import DropItem, NotConfigured
from scrapy.settings import Settings

from spiders.base import KYIV, Clock, SourceSpider, Validators, Window
from spiders.exceptions import SourceTrouble
from spiders.items import Absent, Document, Trouble, Unchanged
from spiders.pages import sentence
from spiders.sources import declared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scrapy.http import Response
    from twisted.python.failure import Failure

Item = Document | Absent | Unchanged | Trouble
Kept = Literal["new", "changed", "unchanged", "deleted", "nothing", "problem"]
Verdict = Literal["new", "unchanged", "not_published_yet", "late", "broken"]

OF_ONE_PAGE = frozenset({"http_error", "timeout"})
"""Causes that say nothing of the source as long as other pages of it could be read."""


class Keeper(Protocol):
    """Where items go. Whatever it raises stops the crawl: what cannot be kept is fetched again later."""

    async def keep(self, item: Item) -> Kept:
        """Keep an item and say what it was."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A source as the user configured it."""

    name: str
    spider: str = ""  # the declared spider, where one is used under another name (a second channel)
    base_url: str | None = None  # instead of its home
    options: Mapping[str, str] = field(default_factory=dict)  # what the spider names in `options`
    settings: Mapping[str, Any] = field(
        default_factory=dict
    )  # Scrapy settings, say ROBOTSTXT_OBEY, for this source alone


@dataclass(frozen=True, kw_only=True, slots=True)
class CrawlOutcome:
    """What came of one crawl."""

    source: str
    started_at: datetime
    seconds: float  # of real time, whatever the clock says
    new: int
    changed: int
    unchanged: int
    problems: tuple[str, ...]  # one sentence each, for a person
    troubles: tuple[Trouble, ...]
    finished: bool  # it came to its own end: not stopped by its deadline, a signal or the keeper
    failure: Exception | None = field(default=None, compare=False)  # what the keeper raised: whoever crawls tells it
    validators: Mapping[str, Validators] = field(default_factory=dict)  # for the next crawl

    @property
    def complete(self) -> bool:
        """Whether all that was asked for is kept: only then is a unit of a backfill done."""
        return self.finished and not self.troubles

    @property
    def cause(self) -> str | None:
        """The cause that makes the source broken, if it is. What our own keeper does is no fault of the source."""
        grave = [trouble.cause for trouble in self.troubles if trouble.cause not in OF_ONE_PAGE]
        if grave:
            return grave[0]
        if self.troubles and not self.new + self.changed + self.unchanged:
            return self.troubles[0].cause
        return None if self.finished or self.failure is not None else "timeout"


def verdict(
    outcome: CrawlOutcome, window: Window | None, now: datetime, latest_as_of: date | None
) -> tuple[Verdict, str | None]:
    """Return the verdict of a crawl, with its cause when the source is broken; without one, we are.

    `latest_as_of` is the day of the source's newest report, this crawl included; None if it never had one. A
    source without a window is never late.
    """
    if outcome.cause is not None or outcome.failure is not None:
        return "broken", outcome.cause
    today = now.astimezone(KYIV).date()
    if window is not None:
        if latest_as_of is None or latest_as_of < window.lapsed(now):
            return "late", None
        due = latest_as_of + timedelta(days=window.every) <= today
        if due and window.is_open(now):
            return "not_published_yet", None
    return ("new" if outcome.new or outcome.changed else "unchanged"), None


@dataclass(kw_only=True, slots=True)
class _Book:
    """What one crawl writes down while it runs."""

    source: str
    keeper: Keeper
    clock: Clock
    known: Mapping[str, Validators]  # handed in
    counts: Counter[str] = field(default_factory=Counter)
    troubles: list[Trouble] = field(default_factory=list)
    validators: dict[str, Validators] = field(default_factory=dict)  # for the next crawl
    failed: asyncio.Future[Any] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    async def keep(self, item: Item) -> None:
        """Hand an item to the keeper. After its first failure nothing more is handed over. Raises DropItem."""
        if self.failed.done():
            raise DropItem("the crawl is being stopped")
        try:
            kept = await self.keeper.keep(item)
        except Exception as error:
            if not self.failed.done():
                self.failed.set_result(error)
            raise DropItem(f"not kept: {error}") from error
        self.counts[kept] += 1
        if isinstance(item, Trouble):
            self.troubles.append(item)

    def note_error(self, failure: Failure) -> None:
        """Note an exception that reached Scrapy: a spider that failed before its first request."""
        cause = failure.value.cause if isinstance(failure.value, SourceTrouble) else "parse_error"
        detail = sentence(f"{type(failure.value).__name__}: {failure.value}")
        self.troubles.append(Trouble(source=self.source, url="", cause=cause, detail=detail, at=self.clock()))

    def note_response(self, response: Response) -> None:
        """Note what the server gave us to ask "has it changed?" with. A 304 may leave it out."""
        etag, modified = (response.headers.get(name) for name in ("ETag", "Last-Modified"))
        if response.status == HTTPStatus.NOT_MODIFIED and response.url in self.known:
            self.validators[response.url] = self.known[response.url]
        elif response.status == HTTPStatus.OK and (etag or modified):
            self.validators[response.url] = Validators(
                etag=etag.decode("latin-1") if etag else None,
                last_modified=modified.decode("latin-1") if modified else None,
            )


class KeepItems:
    """The item pipeline of a crawl that keeps what it finds."""

    def __init__(self, book: _Book) -> None:
        self.book = book

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build it as Scrapy does. Raises NotConfigured for a crawl that nobody keeps (`scrapy crawl NAME`)."""
        book = crawler.settings.get("TALLYWATCH_BOOK")
        if book is None:
            raise NotConfigured("nothing keeps the items")
        return cls(book)

    async def process_item(self, item: Item) -> Item:
        """Keep it. Raises DropItem."""
        await self.book.keep(item)
        return item


async def crawl(
    source: Source,
    *,
    keep: Keeper,
    clock: Clock,
    deadline: float,
    validators: Mapping[str, Validators] = MappingProxyType({}),
    since: date | None = None,
    until: date | None = None,
    spider: type[SourceSpider] | None = None,
) -> CrawlOutcome:
    """Crawl a source and return what came of it; `spider` fetches it instead of the declared one.

    `deadline` is in seconds. When it passes, or when the caller is cancelled, or when the keeper fails, what is in
    flight is waited for (`DOWNLOAD_TIMEOUT` at most) and nothing more is asked for: cancelling the crawl itself
    would leak its tasks. `validators` are those of the last outcome; give none for a window of the past.

    Raises KeyError for a spider that is not declared and ValueError for arguments that it does not take.
    """
    started_at, began = clock(), perf_counter()
    book = _Book(source=source.name, keeper=keep, clock=clock, known=validators)
    crawler = _crawler(source, book, spider or declared()[source.spider or source.name])
    task = _runner().crawl(
        crawler,
        name=source.name,
        since=since,
        until=until,
        base_url=source.base_url,
        clock=clock,
        validators=validators,
        **source.options,
    )
    try:
        await asyncio.wait({task, book.failed}, timeout=deadline, return_when=asyncio.FIRST_COMPLETED)
    finally:
        ended = task.done()
        await _stopped(crawler, task)
    return _outcome(book, started_at, perf_counter() - began, ended=ended)


@cache
def _runner() -> AsyncCrawlerRunner:
    settings = Settings()
    settings.setmodule("spiders.settings", priority="project")
    return AsyncCrawlerRunner(settings)


def _crawler(source: Source, book: _Book, spider: type[SourceSpider]) -> Crawler:
    crawler = _runner().create_crawler(spider)
    # On the crawler's own settings: the runner's are deep-copied for each crawl, and a keeper holds connections.
    crawler.settings.setdict(
        {"ITEM_PIPELINES": {KeepItems: 100}, "TALLYWATCH_BOOK": book, **source.settings}, "cmdline"
    )
    crawler.signals.connect(book.note_error, signals.spider_error, weak=False)
    crawler.signals.connect(book.note_response, signals.response_received, weak=False)
    return crawler


async def _stopped(crawler: Crawler, task: asyncio.Task[None]) -> None:
    """Stop a crawl, if it still runs, and wait for its end. Raises what it raised."""
    # An engine that is about to start cannot be stopped yet.
    while not task.done() and not (crawler.crawling and crawler.engine.running):  # noqa: ASYNC110 -- Scrapy has no event
        await asyncio.sleep(0)
    if not task.done():
        await crawler.stop_async()
    await task


def _outcome(book: _Book, started_at: datetime, seconds: float, *, ended: bool) -> CrawlOutcome:
    failure = book.failed.result() if book.failed.done() else None
    problems = [f"{trouble.cause} at {trouble.url}: {trouble.detail}" for trouble in book.troubles]
    if failure is not None:
        problems.append(sentence(f"not kept: {type(failure).__name__}: {failure}"))
    elif not ended:
        problems.append(f"stopped after {seconds:.0f} s")
    return CrawlOutcome(
        source=book.source,
        started_at=started_at,
        seconds=seconds,
        new=book.counts["new"],
        changed=book.counts["changed"],
        unchanged=book.counts["unchanged"],
        problems=tuple(problems),
        troubles=tuple(book.troubles),
        finished=ended and failure is None,
        failure=failure,
        validators=MappingProxyType({} if problems else book.validators),
    )
