"""The pace of a series: how probable a change is, judged from the changes before it."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass
from math import exp, lgamma, log
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.metrics import Metric

WINDOW = 56  # changes that are looked at: eight weeks, the baseline that is usual for these series
FADING = 0.5 ** (1 / 14)  # a change counts half after two weeks: predicts these series best of 7, 14 and 28 days
FEWEST = 14  # changes below which a series has no pace yet
DISPERSION = 1 / 3  # of a series of which little is known: variance = mean + mean²/3, ...
DISPERSION_WEIGHT = 3.0  # ... counted like this many days of evidence
TAIL = 0.03  # days that are no ordinary days (mass attacks, recounts, catching up) ...
TAIL_POWER = 2.5  # ... and how fast their size thins out: 32 of 13,660 days move by more than eight times the mean
FALL = 6e-4  # cells in which a total really falls: nine in 14,000
OFF_STEP = 2e-3  # a number that is no multiple of the step: three of 1,626 personnel figures


@dataclass(frozen=True, slots=True)
class Law:
    """The distribution of one day's change: a negative binomial with a heavy tail, in steps of the metric."""

    mean: float
    size: float  # of the negative binomial: variance = mean + mean²/size
    step: int

    def p(self, change: int, days: int = 1) -> float:
        """Probability of a change over so many days."""
        on_step, off = (change // self.step, change % self.step)
        grid = OFF_STEP / self.step if off else 1.0
        mean, size = self.mean * days, self.size * days
        tail = (TAIL_POWER - 1) / (1 + mean)
        if on_step < 0:
            return grid * FALL * days * tail * (1 - on_step / (1 + mean)) ** -TAIL_POWER
        ordinary = exp(
            lgamma(on_step + size)
            - lgamma(size)
            - lgamma(on_step + 1)
            + size * log(size / (size + mean))
            + on_step * log(mean / (size + mean))
        )
        return grid * ((1 - TAIL) * ordinary + TAIL * tail * (1 + on_step / (1 + mean)) ** -TAIL_POWER)

    def reach(self, days: int = 1) -> int:
        """A change that no ordinary day exceeds."""
        mean = self.mean * days
        return int(self.step * (mean + 12 * (mean + mean * mean / (self.size * days)) ** 0.5 + 12))


class Pace:
    """The believed daily changes of one series, and the law that they give for any day."""

    def __init__(self, metric: Metric) -> None:
        self._step = metric.step
        self._days: list[int] = []  # ordinals, ascending
        self._changes: dict[int, int] = {}
        self._laws: dict[int, Law | None] = {}
        self._newest_law = 0

    def learn(self, day: int, change: int) -> None:
        """Believe a change of a day, in place of what was believed of it."""
        if self._changes.get(day) == change:
            return
        if day not in self._changes:
            insort(self._days, day)
        self._changes[day] = change
        self._forget_laws_after(day)

    def forget(self, day: int) -> None:
        """Leave a day out: a number that it rests on is in doubt."""
        if self._changes.pop(day, None) is not None:
            self._days.remove(day)
            self._forget_laws_after(day)

    def _forget_laws_after(self, day: int) -> None:
        if day < self._newest_law:
            self._laws = {known: law for known, law in self._laws.items() if known <= day}
            self._newest_law = max(self._laws, default=0)

    def law(self, day: int) -> Law | None:
        """What the changes before that day give for it; None while too few are known."""
        if day not in self._laws:
            self._laws[day] = self._fit(day)
            self._newest_law = max(self._newest_law, day)
        return self._laws[day]

    def _fit(self, day: int) -> Law | None:
        end = bisect_left(self._days, day)
        window = self._days[max(0, end - WINDOW) : end]
        if len(window) < FEWEST:
            return None
        weight = total = 0.0
        fade = 1.0
        steps = [max(0, self._changes[d]) / self._step for d in reversed(window)]
        weights = []
        for x in steps:
            weights.append(fade)
            weight += fade
            total += fade * x
            fade *= FADING
        mean = (total + 0.5) / (weight + 1)
        excess = sum(w * (x - mean) ** 2 for w, x in zip(weights, steps, strict=True)) / weight - mean
        dispersion = (excess / mean**2 * weight + DISPERSION * DISPERSION_WEIGHT) / (weight + DISPERSION_WEIGHT)
        return Law(mean, 1 / max(0.02, dispersion), self._step)
