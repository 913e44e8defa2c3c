"""The job itself: crawl, judge, tell, deliver. The daemon, the commands and the demo all run it through here."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from pipelines import database
from pipelines.database import Pool, connection, many, run
from pipelines.store import Keeper, Place
from scheduler import crawling, mailer
from scheduler.acting.links import Links, signing_secret
from scheduler.acting.mailbox import Mailbox
from scheduler.acting.replies import Clerk
from scheduler.backfill import archives
from scheduler.channels import ChannelTransport, addresses
from scheduler.clock import Clock, kyiv_day
from scheduler.config import Config
from scheduler.coverage import Coverage
from scheduler.exceptions import WrongUse
from scheduler.judging import Court, Judged
from scheduler.retention import retain
from scheduler.telling import Draw, Teller, draw_here
from scheduler.transport import MaildirTransport, SmtpTransport, Transport
from scheduler.watching import also_about
from spiders.base import SourceSpider, Validators, Window
from spiders.settings import user_agent
from spiders.sources import declared

CRAWL_DEADLINE_S = 600.0
"""A poll takes seconds; only the past of a new source takes minutes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CrawlReport:
    """What one crawl of one source came to: the shape of `crawl --json`."""

    source: str
    verdict: str
    cause: str | None
    new: int
    changed: int
    unchanged: int
    problems: tuple[str, ...]
    seconds: float
    filled: bool = False  # the past of the source was fetched, as far as it could be


def polled(config: Config) -> dict[str, crawling.Source]:
    """Return the sources that are polled.

    All that declare to be polled by default, but for those switched off; as soon as one source of the configuration
    says `enabled = true`, only those that say so. A source of another name must say which `spider` it uses.

    Raises WrongUse for a source that is neither.
    """
    chosen = {name for name, source in config.sources.items() if source.enabled}
    off = {name for name, source in config.sources.items() if source.enabled is False} | {archives.NAME}
    usual = {name for name, spider in declared().items() if spider.by_default}
    names = chosen or (usual | (config.sources.keys() - declared().keys())) - off
    return {name: source_of(name, config) for name in sorted(names)}


def source_of(name: str, config: Config) -> crawling.Source:
    """Return a source as it is configured. Raises WrongUse for one that is not declared."""
    given = config.sources.get(name)
    options: dict[str, Any] = given.options() if given else {}
    spider = str(options.pop("spider", name))
    obey = options.pop("obey_robots", True)
    if spider not in declared():
        raise WrongUse(f"there is no source {name!r}; `tallywatch sources` lists them")
    unknown = options.keys() - set(declared()[spider].options)
    if unknown:
        raise WrongUse(f"the setting sources.{name}.{min(unknown)} is unknown")
    return crawling.Source(
        name=name,
        spider=spider,
        base_url=given.base_url if given else None,
        options={key: str(value) for key, value in options.items()},
        settings={
            "ROBOTSTXT_OBEY": bool(obey),
            "USER_AGENT": user_agent(config.crawl.contact),
            "TALLYWATCH_REQUESTS_PER_MINUTE": config.crawl.requests_per_minute,
        },
    )


