"""`contradiction.decrease`: a cumulative total is below an earlier one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scheduler.checks.finding import Suggestion

if TYPE_CHECKING:
    from pipelines.records import Observation
    from scheduler.checks.case import Case
    from scheduler.checks.finding import Finding

KIND = "contradiction.decrease"


def check(case: Case) -> Finding | None:
    """Tell of a fall, and whether it is a typo of today, one of yesterday, or a correction by the publisher."""
    if case.base is None or not case.falls:
        return None
    before = case.base.total
    text = f"{case.said.metric} fell from {before:,} to {case.total:,} on {case.said.as_of}"
    typo, earlier, right = case.weighing.share_of("total"), case.weighing.share_of("previous"), case.weighing.right
    if earlier > max(typo, right):
        return case.finding(
            KIND,
            f"{text}: the earlier number is probably the wrong one",
            observed=before,
            expected=case.total,
            suggestion=case.suggest("previous"),
            blamed=case.base.said,
        )
    if typo >= right:
        return case.finding(
            KIND, f"{text}: probably a typo", severity="critical", expected=before, suggestion=case.suggest("total")
        )
    correction = Suggestion(field="total", value=None, diagnosis="correction", evidence=_why(case))
    return case.finding(
        KIND, f"{text}: probably a correction by the publisher", expected=before, suggestion=correction
    )


def _why(case: Case) -> str:
    if case.said.daily is not None and case.said.daily < 0:
        return f"the printed change is {case.said.daily:+,}"
    if any(e.total == case.total for e in case.others):
        return "other sources say the same"
    return "no slip of the hand explains it better"


def corrected(fall: Finding, following: Observation) -> Finding:
    """Return later news of a fall that was taken for a typo: the next day continues from the lower number."""
    evidence = f"{following.source} continues from it on {following.as_of}"
    return replace(
        fall,
        ref=following.ref,
        known_at=following.known_at,
        severity="warning",
        suggestion=Suggestion(field="total", value=None, diagnosis="correction", evidence=evidence),
        message=f"{fall.metric} {fall.observed:,} on {fall.as_of} was a correction by the publisher: {evidence}",
    )
