"""What the mirror's outlets print on which morning: the real figures, and the planted faults among them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from importlib.resources import files
from typing import TYPE_CHECKING

from pipelines.records import KYIV

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scheduler.demo.faults import Fault, Saying

FIRST_DAY = date(2023, 2, 1)
LAST_DAY = date(2023, 4, 15)
DAY = timedelta(days=1)

# Kyiv time of an outlet's first possible minute, and how many minutes its mornings vary by.
MORNINGS: Mapping[str, tuple[time, int]] = {
    "telegram": (time(6, 30), 61),
    "ministry": (time(7, 40), 31),
    "news": (time(8, 30), 13),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One line of a report."""

    total: int
    daily: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """One outlet's report of one day, as it reads at one moment."""

    outlet: str
    as_of: date
    published_at: datetime
    edited_at: datetime | None
    cells: Mapping[str, Cell]  # by metric, in the publisher's order


def figures() -> dict[date, dict[str, int]]:
    """Read the real totals, by report day and metric, in the publisher's order."""
    text = (files("scheduler.demo") / "figures.csv").read_text("utf-8")
    return {
        date.fromisoformat(row.pop("as_of")): {metric: int(total) for metric, total in row.items()}
        for row in csv.DictReader(text.splitlines())
    }


def days() -> Iterator[date]:
    """Go through the days of the demo."""
    for number in range((LAST_DAY - FIRST_DAY).days + 1):
        yield FIRST_DAY + number * DAY


class Press:
    """The outlets together, as of any moment."""

    def __init__(self, faults: Mapping[str, Fault]) -> None:
        self._truth = figures()
        self._sayings = [saying for fault in faults.values() for saying in fault.says]
        self._repeats = [fault.repeats for fault in faults.values() if fault.repeats is not None]
        self._silent = {fault.silent for fault in faults.values()}

    def reports(self, outlet: str, now: datetime) -> list[Report]:
        """Give what the outlet has published by now, oldest first."""
        found = (self._report(outlet, day, now) for day in days() if day not in self._silent)
        return [report for report in found if report.published_at <= now]

    def _report(self, outlet: str, day: date, now: datetime) -> Report:
        repeated = any(outlet in outlets and day == as_of for outlets, as_of in self._repeats)
        cells = self._true_cells(day - DAY if repeated else day)
        heard = [saying for saying in self._sayings if saying.heard(outlet, day, now)]
        for saying in heard:
            cells[saying.metric] = _altered(cells[saying.metric], saying)
        return Report(
            outlet=outlet,
            as_of=day,
            published_at=published_at(outlet, day),
            edited_at=max((saying.since for saying in heard if saying.since), default=None),
            cells=cells,
        )

    def _true_cells(self, day: date) -> dict[str, Cell]:
        before = self._truth[day - DAY]
        return {metric: Cell(total=total, daily=total - before[metric]) for metric, total in self._truth[day].items()}


def published_at(outlet: str, day: date) -> datetime:
    """Give the outlet's minute of that morning: another one each day, the same at every run."""
    earliest, spread = MORNINGS[outlet]
    return datetime.combine(day, earliest, KYIV) + timedelta(minutes=day.toordinal() * 37 % spread)


def _altered(cell: Cell, saying: Saying) -> Cell:
    return Cell(
        total=cell.total if saying.total is None else saying.total,
        daily=cell.daily if saying.daily is None else saying.daily,
    )
