"""The panel: the daily changes of all metrics side by side, what is usual for each, and how a day compares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scheduler.checks.thresholds import solve
from scheduler.checks.trend_company import CLIP, Company
from scheduler.checks.trend_tests import (
    LEAST,
    RECORD_BAR,
    SPANS,
    TESTS,
    Test,
    beyond,
    bounded,
    ratio,
    size_of,
    variance,
)

if TYPE_CHECKING:
    from scheduler.checks.trend_tests import Flags, Row

YEAR = 400  # days that records and bursts are remembered
ROWS = 1200  # days held; the oldest go when they are full
WARM = 40  # days of a metric before it is judged
LEVEL = 14  # half-life in days of the level that one day is measured against: the best predictor had 7 to 14
LEVEL_DAYS = 7 * LEVEL  # what is older weighs nothing
BASELINE = 56  # days before the window that sums are measured against
FEWEST = 10  # of them, usual ones
SPREAD_FADE = 0.5 ** (1 / 60)  # of what was learned of the spread, a day
SPREAD_PRIOR = 2.0  # variance over mean, as good as ten items
OUTLIER = 12.0  # variances that one squared error can teach at most
LEAST_LEVEL = 0.05  # a day
BURST = 1.0  # negative binomial size below which a series comes in bursts: only its records are judged
SPARSE = 1.3  # items a day below which
SPARSE_BAR = 3.0  # one more is seldom news: this much is added to the threshold
FAR_OUT = 4.0  # score from which a day is remembered as a burst
RECORD_DAYS = 120  # days that must be known before one can be the highest of them
AGAIN = 3  # days within which a second spike makes a level


@dataclass(slots=True)
class Spread:
    """Variance over mean, learned from errors that are cut off where they would teach too much."""

    errors: Row
    means: Row

    @classmethod
    def prior(cls, metrics: int) -> Spread:
        """Before anything was seen."""
        return cls(np.full(metrics, 10 * SPREAD_PRIOR), np.full(metrics, 10.0))

    @property
    def ratio(self) -> Row:
        """Variance over mean: counts are never taken as steadier than Poisson's."""
        return np.maximum(self.errors / self.means, 1.05)

    def learn(self, error: Row, mean: Row, learned: Flags) -> None:
        """Take in one day."""
        squared = np.minimum(error**2, OUTLIER * (self.ratio * mean + 1))
        self.errors = np.where(learned, SPREAD_FADE * self.errors + squared, self.errors)
        self.means = np.where(learned, SPREAD_FADE * self.means + mean, self.means)


@dataclass(slots=True)
class Window:
    """The last days summed, and what was to be expected of the sum."""

    days: int
    total: Row
    counted: Row  # days that the sum is of
    alone: Row  # expected from the metric's own past
    surprise: Row  # standard deviations from that, cut off
    mean: Row  # expected with what the other metrics did
    size: Row  # of the negative binomial
    fit: Flags  # enough is known to judge


@dataclass(slots=True)
class Scores:
    """How one day compares, per metric."""

    best: Row  # by how much the best test exceeds its own bar; to be compared with the threshold
    test: list[Test]  # which one
    windows: dict[int, Window]
    judged: Flags


