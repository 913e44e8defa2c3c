"""What the judge says of small series of our own: one fact per kind and diagnosis."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from pipelines.records import Observation
from scheduler.checks.finding import Finding, Resolution, Ruling
from scheduler.checks.judge import Judge
from scheduler.episodes import Episodes
from tests.checks.series import CHANGES, day, findings, judged, official, past, report, said, true_total

TRUE = true_total("tanks", 40)  # 6,700, after 6,692


def of_official(days: int = 40, metric: str = "tanks") -> list[Observation]:
    """Return a past of the publisher's own reports."""
    return [official(metric, number) for number in range(days)]


def test_true_reports_are_judged_in_silence() -> None:
    """A year of true figures of every metric gives no contradiction."""
    assert findings(past(120, tuple(CHANGES))) == []


def test_a_printed_change_that_holds_is_silent() -> None:
    """Total + printed change = new total: nothing to say, however large the change."""
    jump = [official("tanks", 40, true_total("tanks", 39) + 95, 95)]
    assert findings([*of_official(), *jump]) == []


@pytest.mark.parametrize(
    ("total", "diagnosis"),
    [
        (6_300, "digit_wrong"),
        (7_600, "digits_swapped"),
        (670, "digit_lost"),
        (66_700, "digit_doubled"),
        (6, "thousands_lost"),
        (9_195, "other_row"),
        (true_total("tanks", 39), "carried_over"),
    ],
)
def test_increment_names_total_and_slip(total: int, diagnosis: str) -> None:
    """When total and printed change disagree, the smallest slip that makes them agree is named, with its value."""
    rows = [said("artillery_systems", 40, 9_195, source="official", role="official")]
    (finding,) = findings([*of_official(), *rows, official("tanks", 40, total)])
    assert (finding.kind, finding.as_of, finding.observed) == ("contradiction.increment", day(40), total)
    assert finding.suggestion is not None
    assert (finding.suggestion.field, finding.suggestion.value) == ("total", TRUE)
    assert finding.suggestion.diagnosis == diagnosis


def test_increment_names_the_printed_change() -> None:
    """A change that the pace does not know, beside a total that it does, is the wrong one of the two."""
    (finding,) = findings([*of_official(), official("tanks", 40, TRUE, 88)])
    assert (finding.kind, finding.observed, finding.expected) == ("contradiction.increment", 88, 8)
    assert finding.suggestion is not None
    assert (finding.suggestion.field, finding.suggestion.value) == ("daily", 8)


def test_another_source_settles_which_number_is_wrong() -> None:
    """Where total and change could both be meant, a relay that repeats the total leaves only the change."""
    relay = said("tanks", 40, TRUE, source="relay", role="relay")
    (finding,) = findings([*of_official(), relay, official("tanks", 40, TRUE, 9)])
    assert finding.suggestion is not None
    assert (finding.suggestion.field, finding.suggestion.value) == ("daily", 8)


def test_increment_blames_yesterday() -> None:
    """A total without a printed change that does not fit the next day's arithmetic is blamed on its own day."""
    cars = "vehicles_and_fuel_tanks"
    swapped = said(cars, 39, 13_994, source="official", role="official")  # 13,949
    (finding,) = findings([*of_official(39, cars), swapped, official(cars, 40)])
    assert (finding.as_of, finding.observed) == (day(39), 13_994)
    assert finding.suggestion is not None
    assert (finding.suggestion.value, finding.suggestion.diagnosis) == (13_949, "digits_swapped")


def test_a_wrong_total_gives_no_second_alarm_the_day_after() -> None:
    """The day after a planted error is right, and is told so: the error of yesterday is no base to measure against."""
    events = judged([*of_official(), official("tanks", 40, 6_300), official("tanks", 41), official("tanks", 42)])
    told = [e for e in events if isinstance(e, Finding) and e.kind.startswith("contradiction")]
    assert [f.as_of for f in told] == [day(40)]


def test_decrease_that_is_a_typo() -> None:
    """A fall that one forgotten digit explains is a typo, with the value that was meant."""
    (finding,) = findings([*past(42), said("tanks", 42, 6_617)])
    assert finding.kind == "contradiction.decrease"
    assert finding.severity == "critical"
    assert finding.suggestion is not None
    assert (finding.suggestion.value, finding.suggestion.diagnosis) == (6_717, "digit_wrong")


