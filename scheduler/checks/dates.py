"""`contradiction.date`: the date in the report cannot be right."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pipelines.records import KYIV
from scheduler.checks.finding import Suggestion

if TYPE_CHECKING:
    from scheduler.checks.book import Entry
    from scheduler.checks.case import Case
    from scheduler.checks.finding import Finding

KIND = "contradiction.date"


LONG_PAST = 28  # days behind the newest report from which today's totals show a wrong month or year
FEWEST = 3  # numbers of a report that those of the next day replace: one or two are corrections


def check(case: Case, head: Entry | None) -> Finding | None:
    """Find a day that has not come, or a long past one that is given the totals of today.

    A total that is the same on both days is right under either date, and nothing is said of it.
    `head` is the newest entry of this source.
    """
    today = case.said.known_at.astimezone(KYIV).date()
    if case.said.as_of > today:
        if case.base is not None and case.total == case.base.total:
            return None
        return _finding(case, f"is dated {case.said.as_of}, {(case.said.as_of - today).days} days ahead of {today}")
    if head is not None and case.setting is not None and case.setting.after is not None:
        long_past = head.day - case.setting.day > LONG_PAST
        if long_past and case.total >= head.total and case.total > case.setting.after[0]:
            return _finding(case, f"is dated {case.said.as_of}, but belongs after {head.total:,} of {head.said.as_of}")
    if case.said.daily and _continues(case) and case.arithmetic_fails:
        return day_late(case)
    return None


def day_late(case: Case) -> Finding:
    """Say that a number belongs to the day after the one that it is given to."""
    old = case.earlier.total if case.earlier else None
    return replace(_finding(case, f"is dated {case.said.as_of}, but continues from {old:,} of that day"), expected=old)


def _continues(case: Case) -> bool:
    """Whether a number replaces what the source said of the day by what it would say on the next one."""
    old, said = case.earlier, case.said
    if old is None or old.total is None or case.setting is None or case.total <= old.total:
        return False
    change = case.total - old.total
    late = said.known_at.astimezone(KYIV).date() > said.as_of
    moved = case.base is not None and old.total > case.base.total  # else it was yesterday's, and is put right now
    return late and moved and change <= case.setting.law.reach() and said.daily in {None, change}


@dataclass(slots=True)
class Replaced:
    """The numbers of one report that the figures of the next day have replaced so far."""

    cases: list[Case] = field(default_factory=list)
    count: int = 0

    def add(self, case: Case, moving: int) -> list[Case]:
        """Take in a number; give those that are now to be told. `moving`: numbers that moved on the day itself."""
        if not _continues(case):
            return []
        self.cases.append(case)
        self.count += 1
        if self.count < FEWEST or 2 * self.count <= moving:
            return []
        told, self.cases = self.cases, []
        return told


def _finding(case: Case, text: str) -> Finding:
    return case.finding(
        KIND,
        f"{case.said.metric} {case.total:,} {text}",
        expected=case.base.total if case.base else None,
        suggestion=Suggestion(field="total", value=None, diagnosis="unknown", evidence="the date, not the number"),
    )
