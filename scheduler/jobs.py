"""Running the jobs: each contained, with a deadline, told when it keeps failing, and tried again at its next turn."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from time import perf_counter
from typing import Any

import psycopg

from pipelines.database import connection
from pipelines.exceptions import Deposed, PipelineError
from scheduler import operations
from scheduler.exceptions import TallywatchError
from scheduler.metrics import Metrics
from scheduler.schedule import LONGEST_PAUSE
from scheduler.service import Service
from scheduler.watching import Outside, about

logger = logging.getLogger(__name__)

FAILING = "operations.job_failing"
TOLD_AFTER = 3
"""Failures in a row after which people are told: one is the weather."""

GRACE_S = 60.0
"""How long a job that was cancelled may take to end: a crawl waits for what is in flight."""

MOST = 1.25
"""Of a pause between two polls of a source that fails, with its jitter; one that is well is polled earlier."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """Something to be done again and again."""

    name: str  # as people read it
    work: Callable[[], Awaitable[object]]
    deadline_s: float
    every: timedelta  # as a rule
    source: str | None = None  # that it is about, and that it polls


class Hopeless(TallywatchError):  # noqa: N818 - it reads as what it is
    """Raised by the daemon when a job neither works nor ends: its supervisor starts it again."""


class Overdue(TallywatchError):  # noqa: N818 - it reads as what it is
    """Raised within a job that did not end by its deadline."""


class Jobs:
    """The jobs in hand, and how often each has failed in a row."""

    def __init__(self, metrics: Metrics, outside: Outside) -> None:
        self.metrics = metrics
        self.outside = outside
        self.in_hand: dict[str, asyncio.Task[Any]] = {}
        self.failures: Counter[str] = Counter()
        self.well: set[str] = set()  # of which nothing is reported any more
        self.hopeless: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def forget(self) -> None:
        """Begin to count anew: what became of the jobs meanwhile somebody else has told."""
        self.failures.clear()
        self.well.clear()

    def start(self, job: Job, service: Service, then: Callable[[], None]) -> None:
        """Begin a job and return; `then` is called when it has ended, however."""
        self.take(job.name, self.run(job, service), then)

    def take(self, name: str, work: Coroutine[Any, Any, object], then: Callable[[], None]) -> None:
        """Take some work in hand, which is all that is known of it."""
        task = self.in_hand[name] = asyncio.create_task(work, name=name)

        def ended(_: asyncio.Task[Any]) -> None:
            if self.in_hand.get(name) is task:
                del self.in_hand[name]
            then()

        task.add_done_callback(ended)

    async def run(self, job: Job, service: Service) -> bool:
        """Do a job now; return whether it succeeded. Nothing that fails in it stops another.

        What is cut short, as the daemon stops or its term ends, has neither succeeded nor failed: it is not counted,
        and is done again by who leads next. To who watches from outside it ends as its turn before did. Sentry has no
        third word, and would call a check-in that is left open a failure; if the next turn never comes, it is missed.
        """
        ticket, began = self.outside.began(job.name, longest(job), job.deadline_s), perf_counter()
        try:
            with about(job=job.name, source=job.source):
                failure = await self._failure(job)
        except (Deposed, asyncio.CancelledError) as cut_short:
            self.outside.ended(job.name, ticket, perf_counter() - began, ok=job.name not in self.failures)
            if isinstance(cut_short, Deposed):
                return False
            raise
        seconds = perf_counter() - began
        self.outside.ended(job.name, ticket, seconds, ok=failure is None)
        self.metrics.job_ended(job.name, seconds, ok=failure is None)
        await self._tell(job, service, failure)
        return failure is None

    async def _failure(self, job: Job) -> str | None:
        """Do a job; return in one sentence why it failed. Raises Deposed, and CancelledError, when it is cut short."""
        try:
            await self._in_time(job)
        except Deposed as error:
            logger.info("Stopped %s: %s", job.name, error)
            raise
        except Overdue as error:
            logger.error("Failed %s: %s", job.name, error)  # noqa: TRY400 - its traceback is our own waiting
            return str(error)
        except (PipelineError, TallywatchError) as error:
            logger.warning("Failed %s: %s", job.name, error)
            return str(error)
        except Exception as error:  # whatever it is: it is told (Sentry listens to the log), and the others go on
            logger.exception("Failed %s", job.name)
            return f"{type(error).__name__}, see the log"
        return None

    async def _in_time(self, job: Job) -> None:
        task = asyncio.ensure_future(job.work())
        try:
            done, _ = await asyncio.wait({task}, timeout=job.deadline_s)
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait({task}, timeout=GRACE_S)
            raise
        if not done:
            task.cancel()
            done, _ = await asyncio.wait({task}, timeout=GRACE_S)
            if not done and not self.hopeless.done():
                self.hopeless.set_result(job.name)
            raise Overdue(f"it took longer than {job.deadline_s:.0f} s and was stopped")
        task.result()

    async def _tell(self, job: Job, service: Service, failure: str | None) -> None:
        if failure is None:
            if job.name not in self.well and await self._told(service, job.name, None):
                self.well.add(job.name)
            del self.failures[job.name]
            return
        self.failures[job.name] += 1
        self.well.discard(job.name)
        if self.failures[job.name] >= TOLD_AFTER:
            await self._told(service, job.name, f"{job.name} has failed {self.failures[job.name]} times: {failure}")

    async def _told(self, service: Service, name: str, message: str | None) -> bool:
        """Report that a job fails, or that it works again; return whether that could be kept."""
        what, at = {"kind": FAILING, "subject": name}, service.clock()
        try:
            async with connection(service.pool) as conn:
                if message is None:
                    await operations.settle(conn, **what, at=at)
                else:
                    await operations.report(conn, **what, message=message, severity="warning", at=at)
        except (PipelineError, psycopg.Error) as error:
            logger.info("Not noted of %s: %s", name, error)
            return False
        return True

    async def finish(self, patience_s: float) -> None:
        """Wait for what is in hand; cancel what takes longer."""
        if not self.in_hand:
            return
        _, unfinished = await asyncio.wait(self.in_hand.values(), timeout=patience_s)
        for task in unfinished:
            logger.warning("Left unfinished, to be done again: %s", task.get_name())
            task.cancel()


def longest(job: Job) -> timedelta:
    """Return after how long a job comes again at the latest: a source that fails is left alone for longer."""
    if job.source is None:
        return job.every
    return max(job.every, LONGEST_PAUSE) * MOST
