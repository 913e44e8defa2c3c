"""What a page no longer shows: documents that were taken back, and those that came back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

from pipelines.database import Connection, many, run
from spiders.items import Absent, Exchange


async def keep_absences(
    conn: Connection, item: Absent, keep_exchange: Callable[[Connection, Exchange], Awaitable[bytes]]
) -> Literal["deleted", "nothing"]:
    """Note what a page does not show; "deleted" when that makes it certain that documents of ours are gone.

    The page is kept as evidence, but only where it says something of a document that we have: numbers that were
    never posts (the further pictures of an album) are missing on every page.
    """
    look = {"source": item.source, "seen": item.exchange.fetched_at, "looks": item.looks}
    missed = await many(conn, "new_absences", keys=list(item.keys), **look)
    if not missed:
        return "nothing"
    documents = [row["document"] for row in missed if row["document"] is not None]
    exchange = await keep_exchange(conn, item.exchange) if documents else None
    await run(conn, "keep_absences", keys=[row["key"] for row in missed], exchange=exchange, **look)
    return "deleted" if await settle(conn, documents) else "nothing"


async def settle(conn: Connection, documents: list[int]) -> bool:
    """Say anew when some documents were taken back and came back; whether anything changed, which is judged again."""
    returned = await many(conn, "note_reappearances", documents=documents)
    if returned:
        await run(conn, "unjudge", versions=[row["version"] for row in returned])
    return bool(await many(conn, "date_deletions", documents=documents)) or bool(returned)
