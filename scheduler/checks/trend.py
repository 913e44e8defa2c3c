"""Breaks of trend: daily changes that their own past, and the other metrics of the day, do not explain.

A day is judged when it is complete, that is when every metric of the day before has come (or when the next
day begins): the metrics of one report explain one another.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Literal

from pipelines.metrics import METRICS

if TYPE_CHECKING:
    from scheduler.checks.finding import Severity
    from scheduler.checks.thresholds import Sensitivity
    from scheduler.checks.trend_panel import Scores

TrendKind = Literal["trend.spike", "trend.drop", "trend.shift", "trend.silence"]

GRAVE = 4.0  # beyond the threshold: e^4 = 50 times as improbable as what is told at all
IN_PASSING = 3.0  # below the threshold: what is told beside something else, since the day is spent anyhow
COLUMN = {metric: column for column, metric in enumerate(METRICS)}
STEP = [metric.step for metric in METRICS.values()]


@dataclass(frozen=True, kw_only=True, slots=True)
class DayChange:
    """How much one total moved from one report to the next."""

    metric: str
    as_of: date
    change: int
    total: int | None
    ref: int
    known_at: datetime
    quarantined: bool  # a contradiction doubts it: it stays out of the baseline
    explained: bool = False  # a contradiction or a person says what it is: it is not judged either


@dataclass(frozen=True, kw_only=True, slots=True)
class TrendVerdict:
    """One break of trend. Its day is that of the arrival that raised it, or the day before."""

    kind: TrendKind
    metric: str
    as_of: date
    severity: Severity
    observed: int  # the change of the day, or the sum over `days` of them
    expected: int  # what the metric's past and the other metrics give for the same days
    days: int
    score: float  # log-likelihood ratio beyond the threshold
    message: str


class Trend:
    """Judges the daily changes of all metrics of one claimant, in the order in which they become known."""

    def __init__(self, *, budget: int = 12) -> None:
        from scheduler.checks import thresholds, trend_panel  # noqa: PLC0415 - numpy only where trends are judged

        self.budget = budget
        self.threshold = thresholds.PRIOR
        self._panel = trend_panel.Panel(len(METRICS))
        self._sensitivity = thresholds.sensitivity
        self._origin = 0  # ordinal of the panel's first row
        self._open: date | None = None  # the day that is being collected
        self._came: set[int] = set()  # its metrics
        self._expected: frozenset[int] = frozenset()  # the metrics of the day before it
        self._last: dict[int, int] = {}  # row of each metric's last change

    def feed(self, day: DayChange) -> list[TrendVerdict]:
        """Take in one change; what it, and the others of its day, make us say.

        A change that covers several days is spread over them and not judged; one of a day that is over is
        only learned from.
        """
        told = []
        if self._open is None or day.as_of > self._open:
            told = self._close()
            self._begin(day.as_of)
        row, column = self._row(day.as_of), COLUMN[day.metric]
        if row < 0:
            return told
        self._write(day, row, column)
        if day.as_of == self._open and column not in self._came:
            self._came.add(column)
            if self._expected and self._came >= self._expected:
                told += self._close()
        return told

    def revise(self, metric: str, as_of: date, change: int) -> None:
        """Replace the change of an earlier day: later days are measured against the new one."""
        row = self._row(as_of)
        if self._open is not None and 0 <= row <= self._row(self._open):
            self._panel.put(row, COLUMN[metric], change / METRICS[metric].step, usual=True)

    def quarantine(self, metric: str, as_of: date) -> None:
        """Keep a day out of the baseline: something else explains or doubts it."""
        row = self._row(as_of)
        if self._open is not None and 0 <= row <= self._row(self._open):
            self._panel.doubt(row, COLUMN[metric])

    def sensitivity(self) -> list[Sensitivity]:
        """Say what the present threshold buys in each metric that is judged."""
        if self._open is None:
            return []
        row = self._row(self._open) + 1
        usual, spread = self._panel.usually(row)
        return [
            self._sensitivity(metric, STEP[column], float(usual[column]), float(spread[column]), self.threshold)
            for metric, column in COLUMN.items()
            if column in self._expected | self._came
        ]

    # The days

    def _row(self, as_of: date) -> int:
        return as_of.toordinal() - self._origin

    def _begin(self, as_of: date) -> None:
        if self._open is None:
            self._origin = as_of.toordinal() - 1
        elif as_of.month != self._open.month:
            self.threshold = self._panel.settle(self._row(as_of), self.budget)
        while self._row(as_of) >= len(self._panel.count):
            gone = self._panel.make_room()
            self._origin += gone
            self._last = {column: row - gone for column, row in self._last.items()}
        self._open, self._came = as_of, set()

    def _write(self, day: DayChange, row: int, column: int) -> None:
        count = day.change / STEP[column]
        last = self._last.get(column, row - 1)
        skipped = range(max(last + 1, 0), row)
        for each in (*skipped, row):
            self._panel.put(
                each, column, count / (len(skipped) + 1), usual=not day.quarantined, counts=not day.explained
            )
        self._last[column] = max(last, row)

    # The verdicts

    def _close(self) -> list[TrendVerdict]:
        """Judge the day that was collected, if it is not judged yet."""
        if self._open is None or not self._came:
            return []
        row, panel = self._row(self._open), self._panel
        judged = panel.counts[row] & panel.known[row]
        scores = panel.scores(row, judged)
        highest = float(scores.best.max())
        told = scores.best > self.threshold - (IN_PASSING if highest > self.threshold else 0)
        panel.learn(row, scores, told)
        self._expected, self._came = frozenset(self._came), set()
        return [self._verdict(column, self._open, scores) for column in told.nonzero()[0].tolist()]

    def _verdict(self, column: int, as_of: date, scores: Scores) -> TrendVerdict:
        test = scores.test[column]
        window, metric = scores.windows[test.days], list(METRICS)[column]
        observed = round(window.total[column] * STEP[column])
        expected = round(window.mean[column] * STEP[column])
        beyond = float(scores.best[column]) - self.threshold
        kind = test.kind
        if kind == "trend.silence" and observed > 0:
            kind = "trend.drop"
        elif kind == "trend.drop" and observed == 0:
            kind = "trend.silence"
        span = "in a day" if test.days == 1 else f"in {test.days} days"
        return TrendVerdict(
            kind=kind,
            metric=metric,
            as_of=as_of,
            severity="critical" if beyond > GRAVE else "warning",
            observed=observed,
            expected=expected,
            days=test.days,
            score=beyond,
            message=f"{METRICS[metric].names['en']}: {observed:+,} {span}, where {expected:+,} was to be expected",
        )
