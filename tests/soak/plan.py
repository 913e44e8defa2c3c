"""What the world says on each day, and what goes wrong in it: the same for the same seed."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Literal

from pipelines.records import KYIV
from tests.backfill.channel import PACE

CHANNELS = tuple(f"channel_{number}" for number in range(1, 9))
MIRRORS = tuple(f"mirror_{number}" for number in range(1, 5))
SOURCES = CHANNELS + MIRRORS
FIELDS = "personnel_units tanks armoured_fighting_vehicles artillery_systems mlrs aa_warfare_systems planes"
CATEGORIES = dict(zip(PACE, re.findall(r"\w+", FIELDS), strict=False))
"""Label of a line to its name in the API. Seven of thirteen: five years of them are an hour's work."""

PERSONNEL = next(iter(CATEGORIES))
PAST = 60  # days before the installation
CALM = 12  # days at the end without a fault, in which everything is sent and mended

Kind = Literal["wrong", "edited", "frozen", "down", "slow", "smtp", "killed", "database", "forward", "back"]
LASTING = {
    "wrong": timedelta(days=1),
    "edited": timedelta(days=1),
    "frozen": timedelta(days=7),
    "down": timedelta(days=4),
    "slow": timedelta(days=1),
    "smtp": timedelta(days=1),
}
OF_A_SOURCE: tuple[Kind, ...] = ("wrong", "edited", "frozen", "down", "slow")
OF_THE_HOST: tuple[Kind, ...] = ("smtp", "killed", "database", "forward", "back")
NEW_STARTS = frozenset(
    {"killed", "forward", "back"}
)  # in the first half of a year: in the second one process grows old


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """Something that goes wrong."""

    kind: Kind
    at: datetime
    source: str  # empty: it happens to the host

    @property
    def day(self) -> date:
        """The Kyiv day on which it begins."""
        return self.at.astimezone(KYIV).date()

    def lasts(self, now: datetime) -> bool:
        """Whether it goes on."""
        return self.at <= now < self.at + LASTING.get(self.kind, timedelta())


def published(day: date) -> datetime:
    """Return when the report of a day appears: half past midnight, so that twice a day is often enough to see it."""
    return datetime.combine(day, time(0, 30), KYIV).astimezone(UTC)


@dataclass(frozen=True)
class Plan:
    """So many days from the installation on."""

    start: date
    days: int
    seed: int = 20220224

    @property
    def end(self) -> date:
        """The day after the last one."""
        return self.start + timedelta(days=self.days)

    @cached_property
    def figures(self) -> dict[date, dict[str, tuple[int, int]]]:
        """The right figures: label to total and change."""
        chance = random.Random(self.seed)  # noqa: S311 - the same at each run
        pace = {label: PACE[label] for label in CATEGORIES}
        totals = {label: 1000 + first for label, (first, _) in pace.items()}
        figures = {}
        for number in range(-PAST, self.days):
            changes = {label: max(round(chance.gauss(mean, mean / 6 + 0.3)), 0) for label, (_, mean) in pace.items()}
            totals = {label: total + changes[label] for label, total in totals.items()}
            figures[self.start + timedelta(days=number)] = {label: (totals[label], changes[label]) for label in pace}
        return figures

    @cached_property
    def faults(self) -> list[Fault]:
        """One every four days, so that each can be told from the next one by its day or its source."""
        chance = random.Random(self.seed + 1)  # noqa: S311 - as above
        return list(self._faults(chance))

    def _faults(self, chance: random.Random) -> Iterator[Fault]:
        busy: dict[str, date] = {}
        for number in range(5, self.days - CALM, 4):
            day = self.start + timedelta(days=number)
            kinds = OF_A_SOURCE + OF_THE_HOST
            young = number % 365 < 182
            kind = chance.choice([kind for kind in kinds if young or kind not in NEW_STARTS])
            if kind in OF_THE_HOST:
                hour = timedelta(hours=chance.uniform(6, 18))
                yield Fault(kind=kind, at=published(day) + hour, source="")
                continue
            free = [name for name in (SOURCES if kind in {"down", "slow"} else CHANNELS) if busy.get(name, day) <= day]
            source = chance.choice(free)
            busy[source] = day + timedelta(days=14)
            yield Fault(kind=kind, at=published(day), source=source)

    def report(self, source: str, day: date, now: datetime) -> tuple[dict[str, tuple[int, int]], bool]:
        """Return what a source says of a day at a moment, and whether it shows that it was edited."""
        said = dict(self.figures[day])
        total, change = said[PERSONNEL]
        for fault in self.faults_of.get((source, day), ()):
            if fault.kind == "wrong":  # one digit, and it stays so
                said[PERSONNEL] = (total + 10_000, change)
            elif fault.kind == "edited" and now >= fault.at + timedelta(hours=14):
                said[PERSONNEL] = (total + 10_000, change)
                return said, True
        return said, False

    @cached_property
    def faults_of(self) -> dict[tuple[str, date], list[Fault]]:
        """Faults by their source and day."""
        return {(fault.source, fault.day): [fault] for fault in self.faults if fault.source}

    def lasting(self, kind: Kind, source: str, now: datetime) -> Fault | None:
        """Return the fault of a kind that goes on at a source."""
        return next(
            (fault for fault in self.faults if fault.kind == kind and fault.source == source and fault.lasts(now)),
            None,
        )
