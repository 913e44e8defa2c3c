"""The real job over ten weeks of a mirror: crawl, judge, tell, deliver, once for each simulated day."""

from __future__ import annotations

import asyncio
import email
import email.policy
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any

from pipelines.records import GENERAL_STAFF, KYIV
from scheduler import charts
from scheduler.config import Config
from scheduler.demo import faults, home
from scheduler.demo.outcome import Outcome, Told, compare
from scheduler.demo.press import FIRST_DAY, LAST_DAY, Press, days
from scheduler.demo.site import Site, serving
from scheduler.mails.view import Point, Series
from scheduler.sections.judge import Judge
from scheduler.sections.mail import Mail
from scheduler.sections.source import Source
from scheduler.service import open_service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date
    from email.message import EmailMessage
    from pathlib import Path

    from scheduler.service import CrawlReport, Service

SOURCES = ("telegram_general_staff", "mod_gov_ua", "ukrinform")
ROUND_AT = time(9, 30)  # Kyiv; all outlets have published by then
SENDER = "tallywatch@example.org"
READER = "desk@example.org"
SHOWN = "swapped_digits"  # the fault whose mail is printed
PICTURED = ("personnel", "tanks", "artillery_systems", "vehicles_and_fuel_tanks")


@dataclass(slots=True)
class SimulatedClock:
    """The one clock of the demo."""

    now: datetime

    def __call__(self) -> datetime:
        """Tell the simulated time."""
        return self.now.astimezone(UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rehearsal:
    """What the demo came to."""

    outcome: Outcome
    troubles: tuple[str, ...]  # what a crawl could not do, one sentence each: there must be none
    mails: int
    shown: EmailMessage | None  # the mail about one fault
    maildir: Path
    picture: Path

    @property
    def right(self) -> bool:
        """Whether the demo went as planted: nothing missed, nothing else told, nothing broken."""
        return self.outcome.right and not self.troubles


@dataclass(slots=True)
class _Diary:
    """What happened on the way."""

    troubles: list[str] = field(default_factory=list)

    def note(self, day: date, reports: Iterable[CrawlReport]) -> None:
        """Keep what went wrong on a day."""
        for report in reports:
            found = report.problems or ((report.cause,) if report.cause else ())
            self.troubles += [f"{day}, {report.source}: {problem}" for problem in found]


async def rehearse(place: Path, on_day: Callable[[date], None]) -> Rehearsal:
    """Run the demo in its home, which is made anew; `on_day` is told of each day that is done.

    Raises what the service raises, and WrongUse for a home that is none of the demo's.
    """
    home.remake(place)
    planted = faults.load()
    clock = SimulatedClock(round_of(FIRST_DAY))
    site = Site(Press(planted), clock.now)
    diary = _Diary()
    with serving(site) as url:
        home.write_config(place, sender=SENDER, reader=READER, sources=dict.fromkeys(SOURCES, url))
        async with open_service(configured(place, url), clock) as service:
            sources = service.named(SOURCES)
            for day in days():
                clock.now = round_of(day)
                site.advance(clock.now)
                diary.note(day, await asyncio.gather(*(service.crawl(source) for source in sources)))
                await service.judge()
                await service.deliver()
                on_day(day)
            return await _rehearsal(service, planted, diary)


def configured(place: Path, url: str) -> Config:
    """Return the demo's configuration, whatever the environment says: it must not write to anybody's database."""
    return Config(
        home=place,
        database_url=None,
        smtp_url=None,
        sentry_dsn=None,
        mail=Mail.model_validate({"from": SENDER, "to": [READER]}),
        judge=Judge(),
        sources={name: Source(enabled=True, base_url=url) for name in SOURCES},
    )


def round_of(day: date) -> datetime:
    """Return when the mirror is crawled on a day."""
    return datetime.combine(day, ROUND_AT, KYIV)


async def _rehearsal(service: Service, planted: Mapping[str, faults.Fault], diary: _Diary) -> Rehearsal:
    told = [_told(row) for row in await service.query("incidents", id=None, states=None, claimant=None, as_of=None)]
    outcome = compare(planted.values(), faults.genuine(), told)
    mails = await service.query("mails", id=None, state=None)
    picture = service.config.home / "overview.png"
    picture.write_bytes(await _overview(service, told))
    return Rehearsal(
        outcome=outcome,
        troubles=tuple(diary.troubles),
        mails=len(mails),
        shown=await _mail_about(service, outcome, mails),
        maildir=service.config.home / "Maildir",
        picture=picture,
    )


def _told(row: Mapping[str, Any]) -> Told:
    return Told(
        id=row["id"],
        kind=row["kind"],
        claimant=row["claimant"],
        metric=row["metric"],
        as_of=row["as_of"],
        severity=row["severity"],
        message=row["message"],
    )


async def _mail_about(service: Service, outcome: Outcome, mails: list[dict[str, Any]]) -> EmailMessage | None:
    about = {told.id for verdict in outcome.verdicts if verdict.fault.name == SHOWN for told in verdict.told}
    found = next((mail["id"] for mail in mails if about & set(mail["incident_ids"])), None)
    if found is None:
        return None
    (row,) = await service.query("mail_content", id=found)
    return email.message_from_bytes(bytes(row["content"]), policy=email.policy.default)


async def _overview(service: Service, told: Iterable[Told]) -> bytes:
    rows = await service.query(
        "figures", **{"from": FIRST_DAY, "to": LAST_DAY}, known_at=None, metric=None, claimant=GENERAL_STAFF
    )
    blamed = {(incident.metric, incident.as_of) for incident in told if incident.severity != "info"}
    panels = [
        Series(
            metric=metric,
            points=tuple(
                Point(day=row["as_of"], total=row["total"], daily=row["daily"])
                for row in rows
                if row["metric"] == metric
            ),
            flagged=tuple(sorted(day for blamed_metric, day in blamed if blamed_metric == metric)),
        )
        for metric in PICTURED
    ]
    return charts.overview_chart(panels, f"Ten weeks of a mirror with {len(faults.load())} planted faults")
