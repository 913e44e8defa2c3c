"""The plan of a backfill: which days are missing at which source, and the units that could bring them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from pipelines.records import GENERAL_STAFF
from scheduler.backfill.ways import Way
from scheduler.clock import kyiv_day
from scheduler.crawling import Source
from scheduler.exceptions import WrongUse
from scheduler.service import Service, declaration
from spiders.base import SourceSpider

FIRST_DAY = date(2022, 2, 24)
"""Nobody has a tally of an earlier day."""

DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """Kyiv days, both inclusive."""

    first: date
    last: date

    def days(self) -> Iterator[date]:
        """Yield each day."""
        for number in range((self.last - self.first).days + 1):
            yield self.first + number * DAY


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """One window of one source that has to be asked for."""

    source: str
    window: Window
    missing: int  # days without a report; 0: it was begun and not finished
    finished_at: datetime | None  # when it was asked for before, and settled

    @property
    def key(self) -> tuple[str, date, date]:
        """What it is known by in the database, beside the way."""
        return self.source, self.window.first, self.window.last


@dataclass(frozen=True, kw_only=True, slots=True)
class OutOfReach:
    """Missing days that a source cannot be asked for."""

    source: str
    window: Window
    missing: int
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What is missing, and what can be done about it."""

    via: str
    window: Window
    units: tuple[Unit, ...]
    out_of_reach: tuple[OutOfReach, ...]


def window(first: date, last: date, today: date) -> Window:
    """Return the window that is asked for. Raises WrongUse for one that cannot be filled."""
    if first > last:
        raise WrongUse(f"--from {first} is after --to {last}")
    if last > today:
        raise WrongUse(f"--to {last} is not here yet: today is {today}")
    if last < FIRST_DAY:
        raise WrongUse(f"--to {last} is before {FIRST_DAY}, the first day of the tallies")
    return Window(first=max(first, FIRST_DAY), last=last)


async def make(service: Service, sources: Iterable[Source], asked: Window, *, via: str, way: Way) -> Plan:
    """Find what is missing of a window; nothing is written."""
    units: list[Unit] = []
    beyond: list[OutOfReach] = []
    for source in sources:
        spider = declaration(source)
        rows = await service.query("units_asked", source=source.name, via=via)
        missing = await _missing(service, source.name, spider, asked, rows)
        limit = way.unreachable(spider, kyiv_day(service.clock()))
        if limit is not None:
            beyond += _beyond(source.name, missing, *limit)
        first = max(asked.first, limit[0]) if limit else asked.first
        for part in cut(Window(first=first, last=asked.last), way.months(spider)):
            unit = _unit(source.name, part, missing, rows)
            units += [unit] if unit else []
    return Plan(via=via, window=asked, units=tuple(units), out_of_reach=tuple(beyond))


async def _missing(
    service: Service, source: str, spider: type[SourceSpider], asked: Window, rows: Sequence[dict[str, Any]]
) -> list[date]:
    """Return the days of a window without a report that nobody has looked for yet, one way.

    A report stands for as many days as the source lets pass between two. A day that was not over yet when it was
    looked for is looked for again.
    """
    every = spider.window.every if spider.window else 1
    claimant = spider.claimant or GENERAL_STAFF
    days = {"first": asked.first - (every - 1) * DAY, "last": asked.last}
    found = await service.query("days_reported", source=source, claimant=claimant, **days)
    covered = {row["day"] + number * DAY for row in found for number in range(every)}
    for row in (row for row in rows if row["state"] == "done"):
        over = kyiv_day(row["finished_at"])
        covered |= {day for day in Window(first=row["first"], last=row["last"]).days() if day < over}
    return [day for day in asked.days() if day not in covered]


def _beyond(source: str, missing: Sequence[date], first: date, why: str) -> Iterator[OutOfReach]:
    days = [day for day in missing if day < first]
    if days:
        yield OutOfReach(source=source, window=Window(first=days[0], last=days[-1]), missing=len(days), why=why)


def _unit(source: str, part: Window, missing: Sequence[date], rows: Sequence[dict[str, Any]]) -> Unit | None:
    """Return a unit, or None for one of which nothing is missing and that nobody has left unfinished."""
    days = sum(part.first <= day <= part.last for day in missing)
    before = next((row for row in rows if (row["first"], row["last"]) == (part.first, part.last)), None)
    unfinished = before is not None and before["state"] != "done"
    if not days and not unfinished:
        return None
    finished_at = before["finished_at"] if before else None
    return Unit(source=source, window=part, missing=days, finished_at=finished_at)


def cut(asked: Window, months: int) -> Iterator[Window]:
    """Cut a window along the calendar: every process then cuts it alike, whatever is missing by then."""
    first = asked.first
    while first <= asked.last:
        last = min(_end(first, months), asked.last) if months else asked.last
        yield Window(first=first, last=last)
        first = last + DAY


def _end(day: date, months: int) -> date:
    """Return the last day of a day's block of months, counted from January."""
    following = (day.month - 1) // months * months + months
    return date(day.year + following // 12, following % 12 + 1, 1) - DAY
