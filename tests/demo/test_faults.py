"""The planted faults, and what the outlets print because of them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest

from pipelines.metrics import METRICS
from pipelines.records import GENERAL_STAFF, KYIV
from scheduler.demo import faults
from scheduler.demo.faults import OUTLETS, Saying
from scheduler.demo.press import FIRST_DAY, LAST_DAY, MORNINGS, Press, days, figures, published_at

END = datetime(2023, 4, 16, tzinfo=KYIV)
FAULTS = faults.load()
PRESS = Press(FAULTS)
HONEST = Press({})


def cells(press: Press, outlet: str, day: date, now: datetime = END) -> dict[str, tuple[int, int]]:
    """Read what an outlet prints of a day: metric to (total, daily)."""
    report = next(report for report in press.reports(outlet, now) if report.as_of == day)
    return {metric: (cell.total, cell.daily) for metric, cell in report.cells.items()}


def altered(outlet: str) -> dict[date, set[str]]:
    """Where an outlet, read at the end, differs from what is true."""
    found: dict[date, set[str]] = {}
    for report in PRESS.reports(outlet, END):
        true = HONEST._true_cells(report.as_of)  # noqa: SLF001 - the truth under test
        if wrong := {metric for metric in true if true[metric] != report.cells[metric]}:
            found[report.as_of] = wrong
    return found


def test_the_table_of_figures_has_every_day_and_every_metric_of_those_weeks() -> None:
    """The day before the first is there too: the first report prints a change."""
    table = figures()
    assert list(table) == [FIRST_DAY - timedelta(days=1), *days()]
    valid = {key for key, metric in METRICS.items() if metric.valid_on(FIRST_DAY) and metric.valid_on(LAST_DAY)}
    assert all(set(row) == valid for row in table.values())
    assert table[date(2023, 3, 7)]["personnel"] == 154830


def test_six_faults_are_planted_at_least_a_week_apart() -> None:
    """They must not disturb each other's baselines."""
    planted = sorted(fault.expect.as_of for fault in FAULTS.values())
    assert len(planted) == 6
    assert all(later - earlier >= timedelta(days=7) for earlier, later in pairwise(planted))


def test_without_faults_every_printed_change_adds_up() -> None:
    """The mirror invents nothing: an honest outlet contradicts nobody, least of all itself."""
    before = figures()[FIRST_DAY - timedelta(days=1)]
    for report in HONEST.reports("news", END):
        assert {metric: cell.total - cell.daily for metric, cell in report.cells.items()} == before
        before = {metric: cell.total for metric, cell in report.cells.items()}
    assert before == figures()[LAST_DAY]


def test_a_typo_stands_in_one_outlet_only() -> None:
    """The others say what is true."""
    day = date(2023, 2, 14)
    assert [cells(PRESS, outlet, day)["artillery_systems"][0] for outlet in OUTLETS] == [2299, 2299, 2399]


@pytest.mark.parametrize("outlet", OUTLETS)
def test_a_total_falls_and_the_day_after_takes_it_back(outlet: str) -> None:
    """Both printed changes fit the totals beside them: only the fall gives it away."""
    fallen, after = date(2023, 2, 23), date(2023, 2, 24)
    before = cells(PRESS, outlet, fallen - timedelta(days=1))["tanks"][0]
    assert (before, cells(PRESS, outlet, fallen)["tanks"], cells(PRESS, outlet, after)["tanks"]) == (
        3334,
        (3331, -3),
        (3363, 32),
    )


def test_the_ministry_repeats_a_whole_report_under_the_next_date() -> None:
    """The channel and the news are right on that day."""
    day = date(2023, 3, 5)
    assert cells(PRESS, "ministry", day) == cells(PRESS, "ministry", day - timedelta(days=1))
    assert cells(PRESS, "telegram", day) == cells(HONEST, "telegram", day) == cells(PRESS, "news", day)


@pytest.mark.parametrize("outlet", OUTLETS)
def test_swapped_digits_do_not_fit_the_change_beside_them(outlet: str) -> None:
    """The change is the true one, of this day and of the next."""
    day = date(2023, 3, 15)
    total, daily = cells(PRESS, outlet, day)["personnel"]
    true = figures()[day]["personnel"]
    assert (total, daily, true) == (161250, 980, 161520)
    assert sorted(str(total)) == sorted(str(true))
    assert cells(PRESS, outlet, day + timedelta(days=1))["personnel"] == (162560, 1040)


