"""The words of mails: two languages that say the same, and write numbers and days as each does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from pipelines.metrics import METRICS
from scheduler.mails.catalog import catalog, placeholders

EN, UK = catalog("en"), catalog("uk")


def entries(table: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Walk a catalog; the forms of a plural are one entry, because languages have different ones."""
    for key, value in table.items():
        if not isinstance(value, dict):
            yield f"{path}/{key}", str(value)
        elif "many" in value and not value.keys() - {"one", "few", "many"}:
            yield f"{path}/{key}", value["many"]
        else:
            yield from entries(value, f"{path}/{key}")


def test_both_languages_have_the_same_entries_with_the_same_placeholders() -> None:
    """A mail in one language lacks nothing that it has in the other."""
    english, ukrainian = dict(entries(EN.table)), dict(entries(UK.table))
    assert english.keys() == ukrainian.keys()
    assert {key: placeholders(entry) for key, entry in english.items()} == {
        key: placeholders(entry) for key, entry in ukrainian.items()
    }


def test_every_diagnosis_state_severity_and_role_can_be_said() -> None:
    """What a check or a person may decide has its words."""
    from typing import get_args  # noqa: PLC0415 - only here

    from scheduler.checks.finding import Diagnosis, Severity  # noqa: PLC0415 - likewise
    from scheduler.mails.view import Happening, State, Verdict  # noqa: PLC0415 - likewise
    from spiders.items import Role  # noqa: PLC0415 - likewise

    sections = {"diagnosis": Diagnosis, "severity": Severity, "state": State, "verdict": Verdict, "role": Role}
    for section, choices in (sections | {"news": Happening}).items():
        assert set(get_args(choices)) <= set(EN.table[section]), section


def test_every_kind_of_finding_has_a_headline() -> None:
    """The public kinds are told by name; families cover what they may grow by."""
    told = set(EN.table["headline"])
    kinds = {
        "contradiction": {"decrease", "increment", "sources", "revised", "stale", "date"},
        "trend": {"spike", "drop", "shift", "silence"},
        "coverage": {"late", "missing", "metric_missing", "metric_new", "broken"},
    }
    assert {f"{family}.{kind}" for family, members in kinds.items() for kind in members} <= told
    assert {"operations", "milestone", "other"} <= told


def test_every_metric_has_a_name_in_both_languages() -> None:
    """No reader meets a key."""
    for key in METRICS:
        assert "_" not in EN.metric(key)
        assert "_" not in UK.metric(key)


@pytest.mark.parametrize(
    ("count", "said"),
    [(1, "1 день"), (2, "2 дні"), (5, "5 днів"), (11, "11 днів"), (12, "12 днів"), (21, "21 день"), (22, "22 дні")],
)
def test_ukrainian_counts_take_the_form_that_the_number_asks_for(count: int, said: str) -> None:
    """One, few, many; the teens are many."""
    assert UK.plural("duration/day", count) == said


def test_numbers_are_grouped_signed_and_never_invented() -> None:
    """A number that is not known is a dash, not a zero."""
    assert (EN.number(154830), UK.number(154830)) == ("154,830", "154\u00a0830")
    assert (EN.change(1060), EN.change(0), EN.change(-7940)) == ("+1,060", "+0", "−7,940")
    assert (EN.number(None), EN.change(None)) == ("–", "–")


def test_days_and_times_are_kyiv_ones() -> None:
    """A mail tells the time of the publisher, whose days the reports carry."""
    late = datetime(2023, 3, 7, 23, 30, tzinfo=UTC)
    assert EN.moment(late) == "8 Mar 2023 01:30"
    assert EN.moment(late, 2023) == "8 Mar 01:30"
    assert UK.long_day(date(2023, 3, 8)) == "8 березня 2023"


def test_a_duration_is_told_in_its_two_largest_units() -> None:
    """Minutes do not matter after days."""
    assert EN.duration(timedelta(days=1, hours=4, minutes=12)) == "1 day 4 hours"
    assert EN.duration(timedelta(hours=2)) == "2 hours"
    assert EN.duration(timedelta(seconds=20)) == "0 minutes"
    assert EN.duration(timedelta(seconds=-5)) == "0 minutes"
