"""What `status` says of the trend check: what it would tell, and how long it warms up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from scheduler.checks.trend import DayChange, Trend
from scheduler.sensitivity import UNSEEN, Judging, Sensitivity, state
from tests.checks.series import CHANGES, day, true_total

DAYS = 200


def figures(days: int, metrics: tuple[str, ...] = tuple(CHANGES)) -> list[dict[str, Any]]:
    """Return the ledger after so many true reports."""
    return [
        {"metric": metric, "as_of": day(number), "total": true_total(metric, number)}
        for number in range(days)
        for metric in metrics
    ]


def ask(days: int, *, budget: int = 12, doubted: frozenset[tuple[str, Any]] = frozenset()) -> Judging:
    """Ask what would be told after so many reports."""
    return state(figures(days), doubted, budget=budget, today=day(days - 1))


def of(judging: Judging, metric: str) -> Sensitivity:
    """Return what is said of one metric."""
    return next(one for one in judging.metrics if one.metric == metric)


def tomorrow(change: int) -> bool:
    """Whether the check, fed with the same days, tells of tanks moving by so much on the next."""
    trend = Trend(budget=12)
    for number in range(1, DAYS + 1):
        for metric in CHANGES:
            moved = true_total(metric, number) - true_total(metric, number - 1)
            if number == DAYS:
                usual = sum(CHANGES[metric]) / len(CHANGES[metric])
                moved = (
                    change if metric == "tanks" else round(usual / 10) * 10 if metric == "personnel" else round(usual)
                )
            known = DayChange(
                metric=metric, as_of=day(number), change=moved, total=None, ref=0, known_at=UNSEEN, quarantined=False
            )
            if any(verdict.metric == "tanks" for verdict in trend.feed(known)):
                return True
    return False


def test_the_bounds_are_what_the_check_itself_tells() -> None:
    """A day at the bound is told; the mildest day that was tried before it is not."""
    bound = of(ask(DAYS), "tanks").day_above
    assert bound is not None
    assert tomorrow(bound.change)
    assert not tomorrow(round(bound.change / 1.3))
    assert bound.times == pytest.approx(bound.change / of(ask(DAYS), "tanks").usual, abs=0.02)


def test_a_lasting_level_needs_no_more_than_one_day() -> None:
    """A week gives more evidence than a day; falls are told only as they last, where zero is not rare."""
    tanks = of(ask(DAYS), "tanks")
    assert tanks.day_above is not None
    assert tanks.level_above is not None
    assert tanks.level_below is not None
    assert tanks.usual < tanks.level_above.change <= tanks.day_above.change
    assert tanks.day_below is None
    assert tanks.level_below.change < tanks.usual
    aircraft = of(ask(DAYS), "aircraft")
    assert aircraft.level_below is None
    assert aircraft.level_above is None or aircraft.level_above.times is None


def test_a_larger_budget_tells_more() -> None:
    """Whoever accepts more false days hears of milder falls."""
    strict, loose = of(ask(DAYS, budget=2), "uavs"), of(ask(DAYS, budget=100), "uavs")
    assert strict.level_below is not None
    assert loose.level_below is not None
    assert loose.level_below.change > strict.level_below.change


def test_doubted_numbers_shape_no_baseline() -> None:
    """A typo in the ledger that a contradiction has told of changes nothing of what would be told."""
    wrong = figures(DAYS)
    for row in wrong:
        if row["metric"] == "tanks" and row["as_of"] == day(DAYS - 20):
            row["total"] += 9_000
    doubted = {("tanks", day(DAYS - 20))}
    told = state(wrong, doubted, budget=12, today=day(DAYS - 1))
    assert of(told, "tanks").usual == pytest.approx(of(ask(DAYS), "tanks").usual, rel=0.05)


@pytest.mark.parametrize(("days", "until"), [(2, 40), (20, 40), (40, 40), (41, None)])
def test_it_says_how_long_it_warms_up(days: int, until: int | None) -> None:
    """Forty changes of a metric are needed: the day on which they will be there, if reports come daily."""
    assert ask(days).warming_until == (None if until is None else day(until))


def test_an_empty_ledger_warms_for_forty_days() -> None:
    """Before the first report."""
    told = state([], set(), budget=12, today=day(0))
    assert (told.warming_until, told.metrics) == (day(0) + timedelta(days=40), ())


def test_a_young_metric_warms_alone() -> None:
    """A category that joined last week is judged later than the others; they are judged now."""
    young = [row for row in figures(DAYS) if row["metric"] != "uavs" or row["as_of"] > day(DAYS - 8)]
    told = state(young, set(), budget=12, today=day(DAYS - 1))
    assert told.warming_until is None
    assert of(told, "uavs").warming_until == day(DAYS - 1 + 34)
    assert of(told, "uavs").day_above is None
    assert of(told, "tanks").warming_until is None
