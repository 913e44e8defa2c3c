"""The judge with everything that it was fed, for as long as somebody may still speak of it."""

from __future__ import annotations

import gc
import pickle
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
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

MARKS = 3
"""Days over whose end an arrival may go back without the whole history: mirrors are late by hours."""


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


@dataclass(slots=True, kw_only=True)
class Mark:
    """A fold as it stood before a day's first report, and the versions that were judged since."""

    before: date  # Kyiv day of that report
    kept: bytes
    versions: set[int] = field(default_factory=set)


class Marks:
    """Places to go back to when something arrives that others should have known before: the last few mornings."""

    def __init__(self) -> None:
        self.of: deque[Mark] = deque(maxlen=MARKS)

    def put(self, fold: Fold, rows: list[dict[str, Any]]) -> None:
        """Keep a fold to which rows are to be fed, if they begin a day."""
        if not rows or fold.last is None:
            return
        day = kyiv_day(rows[0]["known_at"])
        if day > kyiv_day(fold.last[0]):
            self.of.append(Mark(before=day, kept=pickle.dumps(fold, pickle.HIGHEST_PROTOCOL)))

    def judged(self, versions: Iterable[int]) -> None:
        """Note what was judged since."""
        for mark in self.of:
            mark.versions.update(versions)

    def back(self) -> tuple[Fold, set[int]] | None:
        """Go back to the last mark; return the fold and what was judged since. None: there is none."""
        if not self.of:
            return None
        mark = self.of[-1]
        with unswept():
            return pickle.loads(mark.kept), mark.versions  # noqa: S301 - our own, never out of this process


@contextmanager
def unswept() -> Iterator[None]:
    """Keep the garbage collector from looking through tens of thousands of objects while they are made."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def position(row: Row) -> Position:
    """Return the place of a claim in the order of knowledge: the ORDER BY of the query `observations`."""
    return row["known_at"], row["source"], row["document"], row["ref"]
