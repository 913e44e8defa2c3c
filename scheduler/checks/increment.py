"""`contradiction.increment`: total − previous total is not the change printed beside it.

Where no change is printed, the pace of the series stands in for it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scheduler.checks.case import Case, group
from scheduler.checks.finding import Finding, Suggestion
from scheduler.checks.slips import likelihood

if TYPE_CHECKING:
    from pipelines.records import Observation

KIND = "contradiction.increment"


def check(case: Case) -> Finding | None:
    """Compare a total with the change printed beside it, and say which of the three numbers is wrong."""
    change, printed = case.change, case.said.daily
    if case.base is None or change is None or printed is None or not case.arithmetic_fails:
        return None
    best = case.weighing.meant[0] if case.weighing.meant else None
    number = best.number if best else "total"
    tail = f"{case.said.metric} {case.total:,} on {case.said.as_of} is {change:+,}, printed {printed:+,}"
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
    """Find a change far beyond the pace that one small slip may explain."""
    if case.unchanged or case.said.daily is not None or not case.learned or case.base is None:
        return None
    if not case.tell_slip("total"):
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
    """Find a number that shows the one before it to be wrong."""
    if case.said.daily is not None or not case.learned or case.base is None or not case.tell_slip("previous"):
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


def reconsidered(told: Finding, meant: int, yesterday: Observation, following: Observation) -> Finding:
    """Return later news of a printed change that was blamed: the next day shows that the total was wrong."""
    evidence = f"{following.source} continues from {meant:,} on {following.as_of}"
    return replace(
        told,
        ref=following.ref,
        known_at=following.known_at,
        observed=yesterday.total,
        expected=meant,
        suggestion=Suggestion(
            field="total", value=meant, diagnosis=likelihood(yesterday.total or 0, meant)[1], evidence=evidence
        ),
        message=f"{told.metric} {yesterday.total:,} on {told.as_of} is wrong, not the change beside it: {evidence}",
    )


def alone(said: Observation, now: Observation, before: Observation) -> Finding | None:
    """Compare a printed change that comes without a total with the totals that are believed."""
    if said.daily is None or now.total is None or before.total is None or now.total - before.total == said.daily:
        return None
    implied = now.total - before.total
    return Finding(
        kind=KIND,
        claimant=said.claimant,
        metric=said.metric,
        as_of=said.as_of,
        source=said.source,
        ref=said.ref,
        known_at=said.known_at,
        severity="warning",
        group=group(said.claimant, said.as_of, said.source),
        observed=said.daily,
        expected=implied,
        suggestion=Suggestion(
            field="daily",
            value=implied,
            diagnosis=likelihood(said.daily, implied)[1],
            evidence="the totals of both days",
        ),
        message=f"{said.source} prints {said.daily:+,} {said.metric} for {said.as_of}, the totals give {implied:+,}",
        against=(now.ref, before.ref),
    )