def test_decrease_that_is_a_correction() -> None:
    """A small fall that no slip explains is a correction; the next day confirms it."""
    lower = true_total("tanks", 39) - 2
    events = judged([*past(40), said("tanks", 40, lower), said("tanks", 41, lower + 9)])
    told = [e for e in events if isinstance(e, Finding) and e.kind.startswith("contradiction")]
    assert [(f.kind, f.as_of) for f in told] == [("contradiction.decrease", day(40))]
    assert told[0].suggestion is not None
    assert told[0].suggestion.diagnosis == "correction"


def test_a_fall_with_its_printed_change_is_told() -> None:
    """The publisher prints the fall itself: a correction, told all the same."""
    (finding,) = findings([*of_official(), official("tanks", 40, true_total("tanks", 39) - 2, -2)])
    assert finding.kind == "contradiction.decrease"
    assert finding.suggestion is not None
    assert finding.suggestion.diagnosis == "correction"


def test_a_fall_taken_for_a_typo_becomes_a_correction_when_it_stays() -> None:
    """The verdict is updated in the same incident when the following day continues from the lower number."""
    lower = true_total("tanks", 39) - 80
    events = judged(
        [*past(40), said("tanks", 40, lower), *[said("tanks", 40 + i, lower + 9 * i) for i in range(1, 4)]]
    )
    told = [e for e in events if not (isinstance(e, Finding) and e.kind.startswith("trend"))]
    kinds = [e.suggestion.diagnosis if isinstance(e, Finding) and e.suggestion else "ended" for e in told]
    assert kinds[-2:] == ["correction", "ended"]
    assert {e.key for e in told} == {("contradiction.decrease", "general_staff_ukraine", "tanks", day(40))}


def test_stale_total_in_a_series_that_always_moves() -> None:
    """Personnel that stands still is yesterday's number; no value is invented for today."""
    (finding,) = findings([*past(40, ("personnel",)), said("personnel", 40, true_total("personnel", 39))])
    assert finding.kind == "contradiction.stale"
    assert finding.suggestion is not None
    assert (finding.suggestion.value, finding.suggestion.diagnosis) == (None, "carried_over")


def test_standing_still_is_usual_for_aircraft() -> None:
    """A series that rarely moves may stand still for weeks."""
    assert findings([*past(40, ("aircraft",)), said("aircraft", 40, true_total("aircraft", 39))]) == []


def test_a_repeated_report_is_one_group() -> None:
    """A whole report of yesterday's figures is one finding per metric, all of one group."""
    stale = [said(metric, 40, true_total(metric, 39)) for metric in CHANGES]
    told = findings([*past(40, tuple(CHANGES)), *stale])
    whole = [f for f in told if f.whole]
    assert {f.metric for f in whole} == set(CHANGES)
    assert {f.kind for f in told} == {"contradiction.stale"}
    assert len({f.group for f in told}) == 1
    assert len(whole) == len(CHANGES)
    assert {f.key for f in whole} == {("contradiction.stale", "general_staff_ukraine", "", day(40))}


def test_a_repeated_report_is_not_told_again_of_each_number() -> None:
    """Who says otherwise afterwards contradicts numbers that are known to be wrong: one incident, not thirty."""
    stale = [said(metric, 40, true_total(metric, 39), source="mirror") for metric in CHANGES]
    others = [said(metric, 40, true_total(metric, 40), source="other") for metric in CHANGES]
    rows = [*past(40, tuple(CHANGES)), *past(40, tuple(CHANGES), source="other"), *stale, *others]
    events = judged(sorted(rows, key=lambda o: (o.known_at, o.source == "other")))
    episodes = Episodes()
    episodes.take(events)
    running = [key for key, told in episodes.of.items() if told and told[-1].resolution is None]
    assert [key for key in running if key[0].startswith("contradiction")] == [
        ("contradiction.stale", "general_staff_ukraine", "", day(40))
    ]


def test_copies_of_a_line_confirm_nothing() -> None:
    """Two digits swapped beside the right change, repeated by others word for word, are still a swap in the total."""
    right = true_total("tanks", 39)
    change = true_total("tanks", 40) - right
    text = str(right + change)
    swapped = int(text[0] + text[2] + text[1] + text[3:])
    rows = [*of_official(), *past(40)]
    at = datetime.combine(day(40), time(5), UTC)
    copies = [
        said("tanks", 40, swapped, daily=change, source=source, role=role, at=at + timedelta(minutes=i))
        for i, (source, role) in enumerate((("official", "official"), ("relay", "relay")))
    ]
    told = findings([*rows, *copies], "contradiction.increment")
    assert [(f.source, f.suggestion and (f.suggestion.field, f.suggestion.value)) for f in told] == [
        ("official", ("total", right + change))
    ]


