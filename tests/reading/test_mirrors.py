from __future__ import annotations

import json
from datetime import date

from pipelines.records import GENERAL_STAFF
from tests.reading.rendering import by_metric, read, stated

WARSHIP = {
    "message": "The data were fetched successfully.",
    "data": {
        "date": "2024-02-19", "day": 726, "resource": "https://example.org/posts/1",
        "stats": {"personnel_units": 403720, "tanks": 6498, "planes": 336, "cruise_missiles": 0, "atgm_srbm_systems": 4},
        "increase": {"personnel_units": 1290, "tanks": 11, "planes": 0, "cruise_missiles": 0, "atgm_srbm_systems": 0},
    },
}  # fmt: skip


def test_totals_and_changes_of_the_api() -> None:
    """Zero is a category that is not reported yet, not a claim; launchers ended in April 2022."""
    found = read(json.dumps(WARSHIP), None)
    assert stated(found) == {"personnel": (403720, 1290), "tanks": (6498, 11), "aircraft": (336, 0)}
    assert {claim.as_of for claim in found.claims} == {date(2024, 2, 19)}
    assert {claim.claimant for claim in found.claims} == {GENERAL_STAFF}
    assert found.problems == ()


def test_spans_point_into_the_json() -> None:
    """A number is shown where it stands, the total among the totals, the change among the changes."""
    found = read(json.dumps(WARSHIP, indent=1), None)
    tanks = by_metric(found)["tanks"]
    assert tanks.total_span
    assert tanks.daily_span
    assert found.text[slice(*tanks.total_span)] == "6498"
    assert found.text[slice(*tanks.daily_span)] == "11"


def test_many_records_keep_their_days() -> None:
    """A window of the API, and a file of days."""
    rows = [{"date": f"2024-02-{day}", "stats": {"tanks": 6400 + day}} for day in (18, 19)]
    found = read(json.dumps({"data": {"records": rows}}), None)
    assert {(c.as_of, c.total) for c in found.claims} == {(date(2024, 2, 18), 6418), (date(2024, 2, 19), 6419)}


def test_the_names_of_the_data_sets() -> None:
    """The two public data sets call the same things differently; what is null was not stated."""
    rows = [{"date": "2022-04-14", "day": 50, "aircraft": 160, "field artillery": 366, "APC": 1968, "military auto": 1437,
             "fuel tank": 76, "vehicles and fuel tanks": None, "greatest losses direction": "Avdiivka"},
            {"date": "2024-10-07", "personnel": 661630, "personnel*": "about", "POW": 0}]  # fmt: skip
    found = read(json.dumps(rows), None)
    assert {(c.metric, c.total) for c in found.claims} == {
        ("aircraft", 160), ("artillery_systems", 366), ("armoured_vehicles", 1968), ("vehicles", 1437), ("fuel_tanks", 76),
        ("personnel", 661630),
    }  # fmt: skip
    other = read(
        '[{"date": "2026-08-22", "afvs": 25176, "unarmoredVehicles": 137804, "missiles": 5049, "sourceUri": "x"}]',
        None,
    )
    assert stated(other) == {
        "armoured_vehicles": (25176, None), "vehicles_and_fuel_tanks": (137804, None), "cruise_missiles": (5049, None),
    }  # fmt: skip


def test_what_a_record_calls_by_an_unknown_name_is_a_problem() -> None:
    """A category that the API adds is told."""
    found = read('{"data": {"date": "2026-08-22", "stats": {"tanks": 12292, "hovercraft": 3}}}', None)
    assert [problem.problem for problem in found.problems] == ["unknown label 'hovercraft'"]


def test_posts_in_json_are_read_as_texts() -> None:
    """Each post has its own time; spans point into the texts joined."""
    text = (
        "Загальні бойові втрати противника з 24.02 по 19.02 орієнтовно склали:\nтанків ‒ 6498 "
        "(+11)\nлітаків – 336\nРСЗВ – 986"
    )
    rows = [
        {"id": "1", "text": "Добрий ранок", "created_at": 1708322400000},
        {"id": "2", "text": text, "created_at": 1708326000000},
    ]
    found = read("\n".join(map(json.dumps, rows)), None)
    assert stated(found) == {"tanks": (6498, 11), "aircraft": (336, None), "mlrs": (986, None)}
    assert {claim.as_of for claim in found.claims} == {date(2024, 2, 19)}
    span = by_metric(found)["tanks"].total_span
    assert span
    assert found.text[slice(*span)] == "6498"


def test_json_without_a_report_has_no_claims() -> None:
    """Anything else in JSON is nothing."""
    for text in (
        "{}",
        "[]",
        "[1, 2]",
        '{"a": {"b": [null]}}',
        "{broken",
        "[" * 100_000,
        '{"date": 5, "tanks": "many"}',
    ):
        assert read(text, None).claims == ()
