"""What a leader does in its term: poll each source when it is due, judge, tell, deliver, and look after itself."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from pipelines.database import connection, run
from scheduler import crawling
from scheduler.agenda import Agenda
from scheduler.clock import kyiv_day
from scheduler.jobs import Job, Jobs
from scheduler.metrics import Metrics
from scheduler.schedule import History, Rhythm, next_poll
from scheduler.service import CRAWL_DEADLINE_S, Service, declaration
from scheduler.watching import ping

logger = logging.getLogger(__name__)

REFILL = timedelta(days=400)
"""Past that a new ledger is filled with: a year of baseline, and a month to warm up the checks."""

ROUND_S = 300.0
"""A round of judging and mailing takes less than a second; after an outage there may be a hundred mails."""

HANDS_S = 60.0
"""What is done beside a crawl when its deadline has passed: its last page, the judging of what it brought."""


Prepare = Callable[[], AbstractAsyncContextManager[object]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rounds:
    """How often what is no poll is done; rehearsals in leaping time do it less often."""

    tell: timedelta = timedelta(seconds=60)  # beside at once when something was judged
    replies: timedelta = timedelta()  # at the least, beside what is configured
    retain: timedelta = timedelta(days=1)


class Duty:
    """One term of a leader. Its service is fenced: when the term has ended, nothing that is still under way counts."""

    def __init__(self, service: Service, jobs: Jobs, metrics: Metrics, rounds: Rounds, prepare: Prepare) -> None:
        self.service = service
        self.jobs = jobs
        self.metrics = metrics
        self.rounds = rounds
        self.prepare = prepare
        self.agenda = Agenda(service.clock, self._ring)
        self.known: dict[str, History] = {}
        self.hint: datetime | None = None  # when the first source had the report of today
        self.kept = False  # whether a poll has succeeded since the last ping
        self.one_at_a_time = asyncio.Lock()
        self.idle: Callable[[], None] | None = None  # called when nothing is in hand

    async def begin(self) -> None:
        """Fill a new ledger, then enter everything into the agenda."""
        refilled = await self._refill()
        await self.recall()
        for name in refilled:  # its past is no poll: what is new today may stand elsewhere
            self.known[name] = replace(self.known[name], polled_at=None)
        for name in self.regular():
            self.agenda.put(name, self.service.clock())
        for name in self.service.sources:
            await self._plan(name)

    async def adopt(self, service: Service) -> None:
        """Go on with another configuration; what is in hand ends with the old one."""
        for name in self.service.sources.keys() - service.sources.keys():
            self.agenda.drop(name)
        self.service = service
        await self.recall()
        for name in service.sources:
            if name not in self.jobs.in_hand:
                await self._plan(name)

    def close(self) -> None:
        """Begin nothing more."""
        self.agenda.close()

    def regular(self) -> dict[str, Job]:
        """Return what is done beside the polls."""
        look = timedelta(minutes=self.service.config.replies.every_minutes)
        every: dict[str, tuple[Callable[[], Awaitable[object]], timedelta]] = {
            "delivery": (self._tell, self.rounds.tell),
            "replies": (self.service.read_replies, max(self.rounds.replies, look)),
            "retention": (self.service.retain, self.rounds.retain),
        }
        return {
            name: Job(name=name, work=work, deadline_s=ROUND_S, every=pause) for name, (work, pause) in every.items()
        }

    async def recall(self) -> None:
        """Read from the ledger what is known of each source: the database is the only memory."""
        runs = {row["source"]: row for row in await self.service.query("last_runs")}
        failed = {row["source"]: row["crawls"] for row in await self.service.query("outages")}
        days = await self._days()
        for name in self.service.sources:
            self.known[name] = History(
                polled_at=runs.get(name, {}).get("finished_at"), failures=failed.get(name, 0), latest=days.get(name)
            )
        self._notice_first(days)

    def _ring(self, name: str) -> None:
        if name in self.jobs.in_hand:  # its last turn lasts longer than the pause: it plans anew when it ends
            return
        regular = self.regular()
        if name in regular:
            self.jobs.start(regular[name], self.service, lambda: self._again(name, regular[name].every))
        elif name in self.service.sources:
            source = self.service.sources[name]
            deadline = CRAWL_DEADLINE_S + ROUND_S + HANDS_S
            every = rhythm(self.service, source).cadence
            work: Callable[[], Awaitable[object]] = partial(self._poll, source)
            job = Job(name=f"poll of {name}", work=work, deadline_s=deadline, every=every, source=name)
            self.jobs.start(job, self.service, lambda: self._again(name, None))

    def _again(self, name: str, every: timedelta | None) -> None:
        """Enter what has just ended anew."""
        if not self.agenda.open:
            return
        if every is not None:
            self.agenda.put(name, self.service.clock() + every)
        elif name in self.service.sources:
            self._enter(name)
        if self.idle is not None and not self.jobs.in_hand:
            self.idle()

    def _enter(self, name: str) -> datetime:
        history = replace(self.known.get(name, History()), hinted_at=self.hint)
        at = next_poll(rhythm(self.service, self.service.sources[name]), history, self.service.clock(), random.random)
        self.agenda.put(name, at)
        return at

    async def _plan(self, name: str) -> None:
        """Enter the next poll of a source, for people too."""
        await self._show(name, self._enter(name))

    async def _show(self, name: str, at: datetime) -> None:
        async with connection(self.service.pool) as conn:
            await run(conn, "plan", source=name, next_run=at)

    async def _poll(self, source: crawling.Source) -> None:
        """Poll one source, then judge and tell at once if it brought anything."""
        history = self.known.get(source.name, History())
        self.known[source.name] = replace(history, polled_at=self.service.clock(), failures=history.failures + 1)
        report = await self._crawl(source)
        broken = report.verdict == "broken"
        self.kept = self.kept or not broken
        days = await self._days()
        self.known[source.name] = History(
            polled_at=self.service.clock(),
            failures=history.failures + 1 if broken else 0,
            latest=days.get(source.name),
        )
        if report.new or report.changed:
            async with self.prepare():
                await self._judge()
        await self._plan(source.name)
        if self._notice_first(days):
            for name in self.service.sources:
                if name in self.agenda.due:
                    await self._plan(name)

    def _notice_first(self, days: dict[str, date]) -> bool:
        """Note the moment at which the first source has today's report; return whether it is now."""
        now = self.service.clock()
        if self.hint is not None and kyiv_day(self.hint) == kyiv_day(now):
            return False
        if kyiv_day(now) not in days.values():
            return False
        self.hint = now
        return True

    async def _days(self) -> dict[str, date]:
        """Return the day of each source's newest report: one after which another is due is as good as none."""
        windows = [declaration(source).window for source in self.service.sources.values()]
        pause = timedelta(days=max((window.every for window in windows if window), default=1))
        days: dict[str, date] = {}
        for row in await self.service.query("latest_days", since=kyiv_day(self.service.clock()) - pause, source=None):
            days[row["source"]] = max(row["as_of"], days.get(row["source"], row["as_of"]))
        return days

    async def _crawl(self, source: crawling.Source, since: date | None = None) -> Any:
        report = await self.service.crawl(source, since)
        self.metrics.crawled(report)
        logger.info(
            "Crawled %s: %s %s, %d new, %d changed, %d unchanged",
            *(report.source, report.verdict, report.cause or "", report.new, report.changed, report.unchanged),
        )
        return report

    async def _judge(self) -> None:
        async with self.one_at_a_time:
            await self.service.judge(rounds=True)
            await self.service.deliver()

    async def _tell(self) -> None:
        """Look who is silent, write follow-ups that were held back, send what waits; then say that all is well."""
        await self._judge()
        url = self.service.config.watch.ping_url
        if self.kept and url:
            await ping(url)
            self.kept = False

    async def _refill(self) -> list[str]:
        """Fill a new ledger with the past, silently: nobody is mailed of what happened before the installation."""
        known = {row["source"] for row in await self.service.query("last_runs") if row["last_success"]}
        new = [source for name, source in self.service.sources.items() if name not in known]
        since = kyiv_day(self.service.clock()) - REFILL
        for source in new:
            logger.info("Refilling %s since %s", source.name, since)
            await self._once(f"refill of {source.name}", partial(self._crawl, source, since), source.name)
        if new:
            await self._once("judging of the past", lambda: self.service.judge(tell=False), None)
        return [source.name for source in new]

    async def _once(self, name: str, work: Callable[[], Awaitable[object]], source: str | None) -> None:
        deadline = CRAWL_DEADLINE_S + HANDS_S
        job = Job(name=name, work=work, deadline_s=deadline, every=REFILL, source=source)
        await self.jobs.run(job, self.service)


def rhythm(service: Service, source: crawling.Source) -> Rhythm:
    """Return what a source declares of its polls; the configuration's `interval_minutes` stands above it."""
    given = service.config.sources.get(source.name)
    if given and given.interval_minutes:
        return Rhythm(cadence=timedelta(minutes=given.interval_minutes), window=None)
    declared = declaration(source)
    return Rhythm(cadence=declared.cadence, window=declared.window)
