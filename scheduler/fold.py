"""The judge with everything that it was fed, for as long as somebody may still speak of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from pipelines.observations import Sayings
from scheduler.checks.book import LOOK_BACK
from scheduler.checks.finding import Ruling
from scheduler.checks.judge import Judge
from scheduler.clock import kyiv_day
from scheduler.episodes import Episodes, Key

Row = Mapping[str, Any]
Position = tuple[Any, ...]
Verdicts = dict[Key, Ruling]

NEAR = timedelta(days=LOOK_BACK + 2)
"""So far back the judge looks from the day that a claim speaks of."""

KEPT = timedelta(days=7) + NEAR
"""Days that stay in memory: publishers edit within hours, and whoever edits an older report costs one whole fold."""


@dataclass(slots=True, kw_only=True)
class Fold:
    """The judge as a deterministic fold over observations in order of knowledge, without the days that are let go.

    Letting go changes no judgement: what speaks of a day so old does not continue the fold.
    """

    judge: Judge
    verdicts: Verdicts
    generation: int = -1  # of the ledger when it was last judged with this fold
    last: Position | None = None
    fed: dict[date, set[int]] = field(default_factory=dict)  # ids of claims by the day that they speak of
    sayings: Sayings = field(default_factory=Sayings)
    episodes: Episodes = field(default_factory=Episodes)
    since: date = date.min  # the first day that is remembered

    def take(self, rows: list[dict[str, Any]]) -> set[Key]:
        """Feed rows of the query `observations`; return the keys that something new was said of."""
        touched: set[Key] = set()
        for observation in self.sayings.observations(rows):
            touched |= self.episodes.take(self.judge.feed(observation))
        for row in rows:
            self.fed.setdefault(row["as_of"], set()).add(row["ref"])
        if rows:
            self.last = position(rows[-1])
        return touched

    def continues(self, rows: list[dict[str, Any]]) -> bool:
        """Whether rows follow on what was fed: none of them earlier, none fed before, none of a day let go."""
        later = not rows or self.last is None or position(rows[0]) > self.last
        return later and all(
            row["as_of"] >= self.since + NEAR and row["ref"] not in self.fed.get(row["as_of"], ()) for row in rows
        )

    def begins_a_day(self, rows: list[dict[str, Any]]) -> bool:
        """Whether rows that follow are known on a later Kyiv day than all before them."""
        return bool(rows) and self.last is not None and kyiv_day(rows[0]["known_at"]) > kyiv_day(self.last[0])

    def heed(self, verdicts: Verdicts) -> bool:
        """Take what people say now, if nothing was fed yet that it is about; return whether that is so."""
        changed = [
            key[3] for key in verdicts.keys() | self.verdicts.keys() if verdicts.get(key) != self.verdicts.get(key)
        ]
        if changed and max(self.fed, default=date.min) >= min(changed):
            return False
        self.verdicts = verdicts
        self.judge.rule(verdicts)
        return True

    def let_go(self, awaited: date = date.max) -> None:
        """Forget the days that are long over, but for those around the first day that is still `awaited`."""
        if self.last is None:
            return
        since = kyiv_day(self.last[0]) - KEPT
        if awaited < date.max:
            since = min(since, awaited - NEAR)
        if since > self.since:
            self.since = since
            self.judge.let_go(since)
            self.sayings.let_go(since)
            self.fed = {day: refs for day, refs in self.fed.items() if day >= since}


def position(row: Row) -> Position:
    """Return the place of a claim in the order of knowledge: the ORDER BY of the query `observations`."""
    return row["known_at"], row["source"], row["document"], row["ref"]
