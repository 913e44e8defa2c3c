"""Reading stored documents again after the reader has learned."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipelines.database import Connection, Pool, connection, many, one, run
from pipelines.readings import fingerprint, keep_readings, read
from pipelines.records import Reading

PAGE = 200
"""Versions that are held at once: contents are a few kilobytes each, a bad one some megabytes."""

Said = tuple[str, str, str | None, int | None, int | None]  # claimant, metric, as_of, total, daily


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One version that is read differently now; nothing gained and nothing lost where only spans or notes moved."""

    source: str
    document: str  # its key
    reader: str
    gained: tuple[Said, ...]
    lost: tuple[Said, ...]


async def count(pool: Pool, source: str | None) -> int:
    """Return how many versions there are to read."""
    async with connection(pool) as conn:
        return int((await one(conn, "version_count", source=source))["versions"])


async def reread(
    pool: Pool, clock: Callable[[], datetime], *, source: str | None, apply: bool
) -> AsyncIterator[Difference | None]:
    """Read every stored version again, of one source or of all; yield what differs, None for what does not.

    With `apply` a different reading becomes the current one, page by page in a transaction; the earlier one stays.
    Killed and run again, it goes on where something still differs.
    """
    after = 0
    while True:
        async with connection(pool) as conn:
            rows = await many(conn, "versions_to_reread", after=after, source=source, limit=PAGE)
            found = [await _reread(conn, row, clock(), apply=apply) for row in rows]
        for difference in found:
            yield difference
        if len(rows) < PAGE:
            return
        after = rows[-1]["id"]


async def _reread(conn: Connection, row: Mapping[str, Any], at: datetime, *, apply: bool) -> Difference | None:
    made = read(
        zlib.decompress(row["content"]),
        content_type=row["content_type"],
        url=row["url"],
        published_at=row["published_at"],
        speaker=row["claimant"],
    )
    if row["sha256"] is not None and fingerprint(made) == bytes(row["sha256"]):
        return None
    if apply:
        await keep_readings(conn, [(row["id"], made)], at)
        await run(conn, "unjudge_quietly", version=row["id"])
    return _difference(row, made)


def _difference(row: Mapping[str, Any], made: Reading) -> Difference:
    before = {tuple(claim) for claim in row["claims"]}
    now = {(c.claimant, c.metric, c.as_of.isoformat() if c.as_of else None, c.total, c.daily) for c in made.claims}
    return Difference(
        source=row["source"],
        document=row["key"],
        reader=made.reader,
        gained=tuple(sorted(now - before, key=str)),
        lost=tuple(sorted(before - now, key=str)),
    )
