"""One arrival with everything that the checks may know of it: what was known until then, and nothing later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scheduler.checks.book import Entry, heaviest_first
from scheduler.checks.finding import Finding, Suggestion
from scheduler.checks.weigh import Anchor

if TYPE_CHECKING:
    from datetime import date

    from pipelines.records import Observation
    from scheduler.checks.finding import Severity
    from scheduler.checks.weigh import Number, Setting, Weighing

TELL = 0.2  # a number that is wrong with one chance in five is worth a look
SINGLED_OUT = 0.4  # a value is suggested when it is at least this share of what its slip could have meant, ...
NEGLIGIBLE = 0.02  # a doubt below it is no reason to keep other values of a number in mind
WORTH_NAMING = 0.3  # ... and this share of everything that could have happened


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """An arriving total, its surroundings and their weighing."""

    said: Observation
    total: int
    base: Entry | None  # the entry before it that it is measured against
    setting: Setting | None  # None: nothing is known around it
    weighing: Weighing
    learned: bool  # whether the series has a pace of its own yet
    others: tuple[Entry, ...]  # what other sources say of the cell, independent of this one
    earlier: Observation | None  # what this source said of the cell before

    @property
    def change(self) -> int | None:
        """What the total says of the day, when the day before is known."""
        if self.base is None or self.base.day != self.said.as_of.toordinal() - 1:
            return None
        return self.total - self.base.total

    @property
    def level(self) -> int | None:
        """What the last total most probably was."""
        last = self.setting.last if self.setting else None
        return last.total if last else None

    @property
    def falls(self) -> bool:
        """Whether the total is below the last one."""
        return self.base is not None and self.level is not None and self.total < min(self.level, self.base.total)

    @property
    def unchanged(self) -> bool:
        """Whether the total is what it was on the day before."""
        return self.change == 0 and self.level == self.total

    @property
    def arithmetic_fails(self) -> bool:
        """Whether no belief about the last total makes it, the printed change and this total agree."""
        if self.setting is None or self.said.daily is None:
            return False
        day = self.setting.day - 1
        return all(a.day != day or a.total + self.said.daily != self.total for a in self.setting.before)

    def tell_slip(self, number: Number) -> bool:
        """Whether a slip in that number explains so much that a person should look."""
        return self.weighing.share_of(number) >= TELL

    def suggest(self, number: Number) -> Suggestion | None:
        """Return what was probably meant by that number; a value only where the evidence singles one out."""
        best = self.weighing.best(number)
        if best is None:
            return None
        single = best.value is not None and best.share >= max(
            WORTH_NAMING, SINGLED_OUT * self.weighing.share_of(number)
        )
        return Suggestion(
            field="daily" if number == "daily" else "total",
            value=best.value if single else None,
            diagnosis=best.diagnosis if single or best.value is None else "unknown",
            evidence=f"explains {best.share:.0%} of what could have happened",
        )

    def doubt_between(self, number: Number) -> str:
        """Say which number is wrong, or that nothing tells them apart."""
        name = "the printed change" if number == "daily" else "the total"
        if self.weighing.share_of(number) >= SINGLED_OUT:
            return f"{name} is probably wrong"
        return f"nothing tells for certain which is wrong, {name} more likely"

    def entry(self, *, misdated: bool) -> Entry:
        """Return what is kept of the arrival, with what its total may truly be."""
        proved = self.said.daily is not None and self.change is not None and not self.arithmetic_fails
        return Entry(
            said=self.said,
            total=self.total,
            day=self.said.as_of.toordinal(),
            doubt=self.weighing.share_of("total"),
            proved=proved or any(e.total == self.total for e in self.others),
            misdated=misdated,
            setting=self.setting,
            anchors=self._anchors(),
        )

    def _anchors(self) -> tuple[Anchor, ...]:
        """Say what the total may be: as stated, as most probably meant, or unknown since the day before."""
        day, doubt = self.said.as_of.toordinal(), self.weighing.share_of("total")
        if doubt < NEGLIGIBLE and not self.arithmetic_fails:
            return (Anchor(self.total, day, 1.0),)
        named = [m for m in self.weighing.meant if m.number == "total" and m.value is not None][:3]
        found = [Anchor(self.total, day, 1 - doubt)]
        found += [Anchor(m.value, day, m.share) for m in named if m.value is not None]
        last, rest = self.setting.last if self.setting else None, doubt - sum(m.share for m in named)
        if last is not None and rest > 0:
            found.append(Anchor(last.total, last.day, rest))
        whole = sum(a.weight for a in found)
        return heaviest_first(Anchor(a.total, a.day, a.weight / whole) for a in found)

    def usual(self) -> int | None:
        """Return what the pace gives for the total."""
        if self.setting is None or self.base is None:
            return None
        days = self.setting.day - self.base.day
        return self.base.total + round(self.setting.law.mean * days) * self.setting.law.step

    def finding(
        self,
        kind: str,
        message: str,
        *,
        severity: Severity = "warning",
        observed: int | None = None,
        expected: int | None = None,
        suggestion: Suggestion | None = None,
        blamed: Observation | None = None,
        against: tuple[int, ...] = (),
    ) -> Finding:
        """Say something of this arrival, or of an earlier number that it shows to be wrong."""
        cell = blamed or self.said
        return Finding(
            kind=kind,
            claimant=cell.claimant,
            metric=cell.metric,
            as_of=cell.as_of,
            source=cell.source,
            ref=self.said.ref,
            known_at=self.said.known_at,
            severity=severity,
            group=group(cell.claimant, cell.as_of, cell.source),
            observed=cell.total if observed is None else observed,
            expected=expected,
            suggestion=suggestion,
            message=message,
            against=against,
        )


def group(claimant: str, as_of: date, source: str) -> str:
    """Name one report: its findings are told together."""
    return f"{claimant}/{as_of.isoformat()}/{source}"
