"""`contradiction.date`: the date in the report cannot be right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.records import KYIV
from scheduler.checks.finding import Suggestion

if TYPE_CHECKING:
    from scheduler.checks.book import Entry
    from scheduler.checks.case import Case
    from scheduler.checks.finding import Finding

KIND = "contradiction.date"


LONG_PAST = 28  # days behind the newest report from which today's totals show a wrong month or year


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
    return None


def _finding(case: Case, text: str) -> Finding:
    return case.finding(
        KIND,
        f"{case.said.metric} {case.total:,} {text}",
        expected=case.base.total if case.base else None,
        suggestion=Suggestion(field="total", value=None, diagnosis="unknown", evidence="the date, not the number"),
    )
