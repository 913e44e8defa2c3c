"""Weighing what a new number says: that it is right, that it is a slip, or that the one before it was.

Everything here is probability by arithmetic: the pace of the series says how likely a change is, the table of
slips how likely a number is to be miscopied as another, other sources how likely each value is to be repeated.
No threshold stands in this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from scheduler.checks import slips

if TYPE_CHECKING:
    from collections.abc import Callable

    from scheduler.checks.finding import Diagnosis
    from scheduler.checks.pace import Law

SLIP_RATE = {"official": 0.001, "relay": 0.001, "mirror": 0.005, "rival": 0.005}
"""Numbers that are miscopied, by role: 75 of 14,000 in the mirrors. An official post contradicts itself in 0.17 %
of its pairs, and most of those are recounts."""

RECOUNT = 3e-5  # before the report shows another one: 28 days in three years, most with several categories at once
WORTH_WEIGHING = 0.1  # below this share, a slip is neither told nor remembered
PROVED = 0.01  # what remains of the slip rate where a printed change or another source confirmed the number

Number = Literal["total", "daily", "previous"]
Astray: TypeAlias = "Callable[[int], float]"
"""Gives the probability of a total as the next one of another row of the same source."""


def never(_total: int) -> float:
    """Say that no total comes from another row."""
    return 0.0


@dataclass(frozen=True, slots=True)
class Anchor:
    """What an earlier total may truly have been."""

    total: int
    day: int  # ordinal
    weight: float


@dataclass(frozen=True, slots=True)
class Meant:
    """A number that may have been meant where another was stated, with its share among all explanations."""

    number: Number
    value: int | None  # None: a slip, but nothing singles a value out
    diagnosis: Diagnosis
    share: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """What is known around one total, apart from the number itself."""

    day: int
    law: Law
    before: tuple[Anchor, ...] = ()  # what the total was last, weights adding up to one; empty: not known
    after: tuple[int, int] | None = None  # (total, day) already known of a later day
    rows: tuple[int, ...] = ()  # other totals of the same report: a slip of the row lands on one of them
    recount: float = RECOUNT  # rate of totals that the publisher corrects
    others: tuple[tuple[int, float], ...] = ()  # (total, slip rate) of each independent source on this cell

    def fit(self, total: int) -> float:
        """How well a total sits between its neighbours and with what other sources say."""
        return self.repeated(total) * self.follows(total) * self.precedes(total)

    def follows(self, total: int) -> float:
        """Give the probability of the change from the last total to this one."""
        if not self.before:
            return 1.0
        if len(self.before) == 1:
            last = self.before[0]
            return self.law.p(total - last.total, self.day - last.day)
        return sum(a.weight * self.law.p(total - a.total, self.day - a.day) for a in self.before)

    def precedes(self, total: int) -> float:
        """Give the probability of the change from this total to the next one that is known."""
        return 1.0 if self.after is None else self.law.p(self.after[0] - total, self.after[1] - self.day)

    def repeated(self, total: int) -> float:
        """How probable it is that the other sources say what they say if this is the total."""
        p = 1.0
        for said, rate in self.others:
            p *= 1 - rate if said == total else rate * self.slip(said, total)[0]
        return p

    @property
    def last(self) -> Anchor | None:
        """What the total most probably was before."""
        return max(self.before, key=lambda a: a.weight) if self.before else None

    def slip(self, wrong: int, right: int) -> slips.Slip:
        """Give the probability of `wrong` if somebody meant `right`, with the rows around it in sight."""
        last = self.last
        found = slips.likelihood(wrong, right, last.total if last else None)
        if last is not None and wrong == last.total:
            return max(found, (slips.CARRIED_OVER, "carried_over"))
        if wrong in self.rows:
            return max(found, (slips.OTHER_ROW / len(self.rows), "other_row"))
        return found

    def meant(self, stated: int, astray: Astray = never) -> list[tuple[int | None, float, Diagnosis]]:
        """List what may have been meant by a stated total, with the joint weight of slip and fit."""
        found: dict[int | None, slips.Slip] = {}
        last = self.last
        if last is not None and not self.others:
            high = max(a.total + self.law.reach(self.day - a.day) for a in self.before)
            low = min(a.total for a in self.before)
            for right, p, how in slips.meant(stated, low, high, last.total, self.law.step):
                found[right] = p * self.fit(right), how
        for right in {said for said, _ in self.others} - {stated}:
            p, how = self.slip(stated, right)
            found[right] = p * self.fit(right), how
        if last is not None and not self.others:
            found[None] = self._anything(stated, last, astray)
        return [(right, p, how) for right, (p, how) in found.items()]

    def _anything(self, stated: int, last: Anchor, astray: Astray) -> slips.Slip:
        """Weigh all slips that do not tell which value was meant."""
        later = 1.0 if self.after is None else self.law.p(self.after[0] - last.total, self.after[1] - last.day)
        if stated == last.total:
            return slips.CARRIED_OVER * later * (1 - self.law.p(0, self.day - last.day)), "carried_over"
        row = 1 / len(self.rows) if stated in self.rows else astray(stated)
        anything: slips.Slip = slips.ANYTHING / (9 * 10 ** (len(str(abs(stated))) - 1)) * later, "unknown"
        return max(anything, (slips.OTHER_ROW * row * later, "other_row"))


@dataclass(frozen=True, slots=True)
class Weighing:
    """The explanations of an arrival and their shares, which add up to one together with `right`."""

    right: float
    meant: tuple[Meant, ...] = ()  # largest share first

    def share_of(self, number: Number) -> float:
        """How much speaks for one of the numbers being wrong."""
        return sum(m.share for m in self.meant if m.number == number)

    def best(self, number: Number) -> Meant | None:
        """Return what was most probably meant by that number."""
        return next((m for m in self.meant if m.number == number), None)


Weights = list[tuple[Number, int | None, float, "Diagnosis"]]


def shares(right: float, weights: Weights) -> Weighing:
    """Scale joint weights to shares."""
    whole = right + sum(w for _, _, w, _ in weights) or 1e-300
    meant = sorted((Meant(n, v, d, w / whole) for n, v, w, d in weights), key=lambda m: (-m.share, str(m.value)))
    return Weighing(right / whole, tuple(meant))


Previous = tuple[int, Setting, float]  # the total before, its own setting, its slip rate: it may be the wrong one


def weigh(
    total: int,
    change: int | None,
    setting: Setting | None,
    rate: float,
    previous: Previous | None,
    *,
    astray: Astray,
    learned: bool,
) -> Weighing:
    """Weigh a total, and the change printed beside it, against all that is known around it.

    Without a pace that was `learned` only arithmetic and other sources speak.
    """
    if setting is None:
        return RIGHT
    if change is not None and any(setting.day - a.day == 1 for a in setting.before):
        return _total_with_change(total, change, setting, rate, previous)
    if _usual(total, setting, rate, learned=learned):
        return RIGHT
    return _total_alone(total, setting, rate, previous, astray)


RIGHT = Weighing(1.0)


def _usual(total: int, setting: Setting, rate: float, *, learned: bool) -> bool:
    """Whether no slip can weigh enough to be worth a look: nearly always, and quickly said."""
    if setting.others:
        return all(said == total for said, _ in setting.others)
    last = setting.last
    if last is None:
        return True
    if total < last.total:
        return False
    most = slips.CARRIED_OVER if total == last.total else slips.DIGIT_KEPT
    return not learned or min(setting.follows(total), setting.precedes(total)) > rate * most / WORTH_WEIGHING


def _total_alone(stated: int, setting: Setting, rate: float, previous: Previous | None, astray: Astray) -> Weighing:
    """Weigh a total beside which no change is printed.

    `previous` is the total before it with its own setting and slip rate: it may be the wrong one of the two.
    """
    right = setting.fit(stated)
    weights: Weights = [("total", v, rate * p, d) for v, p, d in setting.meant(stated, astray)]
    if previous is not None and setting.after is None:
        weights += _previous(stated, setting, previous)
    return shares(right, weights)


def _previous(stated: int, setting: Setting, previous: Previous) -> Weights:
    value, past, rate = previous
    as_it_was = past.fit(value)
    if as_it_was <= 0:
        return []
    now = Setting(
        day=past.day, law=past.law, before=past.before, after=(stated, setting.day), rows=past.rows, others=past.others
    )
    scale = rate / as_it_was * setting.repeated(stated)
    return [("previous", v, p * scale, d) for v, p, d in now.meant(value)]


def _total_with_change(stated: int, change: int, setting: Setting, rate: float, previous: Previous | None) -> Weighing:
    """Weigh a total and the change printed beside it: total − previous total should be the change."""
    law, yesterday = setting.law, [a for a in setting.before if setting.day - a.day == 1]
    right = sum(a.weight * law.p(change) for a in yesterday if stated - a.total == change) * setting.repeated(stated)
    weights: Weights = []
    for a in yesterday:
        implied, meant = stated - a.total, a.total + change
        if implied == change:
            continue
        p, diagnosis = setting.slip(stated, meant)
        weights.append(("total", meant, rate * a.weight * p * law.p(change) * setting.repeated(meant), diagnosis))
        p, diagnosis = slips.likelihood(change, implied)
        weights.append(("daily", implied, rate * a.weight * p * law.p(implied) * setting.repeated(stated), diagnosis))
        recount = setting.recount * a.weight * law.p(change) * law.p(abs(implied - change)) * setting.repeated(stated)
        weights.append(("total", None, recount, "correction"))
    if previous is not None and right == 0:
        weights += _previous_by_change(stated, change, setting, previous)
    return shares(right, weights)


def _previous_by_change(stated: int, change: int, setting: Setting, previous: Previous) -> Weights:
    value, past, rate = previous
    as_it_was, meant = past.fit(value), stated - change
    if as_it_was <= 0 or meant == value:
        return []
    p, diagnosis = past.slip(value, meant)
    weight = rate * p * past.fit(meant) / as_it_was * setting.law.p(change) * setting.repeated(stated)
    return [("previous", meant, weight, diagnosis)]
