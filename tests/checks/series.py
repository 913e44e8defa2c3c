"""Small series of our own for the tests of the judge."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from pipelines.records import GENERAL_STAFF, Observation
from scheduler.checks.finding import Finding, Resolution
from scheduler.checks.judge import Judge

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spiders.items import Role

BEGIN = date(2024, 2, 1)
CHANGES = {
    "personnel": (780, 910, 850, 1020, 760, 880, 940, 830),
    "tanks": (8, 12, 6, 15, 9, 11, 7, 10),
    "artillery_systems": (28, 35, 22, 31, 26, 38, 25, 30),
    "uavs": (20, 31, 26, 18, 35, 24, 29, 22),
    "vehicles_and_fuel_tanks": (41, 36, 52, 47, 33, 44, 58, 39),
    "aircraft": (0, 0, 1, 0, 0, 0, 0, 0),
}
FIRST = {
    "personnel": 385_230, "tanks": 6_310, "artillery_systems": 9_195, "uavs": 7_090,
    "vehicles_and_fuel_tanks": 12_240, "aircraft": 332,
}  # fmt: skip


def day(number: int) -> date:
    """Return a day of the series, counted from its first report."""
    return BEGIN + timedelta(days=number)


def true_total(metric: str, number: int) -> int:
    """Return what the publisher says on that day."""
    steps = CHANGES[metric]
    return FIRST[metric] + sum(steps[i % len(steps)] for i in range(1, number + 1))


def said(
    metric: str,
    number: int,
    total: int | None = None,
    *,
    daily: int | None = None,
    source: str = "mirror",
    role: Role = "mirror",
    claimant: str = GENERAL_STAFF,
    at: datetime | None = None,
    ref: int = 0,
) -> Observation:
    """Return what a source says of a day: the truth, unless a total is given."""
    return Observation(
        source=source,
        role=role,
        claimant=claimant,
        metric=metric,
        as_of=day(number),
        total=true_total(metric, number) if total is None else total,
        daily=daily,
        known_at=at or datetime.combine(day(number), time(6), UTC),
        ref=ref,
    )


def official(metric: str, number: int, total: int | None = None, daily: int | None = None) -> Observation:
    """Return what the publisher says, with the change printed beside it."""
    printed = true_total(metric, number) - true_total(metric, number - 1) if daily is None and number else daily
    return said(metric, number, total, daily=printed, source="official", role="official")


def report(number: int, metrics: Iterable[str] = tuple(CHANGES), **how: object) -> list[Observation]:
    """Return a whole true report."""
    return [said(metric, number, **how) for metric in metrics]  # type: ignore[arg-type]


def past(days: int = 40, metrics: Iterable[str] = ("tanks",), **how: object) -> list[Observation]:
    """Return true reports from the first day on."""
    names = tuple(metrics)
    return [observation for number in range(days) for observation in report(number, names, **how)]


def judged(observations: Iterable[Observation], judge: Judge | None = None) -> list[Finding | Resolution]:
    """Return everything that the judge says."""
    judge = judge or Judge()
    return [event for observation in observations for event in judge.feed(observation)]


def findings(observations: Iterable[Observation], prefix: str = "contradiction.") -> list[Finding]:
    """Return the findings of a family."""
    return [e for e in judged(observations) if isinstance(e, Finding) and e.kind.startswith(prefix)]