def declaration(source: crawling.Source) -> type[SourceSpider]:
    """Return what a source declares."""
    return declared()[source.spider or source.name]


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """Everything that the job needs, opened once."""

    config: Config
    clock: Clock
    pool: Pool
    conninfo: str = field(repr=False)  # may hold a password
    transport: Transport
    sources: Mapping[str, crawling.Source]
    court: Court
    teller: Teller
    coverage: Coverage
    links: Links

    def named(self, names: Iterable[str]) -> list[crawling.Source]:
        """Return some sources by name, all that are polled for none. Raises WrongUse."""
        return [source_of(name, self.config) for name in names] or list(self.sources.values())

    async def crawl(
        self, source: crawling.Source, since: date | None = None, until: date | None = None
    ) -> CrawlReport:
        """Poll a source, or fetch a window of its past, and keep what it brings.

        Raises DatabaseUnreachable; what a source does to us is part of the report.
        """
        return (await self._crawl(source, since, until))[0]

    async def fill(self, source: crawling.Source, since: date) -> CrawlReport:
        """Fetch the past of a new source up to now; nobody is mailed of what was published before its installation.

        It counts as done when the source could be read, or gave more than the deadline allows: what is older then is
        left to a backfill. Raises DatabaseUnreachable.
        """
        report, outcome = await self._crawl(source, since, None, quiet=True)
        filled = report.verdict != "broken" or not outcome.finished
        if filled:
            async with connection(self.pool) as conn:
                await run(conn, "note_filled", source=source.name, at=self.clock())
        return replace(report, filled=filled)

    async def _crawl(
        self, source: crawling.Source, since: date | None, until: date | None, *, quiet: bool = False
    ) -> tuple[CrawlReport, crawling.CrawlOutcome]:
        poll = since is None and until is None
        keeper = await self.keeper(source, past=until is not None, quiet=quiet)
        also_about(source=source.name, run=keeper.run)
        outcome = await crawling.crawl(
            source,
            keep=keeper,
            clock=self.clock,
            deadline=CRAWL_DEADLINE_S,
            validators=await self._validators(source.name) if poll else {},
            since=since,
            until=until,
        )
        if outcome.failure is not None:
            raise outcome.failure
        window = declaration(source).window if poll else None
        latest = await self._latest(source.name, window)
        verdict, cause = crawling.verdict(outcome, window, self.clock(), latest)
        known = {url: (v.etag, v.last_modified) for url, v in outcome.validators.items()} if poll else {}
        await keeper.finish(verdict, cause, known)
        report = CrawlReport(
            source=source.name,
            verdict=verdict,
            cause=cause,
            new=outcome.new,
            changed=outcome.changed,
            unchanged=outcome.unchanged,
            problems=outcome.problems,
            seconds=round(outcome.seconds, 3),
        )
        return report, outcome

    async def keeper(self, source: crawling.Source, *, past: bool = False, quiet: bool = False) -> Keeper:
        """Open the record of a crawl: of a window that has ended (`past`), of which nobody is mailed (`quiet`)."""
        spider = declaration(source)
        place = Place(name=source.name, role=spider.role, publisher=spider.publisher, claimant=spider.claimant)
        return await Keeper.begin(self.pool, place, self.clock, past=past, quiet=quiet)

    async def judge(self, *, tell: bool = True, rounds: bool = False) -> Judged:
        """Judge what was kept, look who is silent, and write the mails that are due.

        `rounds`: reminders and digests, too, which are the daemon's to write. What judging raises is raised after
        the mails were written: those of its own failure are among them.
        """
        try:
            judged = await self.court.judge(tell=tell)
        except Exception:  # whatever it is, people must hear of it
            await self._look_and_tell(tell=tell, rounds=rounds)
            raise
        await self._look_and_tell(tell=tell, rounds=rounds)
        return judged

    async def _look_and_tell(self, *, tell: bool, rounds: bool) -> None:
        await self.coverage.look(self.sources, tell=tell)
        if tell:
            await self.teller.tell(rounds=rounds)

    async def deliver(self) -> mailer.DeliverySummary:
        """Send what is in the outbox and due."""
        return await mailer.deliver(self.pool, self.transport, self.clock)

    async def read_replies(self) -> int:
        """Do what readers answered by mail, if a mailbox is configured; return how many replies changed something.

        The next round judges by it and tells of it. Raises MailboxUnavailable.
        """
        if self.config.imap_url is None:
            return 0
        mailbox = Mailbox(self.config.imap_url.get_secret_value())
        verdicts = await Clerk(pool=self.pool, clock=self.clock, people=self.config.replies.people).poll(mailbox)
        return verdicts["done"] + verdicts["left"]

    async def retain(self) -> Counter[str]:
        """Drop what is past its time and no evidence; return how many rows of each query went."""
        return await retain(self.pool, self.clock, self.config.retention)

    async def query(self, name: str, **values: Any) -> list[dict[str, Any]]:
        """Return all rows of a named query."""
        async with connection(self.pool) as conn:
            return await many(conn, name, **values)

    async def _validators(self, source: str) -> dict[str, Validators]:
        rows = await self.query("validators", source=source)
        return {row["url"]: Validators(etag=row["etag"], last_modified=row["last_modified"]) for row in rows}

    async def _latest(self, source: str, window: Window | None) -> date | None:
        """Return the newest report day of a source, if it is one that its window has not called late already."""
        if window is None:
            return None
        since = kyiv_day(self.clock()) - timedelta(days=window.every)
        return next((row["as_of"] for row in await self.query("recent_days", since=since, source=source)), None)


@asynccontextmanager
async def open_service(config: Config, clock: Clock, draw: Draw = draw_here) -> AsyncIterator[Service]:
    """Open the database (starting the embedded server when no other is configured), and migrate it.

    Raises PipelineError with one sentence that says what to do.
    """
    url = config.database_url.get_secret_value() if config.database_url else None
    way = transport(config)
    # matplotlib keeps a cache of fonts: in our home, not in the user's.
    os.environ.setdefault("MPLCONFIGDIR", str(config.home / "matplotlib"))
    async with database.opened(url, config.home) as pool:
        service = await assemble(config, clock, pool, conninfo=str(pool.conninfo), way=way, draw=draw)
        try:
            yield service
        finally:
            await way.close()


async def assemble(config: Config, clock: Clock, pool: Pool, *, conninfo: str, way: Transport, draw: Draw) -> Service:
    """Return a service on an open pool: the daemon makes one for each term and each configuration."""
    links = await links_of(config, pool)
    return Service(
        config=config,
        clock=clock,
        pool=pool,
        conninfo=conninfo,
        transport=way,
        sources=polled(config),
        court=Court(pool, clock, budget=config.judge.alarm_budget),
        teller=Teller(
            pool=pool, clock=clock, mail=config.mail, draw=draw, public_url=config.web.public_url, links=links
        ),
        coverage=Coverage(pool=pool, clock=clock),
        links=links,
    )


async def links_of(config: Config, pool: Pool) -> Links:
    """Return what signs the links of mails."""
    configured = config.web_secret.get_secret_value() if config.web_secret else None
    return Links(
        secret=await signing_secret(pool, configured),
        public_url=config.web.public_url,
        replies=config.imap_url is not None,
        reply_to=config.replies.address,
    )


def transport(config: Config) -> Transport:
    """Return the way that mails go: the SMTP server that is configured, else a Maildir in the home directory.

    Channels go their own ways beside it. Raises WrongUse.
    """
    if config.smtp_url is not None and not config.mail.to:
        raise WrongUse("the setting mail.to is empty: an SMTP server is configured, but nobody to write to")
    smtp = config.smtp_url
    mails: Transport = (
        SmtpTransport(smtp.get_secret_value()) if smtp is not None else MaildirTransport(config.home / "Maildir")
    )
    return ChannelTransport(mails=mails, urls=addresses(config.mail.channels))
