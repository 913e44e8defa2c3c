"""`contradiction.increment`: total − previous total is not the change printed beside it, or is no change at all
that this series makes, while a small slip explains it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scheduler.checks.case import Case
    from scheduler.checks.finding import Finding

KIND = "contradiction.increment"


def check(case: Case) -> Finding | None:
    """Compare a total with the change printed beside it: which of the three numbers is wrong?"""
    change, printed = case.change, case.said.daily
    if case.base is None or change is None or printed is None or not case.arithmetic_fails:
        return None
    best = case.weighing.meant[0] if case.weighing.meant else None
    number = best.number if best else "total"
    tail = f"{case.said.metric} {case.total:,} on {case.said.as_of} is {change:+,} from {case.base.total:,}, printed {printed:+,}"
    if number == "previous":
        meant = case.total - printed
        return case.finding(
            KIND,
            f"{tail}: the total of the day before should have been {meant:,}",
            expected=meant,
            suggestion=case.suggest("previous"),
            blamed=case.base.said,
        )
    if number == "daily":
        return case.finding(
            KIND,
            f"{tail}: {case.doubt_between('daily')}",
            observed=printed,
            expected=change,
            suggestion=case.suggest("daily"),
        )
    return case.finding(
        KIND,
        f"{tail}: {case.doubt_between('total')}",
        expected=case.base.total + printed,
        suggestion=case.suggest("total"),
    )


def jump(case: Case) -> Finding | None:
    """A change far beyond the pace that one small slip explains better than a real event."""
    if not case.learned or case.base is None or not case.tell_slip("total"):
        return None
    suggestion = case.suggest("total")
    meant = f", meant is probably {suggestion.value:,}" if suggestion and suggestion.value is not None else ""
    return case.finding(
        KIND,
        f"{case.said.metric} {case.total:,} on {case.said.as_of} does not follow {case.base.total:,}{meant}",
        expected=suggestion.value if suggestion and suggestion.value is not None else case.usual(),
        suggestion=suggestion,
    )


def yesterday(case: Case) -> Finding | None:
    """A number that shows the one before it to be wrong."""
    if not case.learned or case.base is None or not case.tell_slip("previous"):
        return None
    suggestion = case.suggest("previous")
    meant = f", meant was probably {suggestion.value:,}" if suggestion and suggestion.value is not None else ""
    said = case.base.said
    return case.finding(
        KIND,
        f"{said.metric} {case.base.total:,} on {said.as_of} does not fit the {case.total:,} that follows{meant}",
        expected=suggestion.value if suggestion and suggestion.value is not None else None,
        suggestion=suggestion,
        blamed=said,
    )