def test_sources_name_the_dissenter() -> None:
    """A mirror that differs from the publisher is one episode that ends when the mirror moves."""
    at = datetime.combine(day(40), time(9), UTC)
    wrong = said("tanks", 40, 6_692, at=at)
    fixed = said("tanks", 40, at=at + timedelta(hours=20))
    events = judged([*past(40), *of_official(), official("tanks", 40), wrong, fixed])
    told = [e for e in events if e.key[0] == "contradiction.sources"]
    assert isinstance(told[0], Finding)
    assert (told[0].source, told[0].observed, told[0].expected) == ("mirror", 6_692, TRUE)
    assert told[0].suggestion is not None
    assert told[0].suggestion.value == TRUE
    assert isinstance(told[1], Resolution)
    assert len(told) == 2


def test_sources_blame_the_mirror_that_spoke_first() -> None:
    """The publisher arrives after the mirrors: the one that differs from it is blamed, in one episode."""
    rows = [*past(40), *past(40, source="other")]
    rows += [said("tanks", 40, 6_692), said("tanks", 40, source="other"), official("tanks", 40)]
    told = [f for f in findings(rows) if f.kind == "contradiction.sources"]
    assert {f.key for f in told} == {told[0].key}
    assert told[-1].source == "mirror"


def test_a_number_carried_over_is_told_from_one_that_moved() -> None:
    """A mirror that kept yesterday's number slipped, though it spoke first: the other moved at the usual pace."""
    rows = [*past(42, ["aircraft"]), *past(42, ["aircraft"], source="other")]
    kept = said("aircraft", 42, true_total("aircraft", 41), source="other")
    [told] = findings([*rows, kept, said("aircraft", 42)])
    assert (told.source, told.observed, told.expected) == ("other", kept.total, true_total("aircraft", 42))
    assert told.suggestion is not None
    assert told.suggestion.diagnosis == "carried_over"


def test_sources_name_nobody_where_nothing_tells_them_apart() -> None:
    """Two mirrors a usual step apart: neither is named, no slip is guessed, and the publisher's word decides."""
    rows = [*past(40), *past(40, source="other")]
    rows += [said("tanks", 40, source="other", total=TRUE + 1), said("tanks", 40), official("tanks", 40)]
    first, last = findings(rows)
    assert first.suggestion is not None
    assert (first.suggestion.value, first.suggestion.diagnosis) == (None, "unknown")
    assert first.message.endswith("nothing tells yet which is wrong")
    assert (last.key, last.source, last.expected) == (first.key, "other", TRUE)


def test_a_mirror_that_always_lags_is_no_contradiction() -> None:
    """A source that shows the day before under today's date is told of once and then known for it."""
    rows = []
    for number in range(1, 60):
        rows += [official(metric, number) for metric in CHANGES]
        rows += [said(metric, number, true_total(metric, number - 1)) for metric in CHANGES]
    assert {f.as_of for f in findings(rows)} <= {day(1), day(2)}


def test_claimants_never_mix() -> None:
    """Another claimant's lower count of the same thing contradicts nothing."""
    rival = [
        said("tanks", n, 3_000 + n, source="rival", role="rival", claimant="mediazona_bbc") for n in range(40, 60)
    ]
    assert findings([*past(60), *rival]) == []


def test_revised_is_news_not_alarm() -> None:
    """A source that changes a number of its own is told as information."""
    at = datetime.combine(day(40), time(9), UTC)
    (finding,) = findings([*past(41), said("tanks", 40, TRUE + 2, at=at)])
    assert (finding.kind, finding.severity) == ("contradiction.revised", "info")
    assert (finding.observed, finding.expected) == (TRUE + 2, TRUE)


def test_revised_by_the_publisher_after_others_repeated_it_warns() -> None:
    """Who copied the old number holds a number that its publisher has withdrawn."""
    at = datetime.combine(day(40), time(9), UTC)
    edited = replace(official("tanks", 40, TRUE + 2, 10), known_at=at)
    rows = [*past(40), *of_official(), official("tanks", 40), said("tanks", 40), edited]
    revised = [f for f in findings(rows) if f.kind == "contradiction.revised"]
    assert [f.severity for f in revised] == ["warning"]


