"""News of the machinery: one incident for each kind and subject while it lasts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from pipelines.database import Pool, connection, open_pool
from scheduler.operations import report, settle

START = datetime(2023, 3, 7, 7, 12, tzinfo=UTC)
KIND = "operations.mail_refused"


def with_pool(conninfo: str, work: Callable[[Pool], Awaitable[None]]) -> None:
    """Run with a pool."""

    async def run() -> None:
        async with open_pool(conninfo) as pool:
            await work(pool)

    asyncio.run(run())


async def tell(pool: Pool, **changed: Any) -> int | None:
    """Report a refusal, in a transaction of its own."""
    given = {"kind": KIND, "subject": "a@example.org", "message": "refused", "severity": "warning", "at": START}
    async with connection(pool) as conn:
        return await report(conn, **given | changed)


async def rows(pool: Pool, sql: str) -> list[tuple[Any, ...]]:
    """Return rows as tuples."""
    async with connection(pool) as conn:
        return [tuple(row.values()) for row in await (await conn.execute(sql)).fetchall()]


INCIDENTS = "SELECT source, state, severity, message FROM incidents ORDER BY id"
STEPS = "SELECT incident, what, told FROM incident_history ORDER BY incident, step"


def test_a_failure_is_one_incident_while_it_lasts(conninfo: str) -> None:
    """Reported again, on the next day too, it keeps its last words and tells nobody; worse is told."""

    async def work(pool: Pool) -> None:
        first = await tell(pool)
        assert first is not None
        assert await tell(pool, message="refused again", at=START + timedelta(days=1)) is None
        assert await rows(pool, INCIDENTS) == [("a@example.org", "open", "warning", "refused again")]
        assert await rows(pool, STEPS) == [(first, "opened", False)]
        await tell(pool, message="refused for good", severity="critical")
        await tell(pool, message="milder", severity="info")
        assert await rows(pool, INCIDENTS) == [("a@example.org", "open", "critical", "milder")]
        assert await rows(pool, STEPS) == [(first, "opened", False), (first, "updated", False)]

    with_pool(conninfo, work)


def test_subjects_fail_apart_and_at_once(conninfo: str) -> None:
    """Ten at the same moment are ten incidents, none lost to another's number."""

    async def work(pool: Pool) -> None:
        subjects = [f"{number}@example.org" for number in range(10)]
        told = await asyncio.gather(*(tell(pool, subject=subject) for subject in subjects))
        assert len(set(told)) == 10
        async with connection(pool) as conn:
            assert await settle(conn, kind=KIND, subject="3@example.org", at=START)
        states = dict(row[:2] for row in await rows(pool, INCIDENTS))
        assert states == dict.fromkeys(subjects, "open") | {"3@example.org": "closed"}

    with_pool(conninfo, work)


def test_what_works_again_is_closed_and_may_fail_again(conninfo: str) -> None:
    """The end is news; the next failure is a new incident; settling what does not run does nothing."""

    async def work(pool: Pool) -> None:
        await tell(pool)
        async with connection(pool) as conn:
            assert await settle(conn, kind=KIND, subject="a@example.org", at=START)
            assert not await settle(conn, kind=KIND, subject="a@example.org", at=START)
        await tell(pool)
        assert [row[1] for row in await rows(pool, INCIDENTS)] == ["closed", "open"]
        assert [row[1:] for row in await rows(pool, STEPS)] == [
            ("opened", False),
            ("resolved", False),
            ("opened", False),
        ]

    with_pool(conninfo, work)
