"""What the days before gave to expect of each day: the band of a chart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from scheduler.checks.pace import Pace

if TYPE_CHECKING:
    from pipelines.metrics import Metric

BAND = 2.0  # standard deviations around the expected change: about nineteen days of twenty


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved:
    """How one day moved a total."""

    day: date
    change: int
    ordinary: bool  # it may teach what is usual: nobody was told of it, and no day was skipped


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """Where the change of a day was to be expected."""

    day: date
    low: float
    high: float


def bands(metric: Metric, moves: Iterable[Moved]) -> Iterator[Band]:
    """Return what was to be expected of each day, in order; the first days have nothing to expect it from."""
    pace = Pace(metric)
    for moved in moves:
        law = pace.law(moved.day.toordinal())
        if law is not None:
            deviation = BAND * (law.mean + law.mean**2 / law.size) ** 0.5
            low = max(0.0, law.mean - deviation) * law.step
            yield Band(day=moved.day, low=low, high=(law.mean + deviation) * law.step)
        if moved.ordinary:
            pace.learn(moved.day.toordinal(), moved.change)
