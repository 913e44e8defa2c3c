"""What the alarm budget buys: which day and which level of each metric the trend check would tell now.

Nothing is derived from formulas. The check is fed the recent ledger, and a copy of it is then asked about days
that have not come: one metric moves by so much, all others as they usually do. What it answers is what a reader
would be told with an even chance, for half of all days lie above the usual one. That takes most of a second and
numpy, so it is for the command `status`, never for the daemon.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

from pipelines.metrics import METRICS
from pipelines.records import GENERAL_STAFF
from scheduler.checks.trend import DayChange, Trend
from scheduler.service import Service

PAST = timedelta(days=600)
"""Of the ledger that the check is fed: a year for its thresholds, and time to warm up before it."""

LASTING = 7
"""Days within which a new level counts as told."""

STEPS_UP = tuple(1.2**power for power in range(1, 32))  # to ×285
STEPS_DOWN = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.15, 0.1, 0.05, 0.0)
FEW = 9  # items of a sparse metric that are tried one by one
UNSEEN = datetime.min.replace(tzinfo=UTC)  # the check does not look at when a change became known

Moves = Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Bound:
    """The least or greatest daily change that would be told."""

    change: int
    times: float | None  # the usual day; None where that is less than one item


@dataclass(frozen=True, kw_only=True, slots=True)
class Sensitivity:
    """What would be told of one metric. None: nothing of that kind."""

    metric: str
    usual: float  # daily change of late
    day_above: Bound | None
    day_below: Bound | None
    level_above: Bound | None  # a level that lasts a week
    level_below: Bound | None
    warming_until: date | None  # None: it is judged


@dataclass(frozen=True, kw_only=True, slots=True)
class Judging:
    """The state of the checks on trend: the part `judge` of `status`."""

    claimant: str
    alarm_budget: int
    warming_until: date | None  # None: at least one metric is judged
    metrics: tuple[Sensitivity, ...]


async def judging(service: Service) -> Judging:
    """Ask the check what it would tell after the days that the ledger holds."""
    since = service.clock().date() - PAST
    place: dict[str, Any] = {"claimant": GENERAL_STAFF, "from": since}
    figures = await service.query("figures", **place, to=None, metric=None, known_at=None)
    doubted = {(row["metric"], row["as_of"]) for row in await service.query("doubted_cells", **place)}
    return state(figures, doubted, budget=service.config.judge.alarm_budget, today=service.clock().date())


def state(
    figures: Iterable[Mapping[str, Any]], doubted: AbstractSet[tuple[str, date]], *, budget: int, today: date
) -> Judging:
    """Feed the check with figures, in order of days, and ask it."""
    from scheduler.checks.trend_panel import WARM  # noqa: PLC0415 - numpy, which only a check needs

    trend, days, last = Trend(budget=budget), dict.fromkeys(METRICS, 0), today
    for change in _changes(figures, doubted):
        trend.feed(change)
        days[change.metric] += 1
        last = change.as_of
    probe = Probe(trend, last)
    told = tuple(probe.sensitivity(metric, last, WARM - days[metric]) for metric in probe.usual)
    ahead = [one.warming_until for one in told if one.warming_until]
    warming = min(ahead, default=today + timedelta(days=WARM)) if len(ahead) == len(told) else None
    return Judging(claimant=GENERAL_STAFF, alarm_budget=budget, warming_until=warming, metrics=told)


def _changes(figures: Iterable[Mapping[str, Any]], doubted: AbstractSet[tuple[str, date]]) -> Sequence[DayChange]:
    """Return the daily changes of the totals, by day; a metric's first total has none."""
    series: dict[str, list[Mapping[str, Any]]] = {}
    for row in figures:
        if row["total"] is not None and METRICS[row["metric"]].valid_on(row["as_of"]):
            series.setdefault(row["metric"], []).append(row)
    changes = [
        DayChange(
            metric=metric,
            as_of=row["as_of"],
            change=row["total"] - before["total"],
            total=row["total"],
            ref=0,
            known_at=UNSEEN,
            quarantined=any((name, cell["as_of"]) in doubted for name in (metric, "") for cell in (before, row)),
        )
        for metric, rows in series.items()
        for before, row in pairwise(sorted(rows, key=lambda row: row["as_of"]))
    ]
    return sorted(changes, key=lambda change: change.as_of)


class Probe:
    """Asks a check about days that have not come."""

    def __init__(self, trend: Trend, last: date) -> None:
        self.trend = trend
        self.last = last
        self.usual = {one.metric: one.usual for one in trend.sensitivity()}
        self.others = {metric: _whole(metric, usual) for metric, usual in self.usual.items()}

    def sensitivity(self, metric: str, last: date, days_missing: int) -> Sensitivity:
        """Find what would be told of one metric."""
        cold = days_missing > 0
        up, down = self._above(metric), self._below(metric)
        return Sensitivity(
            metric=metric,
            usual=round(self.usual[metric], 1),
            day_above=None if cold else self._first(metric, up, 1),
            day_below=None if cold else self._first(metric, down, 1),
            level_above=None if cold else self._first(metric, up, LASTING),
            level_below=None if cold else self._first(metric, down, LASTING),
            warming_until=last + timedelta(days=days_missing) if cold else None,
        )

    def _above(self, metric: str) -> list[int]:
        usual, step = self.usual[metric], METRICS[metric].step
        few = {step * (self.others[metric] // step + more) for more in range(1, FEW + 1)}
        return sorted(few | {change for times in STEPS_UP if (change := _whole(metric, usual * times)) > usual})

    def _below(self, metric: str) -> list[int]:
        usual = self.usual[metric]
        tried = {change for times in STEPS_DOWN if (change := _whole(metric, usual * times)) < usual}
        return sorted(tried, reverse=True)

    def _first(self, metric: str, changes: Sequence[int], days: int) -> Bound | None:
        """Return the mildest of these changes that is told; they go from mild to wild."""
        place = bisect_left(changes, 1, key=lambda change: int(self.tells(metric, change, days)))
        if place == len(changes):
            return None
        usual = self.usual[metric]
        return Bound(change=changes[place], times=round(changes[place] / usual, 2) if usual >= 1 else None)

    def tells(self, metric: str, change: int, days: int) -> bool:
        """Whether the check speaks of a metric that moves by so much on each of the next days."""
        trend = deepcopy(self.trend)
        for ahead in range(1, days + 1):
            for name, usual in self.others.items():
                day = DayChange(
                    metric=name,
                    as_of=self.last + timedelta(days=ahead),
                    change=change if name == metric else usual,
                    total=None,
                    ref=0,
                    known_at=UNSEEN,
                    quarantined=False,
                )
                if any(verdict.metric == metric for verdict in trend.feed(day)):
                    return True
        return False


def _whole(metric: str, change: float) -> int:
    """Round to what the publisher reports in."""
    step = METRICS[metric].step
    return round(change / step) * step
