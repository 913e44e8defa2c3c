"""Breaks of trend: daily changes that their own past does not explain."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import exp, lgamma, log, log1p
from typing import TYPE_CHECKING, Literal

from pipelines.metrics import METRICS

if TYPE_CHECKING:
    from scheduler.checks.finding import Severity

TrendKind = Literal["trend.spike", "trend.drop", "trend.shift", "trend.silence"]

BASELINE = 56  # days that a day is measured against
FEWEST = 28  # days of them that must be known before anything is said
GRAVEST = 1e-3  # a day this many times rarer than what is told at all is critical


@dataclass(frozen=True, kw_only=True, slots=True)
class DayChange:
    """How much one total moved from one report to the next."""

    metric: str
    as_of: date
    change: int
    total: int | None
    ref: int
    known_at: datetime
    quarantined: bool  # a contradiction doubts it: it is not judged and stays out of the baseline


@dataclass(frozen=True, kw_only=True, slots=True)
class TrendVerdict:
    """One break of trend."""

    kind: TrendKind
    metric: str
    as_of: date
    severity: Severity
    observed: int  # the change of the day, or the sum over `days` of them
    expected: int  # what the baseline gives for the same days
    days: int
    message: str


@dataclass(slots=True)
class _Day:
    as_of: date
    change: int
    usual: bool  # may stand in a baseline


class Trend:
    """Judges the daily changes of all metrics of one claimant, in the order in which they become known."""

    def __init__(self, *, budget: int = 12) -> None:
        self._budget = budget
        self._days: dict[str, list[_Day]] = {}

    def feed(self, day: DayChange) -> list[TrendVerdict]:
        """Judge a day and learn from it. A day that is not after the last one fed only corrects the past."""
        days = self._days.setdefault(day.metric, [])
        if days and day.as_of <= days[-1].as_of:
            self.revise(day.metric, day.as_of, day.change)
            return []
        judged = not day.quarantined and bool(days) and day.as_of - days[-1].as_of == timedelta(days=1)
        verdict = self._judge(day, days) if judged else None
        days.append(_Day(day.as_of, day.change, judged and verdict is None))
        return [verdict] if verdict else []

    def revise(self, metric: str, as_of: date, change: int) -> None:
        """Replace the change of an earlier day: later days are measured against the new one."""
        for day in self._days.get(metric, []):
            if day.as_of == as_of:
                day.change, day.usual = change, True

    def quarantine(self, metric: str, as_of: date) -> None:
        """Keep a day out of the baseline: something else explains or doubts it."""
        for day in self._days.get(metric, []):
            if day.as_of == as_of:
                day.usual = False

    def _judge(self, day: DayChange, days: list[_Day]) -> TrendVerdict | None:
        step = METRICS[day.metric].step
        past = [d.change / step for d in days[-BASELINE:] if d.usual]
        if len(past) < FEWEST:
            return None
        limit = self._budget / 365 / max(1, len(self._days)) / 2
        mean = max(sum(past) / len(past), 1 / BASELINE)
        variance = sum((x - mean) ** 2 for x in past) / (len(past) - 1)
        at_most, at_least = _tails(round(day.change / step), mean, max(variance, 1.01 * mean))
        if min(at_most, at_least) >= limit:
            return None
        up = at_least < at_most
        kind: TrendKind = "trend.spike" if up else "trend.silence" if day.change == 0 else "trend.drop"
        return TrendVerdict(
            kind=kind,
            metric=day.metric,
            as_of=day.as_of,
            severity="critical" if min(at_most, at_least) < limit * GRAVEST else "warning",
            observed=day.change,
            expected=round(mean * step),
            days=1,
            message=f"{day.metric} moved by {day.change:+d} against {mean * step:.1f} a day before",
        )


def _tails(x: int, mean: float, variance: float) -> tuple[float, float]:
    """P(X <= x) and P(X >= x) of a negative binomial variable."""
    size = mean * mean / (variance - mean)
    below, term = 0.0, 0.0
    for k in range(x + 1):
        term = exp(
            lgamma(k + size) - lgamma(size) - lgamma(k + 1) - size * log1p(mean / size) + k * log(mean / (mean + size))
        )
        below += term
    return min(1.0, below), max(0.0, 1 - below + term)
