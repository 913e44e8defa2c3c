"""Retention: what is of use for a while only is dropped, in small transactions, and never any evidence."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from pipelines.database import Pool, connection, run
from scheduler.clock import Clock
from scheduler.sections.retention import Retention

BATCH = 500
"""Rows of one transaction: short locks, and dead rows that VACUUM can follow."""


async def retain(pool: Pool, clock: Clock, limits: Retention) -> Counter[str]:
    """Drop what is older than its limit; return how many rows of each query went.

    Killed at any point it has dropped less, and goes on at its next turn. Documents with any claim or problem, the
    responses behind them, what an incident of a source that could not be read rests on, and the last crawl and last
    success of each source are never touched.
    """
    now = clock()
    steps = [("empty_mails", limits.mails_days), ("drop_troubles", limits.runs_days), ("drop_runs", limits.runs_days)]
    if limits.barren_days is not None:
        steps.append(("drop_barren_documents", limits.barren_days))
    dropped: Counter[str] = Counter()
    for name, days in steps:
        dropped[name] = await _all(pool, name, before=now - timedelta(days=days))
    # Last: responses that nothing of the above refers to any more.
    dropped["drop_exchanges"] = await _all(pool, "drop_exchanges", before=now - timedelta(days=limits.runs_days))
    return dropped


async def _all(pool: Pool, name: str, **values: object) -> int:
    total = 0
    while True:
        async with connection(pool) as conn:
            rows = await run(conn, name, **values, batch=BATCH)
        total += rows
        if rows == 0:
            return total
