"""The tests of trend: how much better a break explains some days than their own past does.

Everything here works on whole rows, one column per metric, and knows neither dates nor thresholds. A score is
a log-likelihood ratio of negative binomial counts: 6 says that the best break explains the days e^6 = 400
times better than no break.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Row = NDArray[np.float64]  # one number per metric
    Grid = NDArray[np.float64]  # days by metrics
    Flags = NDArray[np.bool_]

TrendKind = Literal["trend.spike", "trend.drop", "trend.shift", "trend.silence"]

LEAST = 1e-9  # of a mean or a ratio, against division by zero
WANDER = 0.2  # levels move by so much in weeks without any break
TAIL = 20  # largest days of a year that say how fast its tail falls
STEEPEST = 0.02  # mean log excess in the tail; series of nearly equal days would have none


@dataclass(frozen=True, kw_only=True, slots=True)
class Test:
    """One question about the last days of every metric."""

    days: int  # summed over as many days
    factor: float  # the least break that counts: at least, or (below 1) at most so many times the usual
    bar: float  # added to the threshold, because not every question is worth the same number of false alarms
    kind: TrendKind

    @property
    def upward(self) -> bool:
        """Whether it looks for more than usual."""
        return self.factor > 1


# The bars are what half of the history (to October 2023) was worth in breaks found per false alarm; see
# docs/judging-trend.md. A rise over three days finds spikes that repeat, new levels and drifts alike, sums of
# 7 and 14 days found none of those that it missed.
SPIKE = Test(days=1, factor=2.0, bar=0.0, kind="trend.spike")
TESTS = (
    SPIKE,
    Test(days=1, factor=0.3, bar=5.0, kind="trend.drop"),
    Test(days=2, factor=0.1, bar=0.0, kind="trend.silence"),
    Test(days=3, factor=1.5, bar=-2.5, kind="trend.shift"),
    Test(days=3, factor=0.01, bar=-1.0, kind="trend.silence"),
    Test(days=7, factor=0.5, bar=0.0, kind="trend.shift"),
)
SPANS = tuple(sorted({test.days for test in TESTS}))
LEVEL = next(test for test in TESTS if test.kind == "trend.shift" and test.upward)
RECORD_BAR = 1.0  # of a day beyond all of a year, on top of the threshold


def ratio(x: Row | np.float64, mean: Row | np.float64, size: Row | np.float64, factor: float) -> Row:
    """Log-likelihood ratio of the best break of at least `factor` against none, at the same size."""
    times = x / mean
    times = np.maximum(times, factor) if factor > 1 else np.clip(times, LEAST, factor)
    score: Row = x * np.log(times) - (x + size) * np.log((size + times * mean) / (size + mean))
    return score


def variance(days: int, mean: Row, counted: Row, known: Row, spread: Row) -> Row:
    """Give the variance of a sum: its own, and for several days that of the baseline and of the wandering level."""
    if days == 1:
        return spread * mean
    return spread * mean * (1 + counted / np.maximum(known, 1)) + (WANDER * mean) ** 2


def size_of(mean: Row, variance_: Row) -> Row:
    """Give the size of the negative binomial that has this mean and variance."""
    size: Row = mean**2 / np.maximum(variance_ - mean, 0.05 * mean)
    return size


def beyond(x: float, past: Row) -> float:
    """Say how improbable a day is that exceeds all of a year: the tail of that year, continued (Hill's estimate)."""
    top = np.sort(past)[-TAIL - 1 :]
    if len(top) <= TAIL or top[0] < 2:  # noqa: PLR2004 - a tail of ones and twos has no shape
        return -np.inf
    excess = max(float(np.mean(np.log(top[1:] / top[0]))), STEEPEST)
    return log(len(past) / TAIL) + log(x / float(top[0])) / excess


def bounded(score: Row, exceeded: Row, days: Row) -> Row:
    """Bound a score by how often as much was seen: what happened three times in a year is not a break."""
    # e to the 700th is the largest power that a float holds; a score may be minus infinity.
    bound: Row = -np.log(np.exp(-np.clip(score, -700.0, 50.0)) + (exceeded + 0.5) / np.maximum(days, 1.0))
    return bound
