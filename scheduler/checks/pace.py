"""The pace of a series: how probable a change is, judged from the changes before it."""

from __future__ import annotations

from bisect import bisect_left, insort
from math import exp, lgamma, log
from operator import mul
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.metrics import Metric

WINDOW = 56  # changes that are looked at: eight weeks, the baseline that is usual for these series
FADING = 0.5 ** (1 / 14)  # a change counts half after two weeks: predicts these series best of 7, 14 and 28 days
FEWEST = 14  # changes below which a series has no pace yet
DISPERSION = 1 / 3  # of a series of which little is known: variance = mean + mean²/3, ...
DISPERSION_WEIGHT = 3.0  # ... counted like this many days of evidence
LEAST_DISPERSION = 0.02  # no series keeps closer to its mean than 14 %
TAIL = 0.03  # share of days that are no ordinary days (mass attacks, recounts); each series learns its own, ...
TAIL_WEIGHT = 100.0  # ... beginning with this many days of the common share
TAIL_POWER = 2.5  # how fast their size thins out: 32 of 13,660 days move by more than eight times the mean
FALL = 6e-4  # cells in which a total really falls: nine in 14,000
OFF_STEP = 2e-3  # a number that is no multiple of the step: three of 1,626 personnel figures


class Law:
    """The distribution of a change over some days: a negative binomial with a heavy tail, in steps of the metric."""

    __slots__ = ("_constant", "_fall", "_longer", "_scale", "_slope", "_tail", "mean", "size", "step")

    def __init__(self, mean: float, size: float, *, step: int, tail: float = TAIL, fall: float = FALL) -> None:
        self.mean = mean  # steps
        self.size = size  # variance = mean + mean²/size
        self.step = step
        self._tail = tail
        self._fall = fall
        self._scale = 1 + mean
        self._constant = size * log(size / (size + mean)) - lgamma(size)
        self._slope = log(mean / (size + mean))
        self._longer: dict[int, Law] = {}

    def p(self, change: int, days: int = 1) -> float:
        """Compute the probability of a change over so many days."""
        if days > 1:
            return self.over(days).p(change)
        steps = change // self.step
        grid = OFF_STEP / self.step if change % self.step else 1.0
        if steps < 0:
            return grid * self._fall / (steps * (steps - 1))  # 1, 1, 1, 1, 1, 2, 2, 14, 83 and no trace of the pace
        return grid * ((1 - self._tail) * self.ordinary(steps) + self._tail * self._thin(steps))

    def ordinary(self, steps: int) -> float:
        """Compute the probability of a change on an ordinary day."""
        return exp(lgamma(steps + self.size) - lgamma(steps + 1) + self._constant + steps * self._slope)

    def exceptional(self, change: int) -> float:
        """Compute the share of a change that no ordinary day explains."""
        if change < 0:
            return 0.0
        tail = self._tail * self._thin(change // self.step)
        return tail / (tail + (1 - self._tail) * self.ordinary(change // self.step))

    def _thin(self, steps: int) -> float:
        """Compute the density of the tail."""
        return (TAIL_POWER - 1) / self._scale * float((1 + steps / self._scale) ** -TAIL_POWER)

    def over(self, days: int) -> Law:
        """Give the law of the sum of so many days."""
        if days not in self._longer:
            many = min(1.0, self._tail * days)
            self._longer[days] = Law(
                self.mean * days, self.size * days, step=self.step, tail=many, fall=self._fall * days
            )
        return self._longer[days]

    def with_fall(self, rate: float) -> Law:
        """Give the same law for a report in which falls are so frequent."""
        return Law(self.mean, self.size, step=self.step, tail=self._tail, fall=rate)

    def reach(self, days: int = 1) -> int:
        """Give a change that no ordinary day exceeds: twelve standard deviations."""
        mean = self.mean * days
        return int(self.step * (mean + 12 * (mean + mean * mean / (self.size * days)) ** 0.5 + 12))


class Pace:
    """The believed daily changes of one series, and the law that they give for any day."""

    def __init__(self, metric: Metric) -> None:
        self._step = metric.step
        self._days: list[int] = []  # ordinals, ascending
        self.changes: dict[int, int] = {}  # day -> change that is believed
        self._steps: dict[int, float] = {}  # the same in steps; a fall tells nothing of the pace
        self._excluded: set[int] = set()
        self._exceptional: dict[int, float] = {}
        self._exceptions = TAIL * TAIL_WEIGHT
        self._laws: dict[int, Law | None] = {}
        self._newest_law = 0

    def learn(self, day: int, change: int) -> bool:
        """Believe a change of a day, in place of what was believed of it; say whether that is news."""
        if self.changes.get(day) == change or day in self._excluded:
            return False
        self.forget(day)
        law = self.law(day)
        insort(self._days, day)
        self.changes[day] = change
        self._steps[day] = max(0, change) / self._step
        if law is not None:
            self._exceptional[day] = law.exceptional(change)
            self._exceptions += self._exceptional[day]
        self._forget_laws_after(day)
        return True

    def forget(self, day: int) -> bool:
        """Leave a day out while a number that it rests on is in doubt; say whether that is news."""
        if self.changes.pop(day, None) is None:
            return False
        self._days.remove(day)
        self._exceptions -= self._exceptional.pop(day, 0.0)
        self._forget_laws_after(day)
        return True

    def exclude(self, day: int) -> None:
        """Leave a day out for good: a person has explained it."""
        self.forget(day)
        self._excluded.add(day)

    def let_go(self, since: int) -> None:
        """Forget the laws of earlier days: they can be fitted again."""
        self._laws = {day: law for day, law in self._laws.items() if day >= since}

    def _forget_laws_after(self, day: int) -> None:
        if day < self._newest_law:
            self._laws = {known: law for known, law in self._laws.items() if known <= day}
            self._newest_law = max(self._laws, default=0)

    def law(self, day: int) -> Law | None:
        """Fit what the changes before that day give for it; None while too few are known."""
        if day not in self._laws:
            self._laws[day] = self._fit(day)
            self._newest_law = max(self._newest_law, day)
        return self._laws[day]

    def _fit(self, day: int) -> Law | None:
        end = bisect_left(self._days, day)
        window = self._days[max(0, end - WINDOW) : end]
        if len(window) < FEWEST:
            return None
        steps = [self._steps[d] for d in reversed(window)]
        weights = FADED[: len(steps)]
        weight = sum(weights)
        mean = (sum(map(mul, weights, steps)) + 0.5) / (weight + 1)
        excess = sum(map(mul, weights, ((x - mean) ** 2 for x in steps))) / weight - mean
        dispersion = (excess / mean**2 * weight + DISPERSION * DISPERSION_WEIGHT) / (weight + DISPERSION_WEIGHT)
        tail = self._exceptions / (len(self._exceptional) + TAIL_WEIGHT)
        return Law(mean, 1 / max(LEAST_DISPERSION, dispersion), step=self._step, tail=tail)


FADED = [FADING**age for age in range(WINDOW)]
