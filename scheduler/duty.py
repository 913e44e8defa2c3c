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

from pipelines.database import connection, run
from scheduler import crawling, operations
from scheduler.agenda import Agenda
from scheduler.clock import kyiv_day
from scheduler.jobs import FAILING, Job, Jobs
from scheduler.metrics import POLL, Metrics
from scheduler.schedule import History, Rhythm, next_poll
from scheduler.service import CRAWL_DEADLINE_S, CrawlReport, Service, declaration
from scheduler.watching import ping

logger = logging.getLogger(__name__)

PAST = timedelta(days=400)
"""How far back a source is fetched when it is new: a year of baseline, and a month to warm up the checks."""

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
        self.shown: dict[str, datetime] = {}  # next polls as `status` shows them
        self.hint: datetime | None = None  # when the first source had the report of today
        self.kept = False  # whether a poll has succeeded since the last ping
        self.one_at_a_time = asyncio.Lock()
        self.idle: Callable[[], None] | None = None  # called when nothing is in hand

    async def begin(self) -> None:
        """Enter everything into the agenda."""
        self.jobs.forget()
        self.known = await self._recall(self.service)
        await self._settle()
        for name in self.regular():
            self.agenda.put(name, self.service.clock())
        for name in self.service.sources:
            self._enter(name)
        await self._show()

    async def adopt(self, service: Service) -> None:
        """Go on with another configuration, wholly or not at all; what is in hand ends with the old one."""
        known = await self._recall(service)
        for name in self.service.sources.keys() - service.sources.keys():
            self.agenda.drop(poll_of(name))
        self.service, self.known = service, known
        for name in service.sources:
            if poll_of(name) not in self.jobs.in_hand:
                self._enter(name)
        now = service.clock()
        for name, job in self.regular().items():
            if name in self.agenda.due:
                self.agenda.put(name, min(self.agenda.due[name], now + job.every))
        await self._settle()

    def moved(self, by: timedelta) -> None:
        """Take note that the clock was set by so much."""
        if self.hint is not None:
            self.hint = min(self.hint, self.service.clock())
        self.agenda.moved(by)

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

    def _polls(self) -> dict[str, crawling.Source]:
        return {poll_of(name): source for name, source in self.service.sources.items()}

    async def _recall(self, service: Service) -> dict[str, History]:
        """Read from the ledger what is known of each source: the database is the only memory."""
        runs = {row["source"]: row for row in await service.query("last_runs")}
        failed = {row["source"]: row["crawls"] for row in await service.query("outages")}
        days = await self._days(service)
        self._notice_first(days)
        return {
            name: History(
                polled_at=runs.get(name, {}).get("finished_at"),
                failures=failed.get(name, 0),
                latest=days.get(name),
                filled=runs.get(name, {}).get("filled_at") is not None,
            )
            for name in service.sources
        }

    async def _settle(self) -> None:
        """End what was told of jobs that there are no more: a source was switched off, here or before this start."""
        service = self.service
        done = self.regular().keys() | self._polls().keys()
        async with connection(service.pool) as conn:
            for subject in await operations.running(conn, FAILING):
                if subject not in done:
                    await operations.settle(
                        conn, kind=FAILING, subject=subject, at=service.clock(), note="it is not done any more"
                    )

    def _ring(self, name: str) -> None:
        if name in self.jobs.in_hand:  # its last turn lasts longer than the pause: it plans anew when it ends
            return
        regular, polls = self.regular(), self._polls()
        if name in regular:
            self.jobs.start(regular[name], self.service, lambda: self._again(name, regular[name].every))
        elif name in polls:
            source = polls[name]
            job = Job(
                name=name,
                work=partial(self._poll, source),
                deadline_s=CRAWL_DEADLINE_S + ROUND_S + HANDS_S,
                every=rhythm(self.service, source).cadence,
                source=source.name,
            )
            self.jobs.start(job, self.service, lambda: self._again(name, None))

    def _again(self, name: str, every: timedelta | None) -> None:
        """Enter what has just ended anew, unless it has done so itself."""
        if not self.agenda.open:
            return
        polls = self._polls()
        if every is not None:
            self.agenda.put(name, self.service.clock() + every)
        elif name in polls and name not in self.agenda.due:
            self._enter(polls[name].name)
        if self.idle is not None and not self.jobs.in_hand:
            self.idle()

    def _enter(self, name: str) -> None:
        history = replace(self.known.get(name, History()), hinted_at=self.hint)
        at = next_poll(rhythm(self.service, self.service.sources[name]), history, self.service.clock(), random.random)
        self.agenda.put(poll_of(name), at)

    async def _show(self) -> None:
        """Write down for people when each source is polled next, where that has changed."""
        due = {name: self.agenda.due.get(poll_of(name)) for name in self.service.sources}
        changed = {name: at for name, at in due.items() if at is not None and self.shown.get(name) != at}
        if changed:
            async with connection(self.service.pool) as conn:
                for name, at in changed.items():
                    await run(conn, "plan", source=name, next_run=at)
            self.shown |= changed

    async def _poll(self, source: crawling.Source) -> None:
        """Poll a source, then judge and tell at once if it brought anything. The first poll fetches its past, too."""
        before = self.known.get(source.name, History())
        self.known[source.name] = replace(before, polled_at=self.service.clock(), failures=before.failures + 1)
        report = await (self._crawl(source) if before.filled else self._fill(source))
        broken = report.verdict == "broken"
        self.kept = self.kept or not broken
        days = await self._days(self.service)
        self.known[source.name] = History(
            # What is new today may stand elsewhere than the past.
            polled_at=self.service.clock() if before.filled or not report.filled else None,
            failures=before.failures + 1 if broken else 0,
            latest=days.get(source.name),
            filled=before.filled or report.filled,
        )
        if report.new or report.changed:
            async with self.prepare():
                await self._judge()
        due = [name for name in self.service.sources if poll_of(name) in self.agenda.due]
        for name in {source.name, *(due if self._notice_first(days) else ())}:
            if name in self.service.sources:  # it may have been switched off meanwhile
                self._enter(name)
        await self._show()

    def _notice_first(self, days: dict[str, date]) -> bool:
        """Note the moment at which the first source has today's report; return whether it is now."""
        now = self.service.clock()
        if self.hint is not None and kyiv_day(self.hint) == kyiv_day(now):
            return False
        if kyiv_day(now) not in days.values():
            return False
        self.hint = now
        return True

    async def _days(self, service: Service) -> dict[str, date]:
        """Return the day of each source's newest report: one after which another is due is as good as none."""
        windows = [declaration(source).window for source in service.sources.values()]
        pause = timedelta(days=max((window.every for window in windows if window), default=1))
        since = kyiv_day(service.clock()) - pause
        return {row["source"]: row["as_of"] for row in await service.query("recent_days", since=since, source=None)}

    async def _crawl(self, source: crawling.Source) -> CrawlReport:
        return self._counted(await self.service.crawl(source))

    async def _fill(self, source: crawling.Source) -> CrawlReport:
        """Fetch the past of a source, silently: nobody is mailed of what was published before the installation."""
        since = kyiv_day(self.service.clock()) - PAST
        logger.info("Filling the past of %s since %s", source.name, since)
        return self._counted(await self.service.fill(source, since))

    def _counted(self, report: CrawlReport) -> CrawlReport:
        self.metrics.crawled(report)
        logger.info(
            "Crawled %s: %s %s, %d new, %d changed, %d unchanged",
            *(report.source, report.verdict, report.cause or "", report.new, report.changed, report.unchanged),
        )
        return report

    async def _judge(self) -> None:
        async with self.one_at_a_time:
            try:
                await self.service.judge(rounds=True)
            except Exception:  # whatever it is, people must hear of it
                await self.service.deliver()
                raise
            await self.service.deliver()

    async def _tell(self) -> None:
        """Look who is silent, write follow-ups that were held back, send what waits; then say that all is well."""
        await self._judge()
        await self._show()
        await self._settle()
        url = self.service.config.watch.ping_url
        if self.kept and url:
            self.kept = False
            await ping(url)


def poll_of(source: str) -> str:
    """Return the name of the job that polls a source, in the agenda, in hand and to people."""
    return f"{POLL}{source}"


def rhythm(service: Service, source: crawling.Source) -> Rhythm:
    """Return what a source declares of its polls; the configuration's `interval_minutes` stands above it."""
    given = service.config.sources.get(source.name)
    if given and given.interval_minutes:
        return Rhythm(cadence=timedelta(minutes=given.interval_minutes), window=None)
    declared = declaration(source)
    return Rhythm(cadence=declared.cadence, window=declared.window)
