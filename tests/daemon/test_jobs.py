from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sentry_sdk

from pipelines.exceptions import DatabaseUnreachable, Deposed
from scheduler.config import Config
from scheduler.jobs import Job, Jobs
from scheduler.metrics import Metrics
from scheduler.service import Service
from scheduler.watching import Outside, start_sentry
from tests.daemon.ear import Ear, ear
from tests.ledger.conftest import Serve, home, loop, run, serve

__all__ = ["ear", "home", "loop", "run", "serve"]

MINUTE = timedelta(minutes=1)


@pytest.fixture
def outside(ear: Ear) -> Iterator[Outside]:
    """Watch from outside, at a local server."""
    yield start_sentry(Config(sentry_dsn=f"http://key@{ear.url}/1"))  # type: ignore[arg-type]
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)


def job(work: Callable[[], Awaitable[Any]], deadline_s: float = 5) -> Job:
    """Return a job."""
    return Job(name="delivery", work=work, deadline_s=deadline_s, every=MINUTE)


async def done() -> None:
    """Succeed."""


async def crash() -> None:
    """Fail."""
    raise ZeroDivisionError


async def deposed() -> None:
    """Find that another daemon has begun to lead."""
    raise Deposed("another daemon leads")


async def cut_short(jobs: Jobs, service: Service) -> None:
    """Begin a job that would last, and cancel it as a daemon does that stops."""
    begun = asyncio.Event()

    async def last() -> None:
        begun.set()
        await asyncio.Event().wait()

    jobs.start(job(last), service, lambda: None)
    task = jobs.in_hand["delivery"]
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def check_ins(ear: Ear) -> list[dict[str, Any]]:
    """Return what was said of the jobs."""
    sentry_sdk.flush()
    return ear.items("check_in")


def counted(jobs: Jobs) -> dict[str, float]:
    """Return the metrics of the job that were written."""
    return {
        f"{sample.name} {sample.labels.get('ended', '')}".strip(): sample.value
        for metric in jobs.metrics.registry.collect()
        for sample in metric.samples
        if sample.labels.get("job") == "delivery" and not sample.name.endswith("_created")
    }


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


def test_what_is_cut_short_ends_its_check_in_and_counts_as_nothing(serve: Serve, ear: Ear, outside: Outside) -> None:
    """Left open it would be a failure at every restart. It is none, and no success, whose moment would be a lie."""

    async def once(service: Service) -> dict[str, float]:
        jobs = Jobs(Metrics(), outside)
        await cut_short(jobs, service)
        assert await jobs.run(job(deposed), service) is False
        return counted(jobs)

    assert serve(once) == {}
    said = check_ins(ear)
    assert [one["status"] for one in said] == ["in_progress", "ok", "in_progress", "ok"]
    assert said[0]["check_in_id"] == said[1]["check_in_id"] != said[2]["check_in_id"] == said[3]["check_in_id"]


def test_what_is_cut_short_makes_no_failure_good(serve: Serve, ear: Ear, outside: Outside) -> None:
    """A job that failed has not recovered by being stopped: neither outside nor in our own count."""

    async def once(service: Service) -> int:
        jobs = Jobs(Metrics(), outside)
        await jobs.run(job(crash), service)
        await cut_short(jobs, service)
        await jobs.run(job(deposed), service)
        failed = jobs.failures["delivery"]
        await jobs.run(job(done), service)
        return failed

    assert serve(once) == 1
    ends = [one["status"] for one in check_ins(ear) if one["status"] != "in_progress"]
    assert ends == ["error", "error", "error", "ok"]


def test_no_wait_is_longer_than_sentry_takes(serve: Serve, ear: Ear, outside: Outside) -> None:
    """It drops a check-in whose monitor it refuses."""
    rare = replace(job(done, deadline_s=9e6), every=timedelta(days=400))
    serve(lambda service: Jobs(Metrics(), outside).run(rare, service))
    begun, ended = check_ins(ear)
    assert (begun["monitor_config"]["checkin_margin"], begun["monitor_config"]["max_runtime"]) == (40_320, 40_320)
    assert "monitor_config" not in ended


@pytest.mark.parametrize(("cadence", "minutes"), [(MINUTE, 75), (30 * MINUTE, 75), (240 * MINUTE, 300)])
def test_a_poll_is_expected_as_late_as_a_failing_source_is_left_alone(
    serve: Serve, ear: Ear, outside: Outside, cadence: timedelta, minutes: int
) -> None:
    """Its pauses grow: what is done as planned is not late. Everything else comes as often as it says."""

    async def both(service: Service) -> None:
        jobs = Jobs(Metrics(), outside)
        await jobs.run(replace(job(done), every=cadence, source="minfin"), service)
        await jobs.run(replace(job(done), every=cadence), service)

    serve(both)
    begun = [one for one in check_ins(ear) if one["status"] == "in_progress"]
    schedules = [{"type": "interval", "value": n, "unit": "minute"} for n in (minutes, cadence / MINUTE)]
    assert [one["monitor_config"]["schedule"] for one in begun] == schedules
