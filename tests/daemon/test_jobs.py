from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from pipelines.exceptions import DatabaseUnreachable
from scheduler.jobs import Job, Jobs
from scheduler.metrics import Metrics
from scheduler.service import Service
from scheduler.watching import Outside
from tests.ledger.conftest import Serve, home, loop, run, serve

__all__ = ["home", "loop", "run", "serve"]


def job(work: Callable[[], Awaitable[Any]], deadline_s: float = 5) -> Job:
    """Return a job."""
    return Job(name="delivery", work=work, deadline_s=deadline_s, every=timedelta(minutes=1))


async def told(service: Service) -> list[tuple[str, str]]:
    """Return what people are told of our own jobs."""
    rows = await service.query("incidents", id=None, states=None, claimant="tallywatch", as_of=None)
    return [(row["state"], row["message"]) for row in rows]


def test_what_fails_again_and_again_is_told_once_and_settled_when_it_works(serve: Serve) -> None:
    """Two failures are the weather, the third is an incident; the next success ends it."""

    async def crash() -> None:
        raise ZeroDivisionError

    async def work() -> None:
        await asyncio.sleep(0)

    async def days(service: Service) -> list[list[tuple[str, str]]]:
        jobs = Jobs(Metrics(), Outside(active=False))
        seen = []
        for turn in (crash, crash, crash, crash, work):
            await jobs.run(job(turn), service)
            seen.append(await told(service))
        return seen

    once, twice, thrice, again, well = serve(days)
    assert once == twice == []
    assert [state for state, _ in thrice] == [state for state, _ in again] == ["open"]
    assert "delivery has failed 3 times: ZeroDivisionError" in thrice[0][1]
    assert [state for state, _ in well] == ["closed"]


def test_what_hangs_is_stopped_at_its_deadline(serve: Serve) -> None:
    """And counts as a failure; what it held is let go."""
    let_go = []

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            let_go.append(True)

    async def once(service: Service) -> tuple[bool, int]:
        jobs = Jobs(Metrics(), Outside(active=False))
        return await jobs.run(job(hang, deadline_s=0.05), service), jobs.failures["delivery"]

    assert serve(once) == (False, 1)
    assert let_go == [True]


def test_a_database_that_is_away_is_no_crash(serve: Serve, caplog: Any) -> None:
    """It is one sentence, without a traceback."""

    async def away() -> None:
        raise DatabaseUnreachable("PostgreSQL cannot be reached")

    async def once(service: Service) -> bool:
        return await Jobs(Metrics(), Outside(active=False)).run(job(away), service)

    assert serve(once) is False
    (record,) = [record for record in caplog.records if "Failed" in record.message]
    assert record.exc_info is None