def test_the_post_is_edited_two_days_later_and_not_before() -> None:
    """Until then it says what all say; the edit changes one line."""
    day = date(2023, 3, 22)
    edit = datetime(2023, 3, 24, 8, 12, tzinfo=KYIV)
    just_before = edit - timedelta(seconds=1)
    assert cells(PRESS, "telegram", day, just_before) == cells(HONEST, "telegram", day)
    changed = cells(PRESS, "telegram", day, edit)
    assert changed.pop("artillery_systems") == (2598, 12)
    assert changed.items() <= cells(HONEST, "telegram", day).items()
    edited = {report.as_of: report.edited_at for report in PRESS.reports("telegram", edit) if report.edited_at}
    assert edited == {day: edit}
    assert cells(PRESS, "ministry", day)["artillery_systems"] == (2589, 3)


@pytest.mark.parametrize("outlet", OUTLETS)
def test_nobody_reports_on_the_missing_day(outlet: str) -> None:
    """One day less than the calendar has."""
    reported = {report.as_of for report in PRESS.reports(outlet, END)}
    assert set(days()) - reported == {date(2023, 4, 3)}


def test_nothing_else_is_altered() -> None:
    """Every other cell of ten weeks is the real one."""
    assert altered("telegram") == {
        date(2023, 2, 23): {"tanks"},
        date(2023, 2, 24): {"tanks"},
        date(2023, 3, 15): {"personnel"},
        date(2023, 3, 22): {"artillery_systems"},
    }
    assert altered("ministry").keys() == {date(2023, 2, 23), date(2023, 2, 24), date(2023, 3, 5), date(2023, 3, 15)}
    assert altered("news") == {
        date(2023, 2, 14): {"artillery_systems"},
        date(2023, 2, 23): {"tanks"},
        date(2023, 2, 24): {"tanks"},
        date(2023, 3, 15): {"personnel"},
    }


@pytest.mark.parametrize("outlet", OUTLETS)
def test_reports_come_in_the_morning_window_of_their_outlet(outlet: str) -> None:
    """Between the first and the last minute, on the day that the report carries."""
    earliest, spread = MORNINGS[outlet]
    for day in days():
        moment = published_at(outlet, day)
        first = datetime.combine(day, earliest, KYIV)
        assert first <= moment < first + timedelta(minutes=spread)


def test_an_expectation_covers_its_cell_and_nothing_beside_it() -> None:
    """The kind, the claimant, the metric and the day all have to fit."""
    expect = FAULTS["one_source_typo"].expect
    cell = (GENERAL_STAFF, "artillery_systems", date(2023, 2, 14))
    assert expect.met("contradiction.sources", *cell)
    assert not expect.met("contradiction.increment", *cell)
    assert expect.covers("contradiction.increment", *cell)
    assert not expect.covers("contradiction.stale", *cell)
    assert not expect.covers("contradiction.sources", "russian_mod", *cell[1:])
    assert not expect.covers("contradiction.sources", GENERAL_STAFF, "tanks", cell[2])
    assert not expect.covers("contradiction.sources", *cell[:2], date(2023, 2, 15))


def test_a_whole_report_is_expected_without_naming_a_metric() -> None:
    """Any of its cells, or the report as a whole, tells of it."""
    expect = FAULTS["missing_day"].expect
    assert expect.met("coverage.missing", GENERAL_STAFF, "personnel", date(2023, 4, 3))
    assert expect.met("coverage.missing", GENERAL_STAFF, "", date(2023, 4, 3))


@pytest.mark.parametrize(
    "wrong",
    [{"metric": "tank"}, {"outlets": ("radio",)}, {"since": datetime(2023, 3, 24, 8, 12)}],  # noqa: DTZ001 - under test
)
def test_a_mistake_in_the_table_stops_the_demo(wrong: dict[str, object]) -> None:
    """It ships with the program: a fault that cannot be planted must not pass for one that was not found."""
    right = {"outlets": ("news",), "as_of": FIRST_DAY, "metric": "tanks"}
    with pytest.raises(ValueError, match=r"not a metric|unknown outlets|time zone"):
        Saying(**(right | wrong))  # type: ignore[arg-type]