def test_a_day_that_has_not_come() -> None:
    """Figures dated ahead of the day on which they appear are told, where the date changes the number."""
    early = datetime.combine(day(40), time(9), UTC)
    told = findings([*past(41, tuple(CHANGES)), *[said(m, 42, true_total(m, 41), at=early) for m in CHANGES]])
    assert {f.kind for f in told} == {"contradiction.date"}
    assert "aircraft" not in {f.metric for f in told}
    assert {f.as_of for f in told} == {day(42)}


def test_last_years_date() -> None:
    """Today's totals under a date long past are a wrong date, not a revision of the past."""
    late = datetime.combine(day(60), time(9), UTC)
    told = findings([*past(60), said("tanks", 10, true_total("tanks", 60), at=late)])
    assert [f.kind for f in told if f.severity != "info"] == ["contradiction.date"]


def backdated(number: int, *, printed: bool) -> list[Observation]:
    """Return the totals of a day, published on it under the date of the day before."""
    at = datetime.combine(day(number), time(6), UTC)
    change = {m: true_total(m, number) - true_total(m, number - 1) if printed else None for m in CHANGES}
    return [said(m, number - 1, true_total(m, number), daily=change[m], at=at) for m in CHANGES]


@pytest.mark.parametrize("printed", [True, False])
def test_a_report_dated_one_day_back(*, printed: bool) -> None:
    """Today's figures under yesterday's date contradict yesterday's own report at once: one wrong date, one group."""
    rows = past(60, tuple(CHANGES))
    told = [f for f in findings([*rows, *backdated(60, printed=printed)]) if f.severity != "info"]
    last = {f.cell: f for f in told}
    assert {f.kind for f in told} == {"contradiction.date"}
    assert {f.as_of for f in told} == {day(59)}
    assert len({f.key for f in last.values()}) == 1
    assert set(CHANGES) - {"aircraft"} == {f.metric for f in told}


def test_a_report_dated_one_day_back_is_no_base_for_the_next() -> None:
    """When the same figures come again under their own date, nothing is wrong with them."""
    rows = [*past(60, tuple(CHANGES)), *backdated(60, printed=False), *report(60), *report(61)]
    assert {f.as_of for f in findings(rows)} == {day(59)}


def test_a_carried_over_report_that_is_put_right_is_no_wrong_date() -> None:
    """Who published yesterday's figures and corrects them the next morning has not mistaken the day."""
    stale = [said(m, 60, true_total(m, 59)) for m in CHANGES]
    right = [replace(o, known_at=o.known_at + timedelta(days=1)) for o in report(60)]
    assert "contradiction.date" not in {f.kind for f in findings([*past(60, tuple(CHANGES)), *stale, *right])}


def test_a_jump_that_one_digit_explains() -> None:
    """Without a printed change, the pace tells of a digit wrong in the hundreds, and which value was meant."""
    (finding,) = findings([*past(40), said("tanks", 40, TRUE + 900)])
    assert finding.kind == "contradiction.increment"
    assert finding.suggestion is not None
    assert finding.suggestion.value is None or finding.suggestion.value == TRUE


def test_a_recount_is_told_as_one() -> None:
    """When the publisher corrects several totals of one report, the findings share a group and say so."""
    fall = [
        said("artillery_systems", 40, true_total("artillery_systems", 39) - 1),
        said("tanks", 40, true_total("tanks", 39) - 14),
    ]
    told = findings([*past(40, ("artillery_systems", "tanks")), *fall])
    assert {f.suggestion.diagnosis for f in told if f.suggestion} == {"correction"}
    assert len({f.group for f in told}) == 1


def test_a_printed_change_without_a_total() -> None:
    """A relay that prints only the change is compared with the totals that others gave."""
    relay = replace(said("tanks", 40, source="relay", role="relay", daily=80), total=None)
    (finding,) = findings([*past(41), relay])
    assert (finding.kind, finding.source, finding.observed, finding.expected) == (
        "contradiction.increment",
        "relay",
        80,
        8,
    )


def test_milestones_are_information() -> None:
    """A record change and a round number are news."""
    told = findings(past(400, ("personnel",)), "milestone.")
    assert {f.severity for f in told} == {"info"}
    assert "milestone.round" in {f.kind for f in told}


