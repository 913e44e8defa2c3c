"""`contradiction.stale`: yesterday's figures under today's date."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log
from typing import TYPE_CHECKING

from scheduler.checks.finding import Suggestion

if TYPE_CHECKING:
    from scheduler.checks.case import Case
    from scheduler.checks.finding import Finding

KIND = "contradiction.stale"
REPEATED = 1 / 500  # reports that are yesterday's as a whole
LEAST = 0.02  # of one unchanged total, however rare in its series: on a quiet day many stand still together


def check(case: Case) -> Finding | None:
    """Find an unchanged total in a series that always moves, unless the report says itself that nothing happened."""
    if case.said.role == "relay":
        return None  # a relay writes its text anew each day: it has no cell that it could forget to change
    if (
        case.said.daily is not None
        or not case.learned
        or case.base is None
        or not case.unchanged
        or not case.tell_slip("total")
    ):
        return None
    return finding(case, f"{case.said.metric} stays at {case.total:,} on {case.said.as_of}, though it moves every day")


def finding(case: Case, message: str) -> Finding:
    """Say that a total was carried over."""
    carried = Suggestion(field="total", value=None, diagnosis="carried_over", evidence="it is yesterday's number")
    return case.finding(KIND, message, expected=case.usual(), suggestion=carried)


@dataclass(slots=True)
class Report:
    """What one report has repeated of the day before so far."""

    log_odds: float = log(REPEATED)  # for the whole report being yesterday's
    unchanged: list[Case] = field(default_factory=list)
    moved: bool = False

    def add(self, case: Case) -> list[Case]:
        """Take in a number; give those that are now to be told as repeated."""
        if case.base is None or case.setting is None or not case.learned:
            return []
        repeats = case.unchanged and case.said.daily == case.base.said.daily
        if any(e.total == case.total for e in case.others):
            if repeats and case.said.daily:
                self.unchanged.append(case)  # the total is right; the change beside it is yesterday's
            return self._told()
        if not case.unchanged or case.said.daily not in {None, case.base.said.daily}:
            self.moved = True
            return []
        if case.said.daily != 0:
            self.log_odds -= log(max(case.setting.follows(case.total), LEAST))
        self.unchanged.append(case)
        return self._told()

    def _told(self) -> list[Case]:
        if self.moved or self.log_odds < 0:
            return []
        told, self.unchanged = self.unchanged, []
        return told
