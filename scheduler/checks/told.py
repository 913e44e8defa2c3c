"""What has been told and still holds: one cell has one finding, later news of it replace what was said."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from scheduler.checks.finding import Finding, Resolution

if TYPE_CHECKING:
    from collections.abc import Iterator


Cell = tuple[str, str, date]  # claimant, metric, as_of
Said = Finding | Resolution


class Told:
    """The findings that are open."""

    def __init__(self) -> None:
        self._open: dict[Cell, Finding] = {}

    def of(self, cell: Cell) -> Finding | None:
        """Return what is said of a cell now."""
        return self._open.get(cell)

    def tell(self, finding: Finding) -> Iterator[Said]:
        """Say something of a cell, unless it has been said; a finding of another incident ends the one before it."""
        cell = finding.cell
        old = self._open.get(cell)
        if old is not None and old.key == finding.key and _content(old) == _content(finding):
            return
        if old is not None and old.whole and old.source == finding.source:
            return  # what is wrong with the whole report is not told again of each of its numbers
        if old is not None and old.key != finding.key:
            message = f"told as {finding.kind}{' of the whole report' if finding.whole else ''} from now on"
            yield Resolution(
                key=old.key, ref=finding.ref, known_at=finding.known_at, message=message, superseded=not old.whole
            )
        self._open[cell] = finding
        yield finding

    def end(self, cell: Cell, ref: int, known_at: datetime, message: str) -> Iterator[Said]:
        """Say that what was found of a cell has ended; of a whole report, when its last number has."""
        old = self._open.pop(cell, None)
        if old is not None and not (old.whole and any(other.key == old.key for other in self._open.values())):
            yield Resolution(key=old.key, ref=ref, known_at=known_at, message=message)


def _content(finding: Finding) -> tuple[object, ...]:
    """Return what makes a later finding of the same cell news: not that somebody repeats the number that is blamed."""
    suggestion = finding.suggestion
    told = (suggestion.field, suggestion.value, suggestion.diagnosis) if suggestion else None
    return finding.observed, finding.severity, told