class Panel:
    """Rows are days, columns are metrics; counts are in steps of the metric."""

    def __init__(self, metrics: int) -> None:
        shape = (ROWS, metrics)
        self.count = np.zeros(shape)
        self.tame = np.zeros(shape)  # the counts, outliers cut off: what levels are made of
        self.known = np.zeros(shape, bool)
        self.usual = np.zeros(shape, bool)  # may stand in a baseline
        self.counts = np.zeros(shape, bool)  # may be judged, and stand in a sum that is
        self.aside = np.zeros(shape, bool)  # told of: out of the baseline for good, unless the number changes
        self.burst = np.zeros(shape)  # what a burst had, on days that were far out; else 0
        self.told = np.zeros(shape, np.int8)  # 1 up, -1 down, on a single day
        self.score = np.full(shape, np.nan)  # the highest score of each metric; NaN: not judged
        self.since = np.zeros(metrics, int)  # row from which the present level holds
        self.spread, self.spread_alone = Spread.prior(metrics), Spread.prior(metrics)
        self.companies = {days: Company(metrics) for days in SPANS}

    def make_room(self) -> int:
        """Drop the oldest days; how many went."""
        gone = ROWS // 2
        kept = (self.count, self.tame, self.known, self.usual, self.counts, self.aside, self.burst, self.told)
        for rows in (*kept, self.score):
            rows[:gone] = rows[gone:]
            rows[gone:] = np.nan if rows is self.score else 0
        self.since = np.maximum(self.since - gone, 0)
        return gone

    def put(self, row: int, column: int, count: float, *, usual: bool, counts: bool = True) -> None:
        """Write down one change; a fall is known, but neither usual nor judged."""
        if count != self.count[row, column]:
            self.aside[row, column] = False
            self.count[row, column] = count
            self.tame[row, column] = max(count, 0.0)
        self.known[row, column] = True
        self.counts[row, column] = counts and count >= 0 and not self.aside[row, column]
        self.usual[row, column] = usual and self.counts[row, column]

    def doubt(self, row: int, column: int) -> None:
        """Keep a day out of the baseline; one that stands still goes on to count: what it lacks, another day has."""
        self.usual[row, column] = False
        self.counts[row, column] &= self.count[row, column] == 0

    # Comparing

    def scores(self, row: int, judged: Flags) -> Scores:
        """Compare a day, all metrics together, with the past."""
        warm = self.known[: row + 1].sum(0) >= WARM
        spread = self.spread.ratio
        windows = {days: self._window(days, row, judged & warm, spread) for days in SPANS}
        today = windows[1]
        bursts = today.alone / (spread - 1) < BURST
        sparse = (self._level(row) < SPARSE) & ~bursts
        best, which = np.full(len(judged), -np.inf), np.zeros(len(judged), int)
        for number, test in enumerate(TESTS):
            window = windows[test.days]
            score = ratio(window.total, window.mean, window.size, test.factor)
            if test.days == 1 and test.upward:
                score = self._spike(row, score, window, bursts)
            score = np.where(window.fit & ~(bursts & (test.days > 1)), score - test.bar, -np.inf)
            better = score > best
            best, which = np.where(better, score, best), np.where(better, number, which)
        best = best - SPARSE_BAR * sparse
        self.score[row] = np.where(judged & warm, best, np.nan)
        return Scores(best, [TESTS[number] for number in which], windows, judged & warm)

    def _spike(self, row: int, score: Row, window: Window, bursts: Flags) -> Row:
        """One day up: bursts are measured against bursts, and any day against the highest of a year."""
        year = slice(max(0, row - YEAR), row)
        days = self.known[year].sum(0)
        exceeded = (self.burst[year] >= window.total).sum(0)
        self.burst[row] = np.where(window.fit & (score > FAR_OUT), window.total, 0.0)
        score = np.where(bursts, bounded(score, exceeded, days), score)
        highest = np.where(self.known[year], self.count[year], 0.0).max(0, initial=0.0)
        for column in np.flatnonzero(window.fit & (days >= RECORD_DAYS) & (window.total > highest)):
            past = self.count[year, column][self.known[year, column]]
            score[column] = max(score[column], beyond(window.total[column], past) - RECORD_BAR)
        return score

    def _window(self, days: int, row: int, judged: Flags, spread: Row) -> Window:
        first = row - days + 1
        if first < 1:
            one = np.ones_like(spread)
            return Window(days, one, one, one, one - 1, one, one, np.zeros_like(judged))
        counts = self.counts[first : row + 1] & (np.arange(first, row + 1)[:, None] >= self.since)
        counts[-1] = judged
        counted = counts.sum(0).astype(float)
        total = (self.count[first : row + 1] * counts).sum(0)
        per_day, known = self._usual_before(days, first)
        alone = np.maximum(per_day * counted, LEAST)
        spread_alone = self.spread_alone.ratio if days == 1 else spread
        deviation = np.sqrt(variance(days, alone, counted, known, spread_alone))
        surprise = np.clip((total - alone) / deviation, -CLIP, CLIP) * ((counted > 0) & judged)
        mean = np.maximum(alone + self.companies[days].expects(surprise) * deviation, 0.3 * alone)
        size = size_of(mean, variance(days, mean, counted, known, spread))
        fit = judged & (counted >= max(1, 2 * days // 3)) & (known >= (FEWEST if days > 1 else 0))
        return Window(days, total, counted, alone, surprise, mean, size, fit)

    def _usual_before(self, days: int, first: int) -> tuple[Row, Row]:
        """Give what is usual for a day before row `first`, and of how many days that is known."""
        if days == 1:
            return np.maximum(self._level(first), LEAST_LEVEL), np.full(self.since.shape, np.inf)
        start = max(0, first - BASELINE)
        usual = self.usual[start:first] & (np.arange(start, first)[:, None] >= self.since)
        known = usual.sum(0).astype(float)
        total: Row = (self.count[start:first] * usual).sum(0)
        return np.maximum((total + 0.5) / (known + 1), LEAST_LEVEL), known

    def _level(self, row: int) -> Row:
        """Give the level of late, before row `row`."""
        start = max(0, row - LEVEL_DAYS)
        usual = self.usual[start:row] & (np.arange(start, row)[:, None] >= self.since)
        weights = 0.5 ** (np.arange(row - start, 0, -1) / LEVEL)
        level: Row = (weights @ (self.tame[start:row] * usual) + 0.5) / (weights @ usual + 1.0)
        return level

    # Learning

    def learn(self, row: int, scores: Scores, told: Flags) -> None:
        """Take in a day once it is known what was told of it."""
        for days, window in scores.windows.items():
            learned = scores.judged & self.usual[row] & ~told & (window.counted >= max(1, 2 * days // 3))
            if days == 1:
                self.spread.learn(window.total - window.mean, window.mean, learned)
                self.spread_alone.learn(window.total - window.alone, window.alone, learned)
            self.companies[days].learn(window.surprise, learned)
        level = self._level(row)
        highest = level + 4 * np.sqrt(self.spread_alone.ratio * level) + 3
        self.tame[row] = np.minimum(self.tame[row], highest)
        for column in np.flatnonzero(told):
            self._set_aside(row, int(column), scores.test[column])

    def _set_aside(self, row: int, column: int, test: Test) -> None:
        """Keep what was told out of the baseline, or, if it is a level, begin a new baseline with it."""
        if test.days == 1:
            way = 1 if test.upward else -1
            again = (self.told[max(0, row - AGAIN) : row, column] == way).any()
            self.told[row, column] = way
            self._leave_out(slice(row, row + 1), column)
            if again:
                self._new_level(row - AGAIN + 1, row, column)
        elif test.kind == "trend.silence":
            self._leave_out(slice(row - test.days + 1, row + 1), column)
        else:
            self._new_level(row - test.days + 1, row, column)

    def _leave_out(self, days: slice, column: int) -> None:
        self.usual[days, column] = self.counts[days, column] = False
        self.aside[days, column] = True

    def _new_level(self, first: int, row: int, column: int) -> None:
        days = slice(first, row + 1)
        self.since[column] = first
        self.counts[days, column] = self.known[days, column] & (self.count[days, column] >= 0)
        self.usual[days, column] = self.counts[days, column]
        self.aside[days, column] = False
        self.tame[days, column] = np.maximum(self.count[days, column], 0.0)

    def settle(self, row: int, budget: int) -> float:
        """Learn from the year before a row how metrics move together, and solve the threshold: once a month."""
        for company in self.companies.values():
            company.settle()
        return solve(self.score[max(0, row - YEAR) : row], budget)

    def usually(self, row: int) -> tuple[Row, Row]:
        """Give the level of late before a row, and the variance over mean."""
        return np.maximum(self._level(row), LEAST_LEVEL), self.spread.ratio