def test_no_milestone_from_a_doubted_number() -> None:
    """A typo that would be a record is no record."""
    assert findings([*past(80), said("tanks", 80, true_total("tanks", 80) + 900)], "milestone.record") == []


def test_what_a_person_explained_is_not_told_again() -> None:
    """A fall that was explained as a correction is believed, and the next day is measured against it."""
    lower = true_total("tanks", 39) - 80
    key = ("contradiction.decrease", "general_staff_ukraine", "tanks", day(40))
    judge = Judge(verdicts={key: Ruling(verdict="correction", source="mirror", observed=lower)})
    rows = [*past(40), *[said("tanks", 40 + i, lower + 9 * i) for i in range(5)]]
    events = judged(rows, judge)
    assert not [e for e in events if isinstance(e, Finding) and e.kind.startswith("contradiction")]


def test_outside_the_calendar_nothing_is_compared() -> None:
    """A category is not judged on days whose reports do not have it."""
    robots = [said("ground_robots", number, 40 - number) for number in range(30)]
    assert judged(robots) == []


def test_copies_do_not_outvote_the_publisher() -> None:
    """Mirrors that share their errors are learned to be one witness: however many, they count as one."""
    slips = {20: 20, 24: -10, 28: 60, 32: 40}
    rows = []
    for number in range(41):
        rows.append(replace(official("tanks", number), daily=None))
        wrong = true_total("tanks", number) + slips.get(number, 1 if number == 40 else 0)
        rows += [said("tanks", number, wrong, source=name) for name in ("a", "b", "c", "d")]
    last = [f for f in findings(rows) if f.as_of == day(40)]
    assert {f.source for f in last} <= {"a", "b", "c", "d"}


def test_the_next_day_decides_between_total_and_change() -> None:
    """Where the printed change was blamed, a next day that continues from the other total moves the blame."""
    wrong = official("artillery_systems", 40, true_total("artillery_systems", 39) + 25, 4)
    later = official("artillery_systems", 41, true_total("artillery_systems", 39) + 4 + 35, 35)
    told = findings([*of_official(40, "artillery_systems"), wrong, later])
    assert {f.as_of for f in told} == {day(40)}
    fields = [f.suggestion.field for f in told if f.suggestion]
    assert fields == ["daily", "total"]
    assert told[-1].suggestion is not None
    assert told[-1].suggestion.value == true_total("artillery_systems", 39) + 4


def test_a_series_that_stands_still_for_days_is_silent() -> None:
    """The first day may be a number carried over; by the third the series is told as silent, one finding a cell."""
    still = [said("personnel", 80 + i, true_total("personnel", 79)) for i in range(3)]
    told = [e for e in judged([*past(80, ("personnel",)), *still]) if not e.key[0].startswith("milestone")]
    found = [(e.kind, e.as_of) for e in told if isinstance(e, Finding)]
    assert found[0] == ("contradiction.stale", day(80))
    assert found[-1][0] == "trend.silence"
    ended = {e.key[0] for e in told if isinstance(e, Resolution) and e.superseded}
    assert ended <= {"contradiction.stale"}


def test_a_jump_for_which_no_value_was_meant_is_a_break_of_trend() -> None:
    """A lone total far beyond its pace may be a slip; when nothing says for what, the break is told with the doubt."""
    rows = [*past(80, ("tanks",)), said("tanks", 80, true_total("tanks", 79) + 333)]
    told = [e for e in findings(rows, "") if e.severity != "info"]
    assert [f.kind for f in told] == ["contradiction.increment", "trend.spike"]
    assert len({f.group for f in told}) == 1
    assert told[0].message in told[1].message


def test_a_day_is_judged_though_the_day_before_is_in_doubt() -> None:
    """A break is told on its own day, though another metric of that day settles a doubt of the day before."""
    both = ("personnel", "tanks")
    doubted = [said("personnel", 80), said("tanks", 80, true_total("tanks", 79) + 333)]
    record = [
        said("personnel", 81, true_total("personnel", 80) + 3_500),
        said("tanks", 81, true_total("tanks", 81) + 325),
    ]
    found = [f for f in findings([*past(80, both), *doubted, *record], "trend.") if f.metric == "personnel"]
    assert [(f.as_of, f.known_at.date()) for f in found] == [(day(81), day(81))]
