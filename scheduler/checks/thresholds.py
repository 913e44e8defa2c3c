"""The alarm budget: false trend days a year, turned into the one threshold that all tests share.

The null is the history itself: the scores that each metric had on the days of the last year on which it was not
doubted. Of these only the place where the highest tenth begins is read, because what lies far above may be real
breaks, and those must not make the judge deaf. From there the tail of a log-likelihood ratio falls by e for
every point of score. That extrapolation stands for a simulated null, and needs no random numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, exp, lgamma, log
from typing import TYPE_CHECKING

import numpy as np

from scheduler.checks.trend_tests import LEVEL, SPIKE, ratio, size_of, variance

if TYPE_CHECKING:
    from scheduler.checks.trend_tests import Grid, Test

YEAR = 365.25
FEWEST = 60  # days of scores before they say anything
PRIOR = 7.0  # threshold until then
YOUNG = 400  # days; before as many are known the threshold still leans on the one above
TENTH = 0.90  # quantile from which the tail is continued
CLUMPS = 0.99  # quantile beyond which scores are looked at for clumping: some fifty in a year


def solve(scores: Grid, budget: int) -> float:
    """Give the threshold that is exceeded by chance on `budget` days a year; rows are days, NaN is not judged."""
    judged = scores[:, (~np.isnan(scores)).sum(0) >= FEWEST]
    if not judged.size:
        return PRIOR
    judged = np.where(np.isnan(judged), -np.inf, judged)
    tenth = np.quantile(judged, TENTH, axis=0, method="lower")
    a_year = (1 - TENTH) * YEAR * float(np.exp(tenth).sum())
    solved = log(_apart(judged) * a_year / max(budget, 0.1))
    known = min(1.0, float((~np.isnan(scores)).any(1).sum()) / YOUNG)
    return known * solved + (1 - known) * PRIOR


def _apart(scores: Grid) -> float:
    """Give the share of high scores that do not follow one of the day before: sums over several days overlap."""
    high = scores > np.quantile(scores, CLUMPS, axis=0, method="lower")
    later = high[1:].sum()
    return float((high[1:] & ~high[:-1]).sum() / later) if later else 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Sensitivity:
    """What the threshold buys in one metric, as it moves at present."""

    metric: str
    usual: float  # a day, in units of the metric
    spike_from: int  # the least change of one day that is told
    level_from: int  # the least sum of three days that is told
    tenfold: float  # chance that a day of ten times the usual is told
    threefold: float
    doubled: float  # chance that twice the usual is told within three days


def sensitivity(metric: str, step: int, usual: float, spread: float, threshold: float) -> Sensitivity:
    """Say what a threshold buys at a level: counts are in steps of the metric."""
    sums = LEVEL.days * np.array([usual])
    wide = variance(LEVEL.days, sums, np.array([float(LEVEL.days)]), np.array([np.inf]), np.array([spread]))
    day_size, sum_size = usual / (spread - 1), float(size_of(sums, wide)[0])
    spike = least(SPIKE, usual, day_size, threshold)
    level = least(LEVEL, float(sums[0]), sum_size, threshold)
    return Sensitivity(
        metric=metric,
        usual=usual * step,
        spike_from=spike * step,
        level_from=level * step,
        tenfold=chance(spike, 10, usual, day_size),
        threefold=chance(spike, 3, usual, day_size),
        doubled=chance(level, 2, float(sums[0]), sum_size),
    )


def least(test: Test, mean: float, size: float, threshold: float) -> int:
    """Find the least count that a test tells."""
    bar = threshold + test.bar
    low, high = ceil(mean), ceil(mean) + 1
    while _score(test, high, mean, size) <= bar:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _score(test, middle, mean, size) > bar else (middle, high)
    return high


def chance(count: int, times: float, mean: float, size: float) -> float:
    """Give the chance that `times` a negative binomial count reaches `count`."""
    odds = log(mean / (mean + size))
    start = size * log(size / (mean + size)) - lgamma(size)
    below = sum(exp(start + lgamma(k + size) - lgamma(k + 1) + k * odds) for k in range(ceil(count / times)))
    return max(0.0, 1 - below)


def _score(test: Test, count: int, mean: float, size: float) -> float:
    return float(ratio(np.float64(count), np.float64(mean), np.float64(size), test.factor))
