"""The daily changes behind a chart, and what is usual among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from scheduler.mails.view import Series

WINDOW = 60
"""Report days that a mail's chart shows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """How one day moved the total."""

    day: date
    change: int  # by the totals where both days are known, else as printed
    printed: int | None
    flagged: bool


def changes(series: Series, window: int = WINDOW) -> tuple[Change, ...]:
    """Return the changes of the last report days; a day that nobody can know the change of is left out."""
    totals = {point.day: point.total for point in series.points}
    told = []
    for point in series.points[-window:]:
        before = totals.get(point.day - timedelta(days=1))
        moved = None if before is None or point.total is None else point.total - before
        change = point.daily if moved is None else moved
        if change is not None:
            flagged = point.day in series.flagged
            told.append(Change(day=point.day, change=change, printed=point.daily, flagged=flagged))
    return tuple(told)


def usual(told: Sequence[Change]) -> tuple[int, int]:
    """Return the bounds that four in five of the ordinary days keep."""
    ordinary = sorted(change.change for change in told if not change.flagged) or [0]
    tenth = len(ordinary) // 10
    return ordinary[tenth], ordinary[-1 - tenth]
