"""The daemon: one process, one loop; crawls, judging and mailing as jobs."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date, timedelta
from functools import partial

import psycopg
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from psycopg.rows import dict_row

from pipelines.database import Connection, connection, maybe, one, run
from pipelines.exceptions import PipelineError
from scheduler import crawling
from scheduler.clock import kyiv_day, system_clock
from scheduler.service import Service, declaration

logger = logging.getLogger(__name__)

REFILL = timedelta(days=400)
"""Past that a new ledger is filled with: a year of baseline, and a month to warm up the checks."""

HEARTBEAT_S = 1.0
"""How often the leader shows that it lives, and one who stands by asks whether it may lead."""

TELL_S = 60
"""How often the outbox is looked at, beside at once when something was judged."""

PATIENCE_S = 10.0
"""How long work in hand may take when we are told to stop; what is not kept by then is done again later."""


class Daemon:
    """Polls, judges and mails until told to stop. The database is its only memory."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.jobs = AsyncIOScheduler(
            # A job that is late is run late, and once: a stop of an hour is not made up for by twelve polls.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone="UTC",
        )
        self.stopping = asyncio.Event()
        self.in_hand: set[asyncio.Task[None]] = set()
        self.one_at_a_time = asyncio.Lock()

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT; then finish the work in hand."""
        self._listen()
        async with self._leading() as lock:
            if not self.stopping.is_set():
                await self._refill()
                self._schedule()
                self.jobs.start()
                await self._beat(lock)
        await self._finish()

    def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)

    def _stop(self) -> None:
        """Stop; a second signal leaves at once: everything can be killed at any point and run again."""
        if self.stopping.is_set():
            os._exit(1)
        logger.info("Stopping: the work in hand is finished first")
        self.stopping.set()

    @asynccontextmanager
    async def _leading(self) -> AsyncIterator[Connection]:
        """Wait until no other daemon leads on this database; lead for as long as the connection lives."""
        conninfo = self.service.conninfo
        lock = await psycopg.AsyncConnection.connect(conninfo, autocommit=True, row_factory=dict_row)
        try:
            while not (await one(lock, "try_to_lead"))["leads"]:
                logger.info("Another daemon leads: standing by")
                if await self._stopped_within(HEARTBEAT_S):
                    break
            else:
                name = f"{socket.gethostname()}/{os.getpid()}"
                await run(lock, "lead", name=name, at=self.service.clock())
                logger.info("Leading as %s", name)
            yield lock
        finally:
            await lock.close()

    async def _beat(self, lock: Connection) -> None:
        """Hold the lock until told to stop. A lock that fell ends the daemon: its supervisor starts it again."""
        while not await self._stopped_within(HEARTBEAT_S):
            try:
                await maybe(lock, "leader")
            except psycopg.OperationalError as error:
                logger.error("The database is away, and with it the lock of the leader: %s", error)  # noqa: TRY400 - expected
                raise PipelineError("the connection that holds the leader's lock was lost: start again") from error

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self.stopping.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def _refill(self) -> None:
        """Fill a new ledger with the past, silently: nobody is mailed of what happened before the installation."""
        known = {row["source"] for row in await self.service.query("last_runs") if row["last_success"]}
        new = [source for name, source in self.service.sources.items() if name not in known]
        since = kyiv_day(self.service.clock()) - REFILL
        for source in new:
            if self.stopping.is_set():
                return
            logger.info("Refilling %s since %s", source.name, since)
            await self._contained(f"refill of {source.name}", partial(self._crawl, source, since))
        if new:
            await self._contained("judging of the past", lambda: self.service.judge(tell=False))

    def _schedule(self) -> None:
        for source in self.service.sources.values():
            given = self.service.config.sources.get(source.name)
            minutes = given.interval_minutes if given else None
            every = timedelta(minutes=minutes) if minutes else declaration(source).cadence
            # A tenth of jitter, so that twelve sources are not polled in one second.
            seconds = every.total_seconds()
            self.jobs.add_job(
                self._job,
                "interval",
                args=[f"poll of {source.name}", partial(self._poll, source)],
                id=source.name,
                seconds=seconds,
                jitter=seconds / 10,
                next_run_time=system_clock(),
            )
        self.jobs.add_job(self._job, "interval", args=["delivery", self._tell], id="delivery", seconds=TELL_S)

    async def _job(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """Run a job as a task of our own: APScheduler cancels its own ones when it shuts down."""
        task = asyncio.create_task(self._contained(name, work), name=name)
        self.in_hand.add(task)
        task.add_done_callback(self.in_hand.discard)
        await asyncio.shield(task)

    async def _contained(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """Let nothing that fails in one job stop another: it is told, and tried again at the next turn."""
        try:
            await work()
        except PipelineError as error:
            logger.warning("Failed %s: %s", name, error)
        except Exception:  # whatever it is: it is told (Sentry listens to the log), and the other jobs go on
            logger.exception("Failed %s", name)

    async def _poll(self, source: crawling.Source) -> None:
        """Poll one source, then judge and tell at once if it brought anything."""
        await self._crawl(source)
        async with self.one_at_a_time:
            await self.service.judge()
            await self.service.deliver()
        await self._plan(source.name)

    async def _crawl(self, source: crawling.Source, since: date | None = None) -> None:
        report = await self.service.crawl(source, since)
        logger.info(
            "Crawled %s: %s %s, %d new, %d changed, %d unchanged",
            *(report.source, report.verdict, report.cause or "", report.new, report.changed, report.unchanged),
        )

    async def _plan(self, source: str) -> None:
        job = self.jobs.get_job(source)
        if job is not None and job.next_run_time is not None:
            ahead = job.next_run_time - system_clock()
            async with connection(self.service.pool) as conn:
                await run(conn, "plan", source=source, next_run=self.service.clock() + ahead)

    async def _tell(self) -> None:
        """Look who is silent, write follow-ups that were held back, send what waits."""
        async with self.one_at_a_time:
            await self.service.judge()
            await self.service.deliver()

    async def _finish(self) -> None:
        """Finish the work in hand within our patience, and leave nothing running."""
        if self.jobs.running:
            self.jobs.pause()
        if self.in_hand:
            _, unfinished = await asyncio.wait(self.in_hand, timeout=PATIENCE_S)
            for task in unfinished:
                logger.warning("Left unfinished, to be done again: %s", task.get_name())
                task.cancel()
        if self.jobs.running:
            self.jobs.shutdown(wait=False)
