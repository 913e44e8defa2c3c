"""What has been said so far, in the order in which it became known: the memory of the judge."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelines.ledger import RANK
from scheduler.checks.milestone import Milestones
from scheduler.checks.pace import Law, Pace
from scheduler.checks.weigh import PROVED, SLIP_RATE, Anchor, Meant, Setting

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from pipelines.metrics import Metric
    from pipelines.records import Observation

DOUBTED = 0.2  # doubt from which a number stays out of every baseline: the same at which a person is asked
LOOK_BACK = 14  # days over which a gap is bridged: beyond, the pace says too little about the sum


@dataclass(slots=True)
class Entry:
    """One source's latest word on one cell, and what is thought of it."""

    said: Observation
    total: int
    day: int  # ordinal of the report day
    doubt: float = 0.0  # share of the explanations by which its total is wrong
    proved: bool = False  # a printed change or an independent source confirms its total
    misdated: bool = False  # it belongs to another day: nothing is measured against it
    setting: Setting | None = None  # what it was weighed in
    anchors: tuple[Anchor, ...] = ()  # what the true total may be, weights adding up to one

    @property
    def cell(self) -> tuple[str, str, date]:
        """(claimant, metric, as_of)."""
        return self.said.claimant, self.said.metric, self.said.as_of

    @property
    def believed(self) -> bool:
        """Whether it is more likely right than wrong."""
        return not self.misdated and self.doubt < 0.5  # noqa: PLR2004 - that

    @property
    def sound(self) -> bool:
        """Whether it may stand in a baseline."""
        return not self.misdated and self.doubt < DOUBTED

    def weighed(self) -> tuple[int, Setting, float] | None:
        """Return it for another weighing, with its setting and slip rate; None when it is in doubt already."""
        if self.setting is None or not self.setting.before or len(self.anchors) != 1:
            return None
        return self.total, self.setting, SLIP_RATE[self.said.role] * (PROVED if self.proved else 1)

    def disbelieve(self) -> None:
        """Take it for wrong, with nothing known in its place but the day before."""
        self.doubt = 0.9
        last = self.setting.last if self.setting else None
        if last is not None:
            self.anchors = (Anchor(last.total, last.day, 0.9), Anchor(self.total, self.day, 0.1))

    def compare(self, other: Entry) -> None:
        """Let a believed word of another source on the same cell confirm this one or take its place."""
        if other.total == self.total:
            self.doubt, self.proved = min(self.doubt, other.doubt), True
            self.anchors = (Anchor(self.total, self.day, 1.0),)
        elif self.doubt < 1 - other.doubt:
            self.doubt = 1 - other.doubt
            self.anchors = (Anchor(other.total, self.day, self.doubt), Anchor(self.total, self.day, other.doubt))

    def blame(self, meant: Meant | None, share: float) -> None:
        """Take it for wrong because of what came after it."""
        self.doubt = share
        if meant is not None and meant.value is not None:
            self.anchors = (Anchor(meant.value, self.day, share), Anchor(self.total, self.day, 1 - share))

    def weigh_again(self, following: int, change: int | None, setting: Setting) -> None:
        """Let the total of a later day, and the change printed beside it, say which of its values was true."""
        weights = [a.weight * setting.law.p(following - a.total, setting.day - a.day) for a in self.anchors]
        if change is not None:
            exact = [
                w if a.day == setting.day - 1 and a.total + change == following else 0.0
                for w, a in zip(weights, self.anchors, strict=True)
            ]
            weights = exact if any(exact) else weights
        whole = sum(weights)
        if whole > 0:
            pairs = zip(self.anchors, weights, strict=True)
            self.anchors = heaviest_first(Anchor(a.total, a.day, w / whole) for a, w in pairs)
            self.doubt = 1 - sum(a.weight for a in self.anchors if (a.total, a.day) == (self.total, self.day))


def heaviest_first(anchors: Iterable[Anchor]) -> tuple[Anchor, ...]:
    """Order what a total may be."""
    return tuple(sorted(anchors, key=lambda a: -a.weight))


@dataclass(slots=True)
class Series:
    """One metric of one claimant: what each source says of each day, and the pace."""

    metric: Metric
    pace: Pace
    words: dict[int, dict[str, Entry]] = field(default_factory=dict)  # day -> source -> entry
    newest: int = 0
    followed: set[int] = field(default_factory=set)  # days whose change the trend has seen
    milestones: Milestones = field(default_factory=Milestones)

    def keep(self, entry: Entry) -> None:
        """Keep the latest word of a source, and let it settle what is thought of the other words on the cell."""
        words = self.words.setdefault(entry.day, {})
        words[entry.said.source] = entry
        if entry.believed and len(words) > 1:
            for other in independent(words, entry.said.source):
                other.compare(entry)
        self.newest = max(self.newest, entry.day)

    def let_go(self, since: int) -> None:
        """Forget the words on earlier days."""
        self.words = {day: words for day, words in self.words.items() if day >= since}
        self.followed = {day for day in self.followed if day >= since}
        self.pace.let_go(since)

    def entry(self, day: int, source: str) -> Entry | None:
        """Return what a source says of a day."""
        words = self.words.get(day)
        return words.get(source) if words else None

    def lead(self, day: int) -> Entry | None:
        """Return the entry to follow: the best role, then the latest word; a doubted one only if alone."""
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
        """Return the nearest earlier entry: the source's own, or the leading one where it has none or is in doubt."""
        for earlier in range(day - 1, day - 1 - LOOK_BACK, -1):
            words = self.words.get(earlier)
            if words:
                own = words.get(source)
                found = own if own is not None and own.believed else self.lead(earlier) or own
                if found is not None and not found.misdated:
                    return found
        return None

    def first_after(self, day: int, source: str) -> Entry | None:
        """Return the nearest later entry that is believed."""
        if day >= self.newest:
            return None
        for later in range(day + 1, min(day + 1 + LOOK_BACK, self.newest + 1)):
            own = self.entry(later, source)
            found = own if own is not None and own.believed else self.lead(later)
            if found is not None and found.believed:
                return found
        return None

    def law(self, day: int) -> Law:
        """Give the law of a day's change; a new series has only a vague one."""
        return self.pace.law(day) or Law(10, 0.3, step=self.metric.step)


def independent(words: Mapping[str, Entry] | None, source: str) -> list[Entry]:
    """Return the entries of the other sources for the same cell."""
    return [e for e in (words or {}).values() if e.said.source != source and not e.misdated]
