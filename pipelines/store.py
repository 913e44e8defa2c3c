"""Keeping what a crawl brings: each document with its claims in one transaction."""

from __future__ import annotations

import hashlib
import logging
import re
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg.types.json import Jsonb
from psycopg.types.range import Int4Range

from pipelines import reading
from pipelines.absences import keep_absences, settle
from pipelines.database import Connection, Pool, connection, many, maybe, one, run
from pipelines.records import Claim, Problem, Reading, Span
from spiders.items import Absent, Document, Exchange, Role, Trouble, Unchanged

logger = logging.getLogger(__name__)

Kept = Literal["new", "changed", "unchanged", "deleted", "nothing", "problem"]
LARGEST = 10**12
"""A number beyond it is no tally; what a hostile page prints must still fit the column of its problem."""

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""Characters that PostgreSQL's UTF-8 cannot hold. Replaced one for one, so that spans stay true."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """What the store needs to know of a source."""

    name: str
    role: Role
    publisher: str
    claimant: str | None  # who speaks there, when it is always the same


class Keeper:
    """Keeps the items of one crawl of one source."""

    def __init__(self, pool: Pool, place: Place, run: int, clock: Callable[[], datetime]) -> None:
        self.pool = pool
        self.place = place
        self.run = run
        self.clock = clock
        self.counts: Counter[str] = Counter()

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

    async def keep(self, item: Document | Absent | Unchanged | Trouble) -> Kept:
        """Keep one item, wholly or not at all.

        Raises DatabaseUnreachable: the crawl must stop, because what it fetches cannot be kept.
        """
        async with connection(self.pool) as conn:
            if isinstance(item, Document):
                kept = await self._keep_document(conn, item)
            elif isinstance(item, Trouble):
                kept = await self._keep_trouble(conn, item)
            elif isinstance(item, Absent):
                kept = await keep_absences(conn, item, keep_exchange)
            else:
                await run(conn, "touch_page", source=item.source, url=item.url, seen=item.fetched_at)
                kept = "unchanged"
        self.counts[kept] += 1
        return kept

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

    async def _keep_document(self, conn: Connection, item: Document) -> Kept:
        seen = item.captured_at or item.exchange.fetched_at
        document = await one(conn, "keep_document", source=item.source, key=item.key, url=item.url, seen=seen)
        sha256 = hashlib.sha256(item.canonical).digest()
        touched = await maybe(conn, "touch_version", document=document["id"], sha256=sha256, seen=seen)
        if touched is not None:
            if touched["redate"] or document["missed"]:
                await _order_versions(conn, document)
            return "unchanged"
        exchange = await keep_exchange(conn, item.exchange)
        version = await maybe(
            conn,
            "keep_version",
            document=document["id"],
            sha256=sha256,
            content=zlib.compress(item.content),
            content_type=item.content_type,
            exchange=exchange,
            run=self.run,
            published_at=item.published_at,
            edited=item.edited,
            known_at=min(item.known_at, seen),
            seen=seen,
        )
        if version is None:  # another process kept it between our two statements
            return "unchanged"
        made = read(
            item.content,
            content_type=item.content_type,
            url=item.url,
            published_at=item.published_at,
            speaker=self.place.claimant,
        )
        await keep_reading(conn, version["id"], made, self.clock())
        await _order_versions(conn, document)
        return "new" if document["new"] else "changed"

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


def read(
    content: bytes, *, content_type: str, url: str, published_at: datetime | None, speaker: str | None
) -> Reading:
    """Read a document. A text that breaks the reader is a problem of that text, told and kept, never a lost one."""
    try:
        return reading.read(content, content_type=content_type, url=url, published_at=published_at, speaker=speaker)
    except Exception as error:  # whatever it is: the document is kept, and the problem beside it
        logger.exception("The reader failed on %s", url)
        problem = Problem(problem=f"the reader failed: {type(error).__name__}", span=None, quote="")
        return Reading(text="", extractor="none", reader="none", claims=(), problems=(problem,))


async def keep_exchange(conn: Connection, exchange: Exchange) -> bytes:
    """Keep a response once; return its hash."""
    sha256 = hashlib.sha256(exchange.body).digest()
    await run(
        conn,
        "keep_exchange",
        sha256=sha256,
        url=storable(exchange.url),
        status=exchange.status,
        headers=Jsonb([[storable(name), storable(value)] for name, value in exchange.headers]),
        body=zlib.compress(exchange.body),
        fetched_at=exchange.fetched_at,
    )
    return sha256


async def keep_reading(conn: Connection, version: int, made: Reading, at: datetime) -> bool:
    """Make this reading the current one of a version. False when the same had been read before."""
    await run(conn, "retire_readings", version=version)
    fields = {"version": version, "extractor": made.extractor, "reader": made.reader, "text": storable(made.text)}
    row = await one(conn, "keep_reading", sha256=fingerprint(made), at=at, **fields)
    if not row["new"]:
        return False
    for claim in made.claims:
        await _keep_claim(conn, row["id"], claim)
    for problem in made.problems:
        await _keep_problem(conn, row["id"], problem)
    return True


def fingerprint(made: Reading) -> bytes:
    """Hash everything that was read: what decided it (`why`) may be worded anew without a new reading."""
    facts = [made.extractor, made.text]
    facts += [
        repr((c.claimant, c.metric, c.as_of, c.total, c.daily, c.hedge, c.total_span, c.daily_span, c.note))
        for c in made.claims
    ]
    facts += [repr((p.problem, p.span, p.quote)) for p in made.problems]
    return hashlib.sha256("\x1e".join(facts).encode("utf-8", "surrogatepass")).digest()


def storable(text: str) -> str:
    """Replace what the database cannot hold, one character for one."""
    return UNSTORABLE.sub("\ufffd", text)


async def _keep_claim(conn: Connection, reading_id: int, claim: Claim) -> None:
    if any(abs(number) > LARGEST for number in (claim.total, claim.daily) if number is not None):
        too_large = Problem(problem="a number is too large for a tally", span=claim.total_span, quote=claim.quote)
        return await _keep_problem(conn, reading_id, too_large)
    await run(
        conn,
        "keep_claim",
        reading=reading_id,
        claimant=claim.claimant,
        metric=claim.metric,
        as_of=claim.as_of,
        total=claim.total,
        daily=claim.daily,
        hedge=claim.hedge,
        total_span=_range(claim.total_span),
        daily_span=_range(claim.daily_span),
        quote=storable(claim.quote),
        note=claim.note,
    )
    return None


async def _keep_problem(conn: Connection, reading_id: int, problem: Problem) -> None:
    await run(
        conn,
        "keep_problem",
        reading=reading_id,
        problem=storable(problem.problem),
        span=_range(problem.span),
        quote=storable(problem.quote),
    )


async def _order_versions(conn: Connection, document: Mapping[str, Any]) -> None:
    """Date the versions anew and note what came back; whatever moved is judged again."""
    await run(conn, "date_versions", document=document["id"])
    returned = await many(conn, "note_returns", document=document["id"])
    if returned:
        await run(conn, "unjudge", versions=[row["version"] for row in returned])
    if document["missed"]:
        await settle(conn, [document["id"]])


def _range(span: Span | None) -> Int4Range | None:
    return Int4Range(*span) if span else None
