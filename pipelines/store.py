"""Keeping what a crawl brings: the documents of a page with their claims in one transaction."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from psycopg.types.json import Jsonb

from pipelines.absences import keep_absences
from pipelines.database import Connection, Pool, connection, one, run
from pipelines.documents import Crawl, keep_documents, keep_exchange
from pipelines.readings import storable
from spiders.items import Absent, Document, Role, Trouble, Unchanged

logger = logging.getLogger(__name__)

Item = Document | Absent | Unchanged | Trouble
Kept = Literal["new", "changed", "unchanged", "deleted", "nothing", "problem"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """What the store needs to know of a source."""

    name: str
    role: Role
    publisher: str
    claimant: str | None  # who speaks there, when it is always the same


@dataclass(kw_only=True, slots=True)
class _Batch:
    """Items that are kept together."""

    items: list[Item] = field(default_factory=list)
    kept: asyncio.Task[list[Kept]] | None = None


class Keeper:
    """Keeps the items of one crawl of one source.

    Items that come while others are being kept are kept together, in one transaction: those of a page, mostly.
    """

    def __init__(self, pool: Pool, place: Place, run: int, clock: Callable[[], datetime]) -> None:
        self.pool = pool
        self.place = place
        self.run = run
        self.clock = clock
        self.counts: Counter[str] = Counter()
        self.next = _Batch()
        self.one_at_a_time = asyncio.Lock()

    @classmethod
    async def begin(
        cls, pool: Pool, place: Place, clock: Callable[[], datetime], *, past: bool = False, quiet: bool = False
    ) -> Keeper:
        """Note the source and open the record of the crawl.

        `past`: it asks for a window that has ended; how it goes says nothing of the source now. `quiet`: nobody is
        to be mailed of what it brings.
        """
        now = clock()
        async with connection(pool) as conn:
            fields = {"role": place.role, "publisher": place.publisher, "claimant": place.claimant}
            await run(conn, "keep_source", name=place.name, **fields, at=now)
            row = await one(conn, "begin_run", source=place.name, at=now, past=past, quiet=quiet)
        return cls(pool, place, row["id"], clock)

    async def keep(self, item: Item) -> Kept:
        """Keep one item, wholly or not at all, with those that come at the same time.

        Raises DatabaseUnreachable: the crawl must stop, because what it fetches cannot be kept.
        """
        batch, place = self.next, len(self.next.items)
        batch.items.append(item)
        if batch.kept is None:
            batch.kept = asyncio.create_task(self._keep_batch(batch))
        return (await asyncio.shield(batch.kept))[place]

    async def _keep_batch(self, batch: _Batch) -> list[Kept]:
        async with self.one_at_a_time:
            await asyncio.sleep(0)  # the other items of the page are on their way
            self.next = _Batch()
            async with connection(self.pool) as conn:
                kept = await self._keep_all(conn, batch.items)
        self.counts.update(kept)
        return kept

    async def _keep_all(self, conn: Connection, items: Sequence[Item]) -> list[Kept]:
        documents = [item for item in items if isinstance(item, Document)]
        crawl = Crawl(source=self.place.name, claimant=self.place.claimant, run=self.run, at=self.clock())
        sorts = iter(await keep_documents(conn, crawl, documents) if documents else [])
        return [next(sorts) if isinstance(item, Document) else await self._keep_other(conn, item) for item in items]

    async def _keep_other(self, conn: Connection, item: Absent | Unchanged | Trouble) -> Kept:
        if isinstance(item, Trouble):
            return await self._keep_trouble(conn, item)
        if isinstance(item, Absent):
            return await keep_absences(conn, item, keep_exchange)
        await run(conn, "touch_page", source=item.source, url=item.url, seen=item.fetched_at)
        return "unchanged"

    async def finish(
        self, verdict: str, cause: str | None, validators: Mapping[str, tuple[str | None, str | None]]
    ) -> None:
        """Close the record of the crawl.

        `validators` (URL to ETag and Last-Modified) must be those of a complete crawl: after a crash between two
        documents of a page, its server would answer "not modified" for ever.
        """
        async with connection(self.pool) as conn:
            for url, (etag, modified) in validators.items():
                place = {"source": self.place.name, "url": url}
                await run(conn, "keep_validator", **place, etag=etag, last_modified=modified)
            ending = {"verdict": verdict, "cause": cause, "counts": Jsonb(dict(self.counts))}
            await run(conn, "end_run", run=self.run, at=self.clock(), **ending)

    async def _keep_trouble(self, conn: Connection, item: Trouble) -> Kept:
        logger.warning("Trouble at %s: %s (%s)", item.source, item.cause, item.detail)
        exchange = await keep_exchange(conn, item.exchange) if item.exchange else None
        await run(
            conn,
            "keep_trouble",
            run=self.run,
            source=item.source,
            url=storable(item.url),
            cause=item.cause,
            detail=storable(item.detail),
            at=item.at,
            exchange=exchange,
        )
        return "problem"
