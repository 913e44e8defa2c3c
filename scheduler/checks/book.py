"""What has been said so far, in the order in which it became known: the memory of the judge."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelines.ledger import RANK
from scheduler.checks.pace import Law, Pace
from scheduler.checks.weigh import Anchor, Setting

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipelines.metrics import Metric
    from pipelines.records import Observation

LOOK_BACK = 14  # days over which a gap is bridged: beyond, the pace says too little about the sum


@dataclass(slots=True)
class Entry:
    """One source's latest word on one cell, and what is thought of it."""

    said: Observation
    doubt: float = 0.0  # share of the explanations by which its total is wrong
    proved: bool = False  # a printed change or an independent source confirms its total
    misdated: bool = False  # it belongs to another day: nothing is measured against it
    setting: Setting | None = None  # what it was weighed in
    anchors: tuple[Anchor, ...] = ()  # what the true total may be; its own total first while it is believed

    @property
    def total(self) -> int:
        """The stated total; entries without one are not kept."""
        if self.said.total is None:
            raise ValueError("an entry without a total")
        return self.said.total

    @property
    def day(self) -> int:
        """Ordinal of the report day."""
        return self.said.as_of.toordinal()

    @property
    def believed(self) -> bool:
        """Whether other numbers may be measured against it."""
        return not self.misdated and self.doubt < 0.5  # noqa: PLR2004 - more likely right than wrong


@dataclass(slots=True)
class Series:
    """One metric of one claimant: what each source says of each day, and the pace."""

    metric: Metric
    pace: Pace
    words: dict[int, dict[str, Entry]] = field(default_factory=dict)  # day -> source -> entry
    newest: int = 0

    def entry(self, day: int, source: str) -> Entry | None:
        """What a source says of a day."""
        words = self.words.get(day)
        return words.get(source) if words else None

    def lead(self, day: int) -> Entry | None:
        """The entry that the ledger follows: the best role, then the latest word; a doubted one only if alone."""
        words = self.words.get(day)
        if not words:
            return None
        if len(words) == 1:
            return next(iter(words.values()))
        return min(
            words.values(),
            key=lambda e: (not e.believed, RANK[e.said.role], -e.said.known_at.timestamp(), e.said.source),
        )

    def last_before(self, day: int, source: str) -> Entry | None:
        """The nearest earlier entry: the source's own, or the leading one where it has none or is in doubt."""
        for earlier in range(day - 1, day - 1 - LOOK_BACK, -1):
            words = self.words.get(earlier)
            if words:
                own = words.get(source)
                found = own if own is not None and own.believed else self.lead(earlier) or own
                if found is not None and not found.misdated:
                    return found
        return None

    def first_after(self, day: int, source: str) -> Entry | None:
        """The nearest later entry that is believed."""
        if day >= self.newest:
            return None
        for later in range(day + 1, min(day + 1 + LOOK_BACK, self.newest + 1)):
            own = self.entry(later, source)
            found = own if own is not None and own.believed else self.lead(later)
            if found is not None and found.believed:
                return found
        return None

    def law(self, day: int) -> tuple[Law, bool]:
        """The law of a day's change, and whether it was learned: a new series has only a vague one."""
        learned = self.pace.law(day)
        return (learned, True) if learned else (Law(10, 0.3, step=self.metric.step), False)


def others(words: Iterable[Entry], source: str) -> list[Entry]:
    """The entries of the other sources for the same cell."""
    return [e for e in words if e.said.source != source and not e.misdated]
