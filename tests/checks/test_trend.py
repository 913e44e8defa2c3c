"""What the trend check tells, and what it keeps to itself."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from scheduler.checks.trend import DayChange, Trend, TrendVerdict
from scheduler.checks.trend_tests import bounded

if TYPE_CHECKING:
    from collections.abc import Iterator

START = date(2023, 1, 1)
LEVELS = {"tanks": 9.0, "armoured_vehicles": 20.0, "artillery_systems": 25.0, "uavs": 40.0, "personnel": 90.0}
Table = dict[str, list[int]]


def day(n: int) -> date:
    """Day n of the history."""
    return START + timedelta(days=n)


def history(days: int, *, seed: int = 1, common: float = 0.0) -> Table:
    """Overdispersed counts; `common` of the spread is shared by all metrics of a day."""
    rng = np.random.default_rng(seed)
    shared = np.exp(common * rng.standard_normal(days))
    step = {"personnel": 10}
    return {
        metric: [int(x) * step.get(metric, 1) for x in rng.negative_binomial(8, 8 / (8 + level * shared))]
        for metric, level in LEVELS.items()
    }


def rows(
    table: Table,
    *,
    quarantined: frozenset[tuple[str, int]] = frozenset(),
    explained: bool = True,
    skipped: frozenset[int] = frozenset(),
) -> Iterator[DayChange]:
    """Give the changes of a table, day by day."""
    for n in range(max(map(len, table.values()))):
        if n in skipped:
            continue
        for metric, changes in table.items():
            if n < len(changes):
                yield DayChange(
                    metric=metric,
                    as_of=day(n),
                    change=changes[n],
                    total=None,
                    ref=n,
                    known_at=datetime(2023, 1, 1, 6, tzinfo=UTC) + timedelta(days=n),
                    quarantined=(metric, n) in quarantined,
                    explained=(metric, n) in quarantined and explained,
                )


def judge(table: Table, trend: Trend | None = None, **marks: frozenset | bool) -> list[TrendVerdict]:
    """Everything that is told of a table."""
    trend = trend or Trend()
    return [verdict for row in rows(table, **marks) for verdict in trend.feed(row)]


def of(told: list[TrendVerdict], metric: str, first: int, last: int | None = None) -> list[TrendVerdict]:
    """Give the verdicts on a metric from one day to another."""
    return [v for v in told if v.metric == metric and day(first) <= v.as_of <= day(first if last is None else last)]


def test_an_ordinary_history_keeps_to_its_budget() -> None:
    """Chance tells no more days a year than the budget allows, give or take what ten years can vary."""
    days = [len({v.as_of for v in judge(history(730, seed=seed))}) for seed in range(5)]
    assert sum(days) / 10 < 1.4 * 12


def test_a_day_far_above_its_past_is_a_spike() -> None:
    """Ten times the usual change is told on the day itself, as the spike of that metric."""
    table = history(120)
    table["tanks"][100] = 90
    (told,) = of(judge(table), "tanks", 100)
    assert (told.kind, told.severity, told.observed) == ("trend.spike", "critical", 90)
    assert 4 < told.expected < 20


def test_a_told_day_does_not_poison_the_baseline() -> None:
    """A spike is told again, as large as the first time, when another one comes."""
    table = history(140)
    table["tanks"][100] = table["tanks"][120] = 90
    told = judge(table)
    assert of(told, "tanks", 100)
    assert of(told, "tanks", 120)
    assert not of(told, "tanks", 101, 119)


def test_a_new_level_is_told_within_three_days_and_then_is_usual() -> None:
    """Four times the usual is news, and a month later nobody is told of it any more."""
    table = history(200)
    table["armoured_vehicles"][120:] = [4 * x for x in table["armoured_vehicles"][120:]]
    told = judge(table)
    assert of(told, "armoured_vehicles", 120, 122)
    assert len(of(told, "armoured_vehicles", 123, 199)) <= 2


def test_a_level_that_falls_is_told_as_well() -> None:
    """A fifth of the usual for a week is told within it."""
    table = history(160)
    table["uavs"][120:] = [x // 5 for x in table["uavs"][120:]]
    assert of(judge(table), "uavs", 120, 126)


def test_three_days_of_nothing_are_silence() -> None:
    """No movement in a metric that always moves."""
    table = history(130)
    table["artillery_systems"][120:123] = [0, 0, 0]
    told = of(judge(table), "artillery_systems", 120, 122)
    assert told
    assert {v.kind for v in told} == {"trend.silence"}


def test_a_slow_rise_is_found_before_it_has_doubled_twice() -> None:
    """Nothing happens on any one day of a drift."""
    table = history(200)
    table["personnel"][120:] = [
        int(x * min(3.0, 1 + i / 28) // 10 * 10) for i, x in enumerate(table["personnel"][120:])
    ]
    assert of(judge(table), "personnel", 125, 176)


def test_an_explained_day_is_neither_judged_nor_learned() -> None:
    """What a contradiction explains is left to it."""
    table = history(140)
    table["tanks"][100] = 900
    told = judge(table, quarantined=frozenset({("tanks", 100)}))
    assert not of(told, "tanks", 100, 110)
    table["tanks"][120] = 90
    assert of(judge(table, quarantined=frozenset({("tanks", 100)})), "tanks", 120)


def test_a_doubted_day_that_nothing_explains_is_judged_but_not_learned() -> None:
    """It may be a break; the baseline does without it all the same."""
    table = history(140)
    doubted = frozenset({("tanks", n) for n in range(100, 120)})
    table["tanks"][100:120] = [26] * 20
    table["tanks"][125] = 60
    told = judge(table, quarantined=doubted, explained=False)
    assert of(told, "tanks", 100, 102)
    assert of(told, "tanks", 125)


def test_days_in_doubt_that_stand_still_are_silence_together() -> None:
    """Each may be a number carried over, but what is carried over comes later: three such days are none."""
    table = history(130)
    table["artillery_systems"][120:123] = [0, 0, 0]
    doubted = frozenset({("artillery_systems", n) for n in range(120, 123)})
    told = of(judge(table, quarantined=doubted, explained=False), "artillery_systems", 120, 122)
    assert {v.kind for v in told} == {"trend.silence"}


def test_a_day_can_be_quarantined_afterwards() -> None:
    """A day that was learned and is doubted later leaves the baseline."""
    table = history(101)
    table["tanks"][60:100] = [x + 25 for x in table["tanks"][60:100]]
    table["tanks"][100] = 70
    trend = Trend(budget=1)
    told = []
    for row in rows(table):
        if row.as_of == day(100) and row.metric == "tanks":
            for n in range(60, 100):
                trend.quarantine("tanks", day(n))
        told += trend.feed(row)
    assert of(told, "tanks", 100)


def test_a_revised_day_is_measured_anew() -> None:
    """The change that a day turns out to have had counts from then on."""
    table = history(101)
    trend, told = Trend(), []
    table["tanks"][100] = 45
    for row in rows(table):
        if row.as_of == day(100) and row.metric == "tanks":
            for n in range(40, 100):
                trend.revise("tanks", day(n), 45)
        told += trend.feed(row)
    assert not of(told, "tanks", 100)
    assert of(judge(table), "tanks", 100)


def test_repeating_a_told_day_does_not_bring_it_into_the_baseline() -> None:
    """What was told stays out, however often it is confirmed."""
    table = history(140)
    table["tanks"][100] = table["tanks"][120] = 90
    trend, told = Trend(), []
    for row in rows(table):
        told += trend.feed(row)
        trend.revise(row.metric, row.as_of, row.change)
    assert told == judge(table)


def test_a_fall_of_a_total_is_not_a_trend() -> None:
    """Negative changes are contradictions: they are not judged here, and no baseline knows them."""
    table = history(130)
    table["tanks"][100] = -40
    assert not of(judge(table), "tanks", 100)


def test_metrics_that_move_together_explain_one_another() -> None:
    """The same number is less remarkable on a day on which everything else is high too."""
    alone, together = history(300, common=0.4), history(300, common=0.4)
    for table in (alone, together):
        table["armoured_vehicles"][299] = 130
    for metric, level in LEVELS.items():
        step = 10 if metric == "personnel" else 1
        if metric != "armoured_vehicles":
            alone[metric][299], together[metric][299] = int(level) * step, int(2.5 * level) * step
    lone = of(judge(alone), "armoured_vehicles", 299)
    joint = of(judge(together), "armoured_vehicles", 299)
    assert lone
    assert not joint or joint[0].score < lone[0].score - 1


def test_a_series_of_bursts_is_told_of_records_only() -> None:
    """What happened three times in a year is not news; what never happened is."""
    table = history(300)
    table["cruise_missiles"] = [0] * 300
    for n, burst in ((60, 40), (90, 45), (120, 38), (150, 42), (240, 40), (280, 90)):
        table["cruise_missiles"][n] = burst
    told = judge(table)
    assert not of(told, "cruise_missiles", 240)
    assert of(told, "cruise_missiles", 280)


def test_a_change_over_skipped_days_is_spread_and_not_judged() -> None:
    """Two reports that did not come leave one change of three days."""
    table = history(140)
    missing = frozenset({100, 101})
    for changes in table.values():
        changes[102] += changes[100] + changes[101]
    assert not [v for v in judge(table, skipped=missing) if v.as_of == day(102)]
    table["tanks"][130] = 90
    assert of(judge(table, skipped=missing), "tanks", 130)


def test_an_incomplete_day_is_judged_when_the_next_begins() -> None:
    """A metric that fails to come delays the others by a day, and loses nothing."""
    table = history(102)
    table["tanks"][100] = 90
    trend = Trend()
    told = {
        row.as_of: verdicts
        for row in rows(table)
        if not (row.as_of == day(100) and row.metric == "personnel") and (verdicts := trend.feed(row))
    }
    assert [v.as_of for v in told[day(101)] if v.metric == "tanks"] == [day(100)]


def test_a_day_that_is_over_is_not_judged_again() -> None:
    """A change that arrives late is learned from, without a verdict."""
    trend = Trend()
    judge(history(100), trend)
    late = DayChange(
        metric="mlrs",
        as_of=day(50),
        change=500,
        total=None,
        ref=0,
        known_at=datetime(2024, 1, 1, tzinfo=UTC),
        quarantined=False,
    )
    assert trend.feed(late) == []


def broken_history() -> Table:
    """Make a history with something of everything."""
    table = history(400, seed=3)
    table["tanks"][100] = 90
    table["uavs"][200:] = [2 * x for x in table["uavs"][200:]]
    table["artillery_systems"][300:303] = [0, 0, 0]
    return table


def test_the_order_of_metrics_within_a_day_does_not_matter() -> None:
    """The rows of one report are judged together."""
    table = broken_history()
    upside_down = dict(reversed(table.items()))

    def sorted_told(t: Table) -> list[tuple[date, str, str, int]]:
        return sorted((v.as_of, v.metric, v.kind, v.observed) for v in judge(t))

    assert sorted_told(table) == sorted_told(upside_down)


@pytest.mark.parametrize("cut", [300, 777, 1504])
def test_a_prefix_of_the_rows_gives_a_prefix_of_the_verdicts(cut: int) -> None:
    """Nothing is known of the future, nor does anything hang on the clock."""
    trend = Trend()
    told = [v for row in list(rows(broken_history()))[:cut] for v in trend.feed(row)]
    assert told == judge(broken_history())[: len(told)]


def test_a_larger_budget_tells_sooner() -> None:
    """The threshold falls as the budget grows: it is the only knob."""
    thresholds = []
    for budget in (3, 12, 52):
        trend = Trend(budget=budget)
        judge(history(300), trend)
        thresholds.append(trend.threshold)
    assert all(high > low + 0.5 for high, low in pairwise(thresholds))


def test_real_breaks_do_not_deafen() -> None:
    """A year full of breaks moves the threshold by less than half a point."""
    calm, wild = Trend(), Trend()
    judge(history(420), calm)
    table = history(420)
    for i, metric in enumerate(LEVELS):
        for n in range(60 + 7 * i, 400, 45):
            table[metric][n] *= 10
            table[metric][n + 20 : n + 27] = [2 * x for x in table[metric][n + 20 : n + 27]]
    judge(table, wild)
    assert abs(wild.threshold - calm.threshold) < 0.5


def test_a_history_longer_than_what_is_kept_in_mind_is_judged_to_its_end() -> None:
    """Old days go; the verdicts on new ones stay."""
    table = {metric: changes for metric, changes in history(1900, seed=5).items() if metric in {"tanks", "personnel"}}
    table["tanks"][1880] = 120
    (told,) = of(judge(table), "tanks", 1880)
    assert told.kind == "trend.spike"


def test_the_sensitivity_is_what_is_told() -> None:
    """The least spike that `sensitivity` names is told, and half of it is not."""
    table = history(300)
    trend = Trend()
    judge(table, trend)
    row = next(s for s in trend.sensitivity() if s.metric == "tanks")
    assert row.tenfold > row.threefold > 0
    assert row.doubled > 0
    for change, is_told in ((int(1.3 * row.spike_from), True), (row.spike_from // 2, False)):
        table["tanks"] = [*table["tanks"][:299], change]
        assert bool(of(judge(table), "tanks", 299)) is is_told


def test_a_score_without_bound_is_bounded_quietly() -> None:
    """A tail without a shape scores minus infinity: that is no overflow to warn of, and says nothing of a break."""
    score = np.array([-np.inf, -900.0, 0.0, 900.0])
    found = bounded(score, np.zeros(4), np.full(4, 365.0))
    assert found.tolist() == sorted(found)
    assert found[0] == found[1] == -700.0
    assert found[3] == pytest.approx(-np.log(0.5 / 365), rel=1e-9)
