"""Reading one archive of web pages into the ledger: which page is whose, and what is kept of it."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit
from zipfile import BadZipFile

from scrapy import Request
from scrapy.http import Headers, Response
from scrapy.responsetypes import responsetypes

from pipelines.database import Pool
from pipelines.reading.traces import promising
from pipelines.store import Keeper, Place
from scheduler.crawling import Source
from spiders.archive import as_published, copied
from spiders.base import Reader, SourceSpider
from spiders.exceptions import SourceTrouble
from spiders.items import Document, Trouble
from spiders.pages import sentence
from spiders.sources import declared
from spiders.warc import Findings, Page, pages

logger = logging.getLogger(__name__)

BREATH = 50  # pages between two looks at whether we are told to stop


def utc_now() -> datetime:
    """Return the time of the machine: the clock of a worker elsewhere."""
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What to look for in a file. It travels to workers."""

    sources: Sequence[Source]
    alone: bool = False  # one source was named: pages of hosts that nobody declares are its own
    since: date | None = None
    until: date | None = None
    quiet: bool = True


@dataclass(kw_only=True, slots=True)
class Scanned:
    """What came of a file."""

    file: str
    responses: int = 0
    promising: int = 0
    counts: Counter[str] = field(default_factory=Counter)  # new, changed, unchanged, problem
    strangers: Counter[str] = field(default_factory=Counter)  # promising pages of hosts that no source declares
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0
    failed: bool = False  # it could not be read to its end


class Scan:
    """Reads one file."""

    def __init__(self, order: Order, pool: Pool) -> None:
        self.order = order
        self.pool = pool
        self.spiders: Mapping[str, SourceSpider] = {source.name: self._spider(source) for source in order.sources}
        self.keepers: dict[str, Keeper] = {}

    def _spider(self, source: Source) -> SourceSpider:
        made = declared()[source.spider or source.name]
        options: dict[str, Any] = dict(source.options)
        return made(source.name, since=self.order.since, until=self.order.until, clock=utc_now, **options)

    async def run(self, file: str) -> Scanned:
        """Read a file and keep what it brings; safe to be done twice, or killed at any point.

        Raises DatabaseUnreachable. What is wrong with the file is part of what is returned.
        """
        done, findings, began = Scanned(file=file), Findings(), perf_counter()
        try:
            for page in pages(file, promising, findings):
                done.promising += 1
                await self._read(page, done)
                if done.promising % BREATH == 0:
                    await asyncio.sleep(0)
        except (OSError, BadZipFile) as error:
            done.failed = True
            done.problems.append(sentence(f"{file} cannot be read: {error}"))
        for keeper in self.keepers.values():
            await keeper.finish("new" if keeper.counts["new"] + keeper.counts["changed"] else "unchanged", None, {})
            done.counts += keeper.counts
        self.keepers.clear()
        done.responses = findings.responses
        done.problems += findings.problems or []
        done.seconds = perf_counter() - began
        return done

    async def _read(self, page: Page, done: Scanned) -> None:
        found = self._reader(page.url)
        if found is None:
            done.strangers[urlsplit(page.url).hostname or ""] += 1
            return
        spider, reader = found
        for item in _items(spider, reader, page):
            if isinstance(item, Trouble):
                done.problems.append(f"{item.cause} at {item.url}: {item.detail}")
            await (await self._keeper(spider)).keep(item)

    def _reader(self, url: str) -> tuple[SourceSpider, Reader] | None:
        """Return whose a page is, and what reads it.

        That of the source that declares its host. A page of a host that nobody declares is nobody's, because it has
        no role and no claimant; unless the user named one source.
        """
        for spider in self.spiders.values():
            if (reader := spider.reader(as_published(spider, url))) is not None:
                return spider, reader
        if self.order.alone and not any(made(name).owns(url) for name, made in declared().items()):
            [spider] = self.spiders.values()
            return spider, getattr(spider, "parse_copy", spider.parse)
        return None

    async def _keeper(self, spider: SourceSpider) -> Keeper:
        if spider.name not in self.keepers:
            place = Place(name=spider.name, role=spider.role, publisher=spider.publisher, claimant=spider.claimant)
            self.keepers[spider.name] = await Keeper.begin(
                self.pool, place, utc_now, past=True, quiet=self.order.quiet
            )
        return self.keepers[spider.name]


def _items(spider: SourceSpider, reader: Reader, page: Page) -> Iterator[Document | Trouble]:
    """Yield the documents of a page, and what is wrong with it. What it leads to is in the archive, or is not."""
    response = _response(page)
    try:
        copy = copied(response, as_published(spider, page.url), page.captured_at)
        yield from (item for item in reader(copy) if isinstance(item, Document))
    except Exception as error:  # whatever a page does to a spider: told, and the next one is read
        if not isinstance(error, SourceTrouble):
            logger.exception("Spider %s failed on %s", spider.name, page.url)
        yield Trouble(
            source=spider.name,
            url=page.url,
            cause=error.cause if isinstance(error, SourceTrouble) else "parse_error",
            detail=sentence(str(error)),
            at=utc_now(),
            exchange=response.meta.get("exchange"),
        )


def _response(page: Page) -> Response:
    headers = Headers([(name, value) for name, value in page.headers if name.lower() != "content-encoding"])
    kind: Any = responsetypes.from_args(headers=headers, url=page.url, body=page.body)
    made: Response = kind(page.url, status=page.status, headers=headers, body=page.body, request=Request(page.url))
    return made
