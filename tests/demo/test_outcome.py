"""What was planted against what was told, and the home in which it happens."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from pipelines.records import GENERAL_STAFF
from scheduler.config import load
from scheduler.demo import faults, home
from scheduler.demo.outcome import Told, compare
from scheduler.exceptions import WrongUse

if TYPE_CHECKING:
    from pathlib import Path

FAULTS = faults.load()


def told(number: int, kind: str, metric: str, as_of: date, severity: str = "warning") -> Told:
    """Make an incident of the General Staff's series."""
    return Told(
        id=number,
        kind=kind,
        claimant=GENERAL_STAFF,
        metric=metric,
        as_of=as_of,
        severity=severity,  # type: ignore[arg-type]
        message="",
    )


def everything() -> list[Told]:
    """One incident for each fault: what has to be told."""
    return [
        told(number, min(fault.expect.kinds), fault.expect.metric or "", fault.expect.as_of)
        for number, fault in enumerate(FAULTS.values(), 1)
    ]


def test_all_found_and_nothing_else_is_right() -> None:
    """The verdicts come in the order of the days."""
    outcome = compare(FAULTS.values(), faults.genuine(), everything())
    assert outcome.right
    days = [verdict.fault.expect.as_of for verdict in outcome.verdicts]
    assert days == sorted(days)


@pytest.mark.parametrize("missing", range(6))
def test_one_fault_not_found_is_wrong(missing: int) -> None:
    """Whichever it is."""
    rest = [incident for incident in everything() if incident.id != missing + 1]
    outcome = compare(FAULTS.values(), faults.genuine(), rest)
    assert not outcome.right
    assert [verdict.found for verdict in outcome.verdicts].count(False) == 1


def test_a_companion_alone_does_not_find_a_fault() -> None:
    """Sources that disagree after an edit do not say that there was an edit."""
    expect = FAULTS["late_edit"].expect
    companion = told(7, "contradiction.sources", "artillery_systems", expect.as_of)
    incidents = [incident for incident in everything() if incident.as_of != expect.as_of]
    outcome = compare(FAULTS.values(), faults.genuine(), [*incidents, companion])
    assert outcome.unplanted == ()
    assert not outcome.right


def test_what_has_to_be_told_stands_before_its_companions() -> None:
    """The closing table shows the first."""
    expect = FAULTS["late_edit"].expect
    companion = told(0, "contradiction.sources", "artillery_systems", expect.as_of)
    outcome = compare(FAULTS.values(), faults.genuine(), [companion, *everything()])
    verdict = next(verdict for verdict in outcome.verdicts if verdict.fault.name == "late_edit")
    assert [incident.kind for incident in verdict.told] == ["contradiction.revised", "contradiction.sources"]


@pytest.mark.parametrize(("severity", "right"), [("info", True), ("warning", False), ("critical", False)])
def test_anything_else_that_people_are_told_of_is_wrong(severity: str, right: bool) -> None:  # noqa: FBT001 - a fact
    """News (records, round numbers) is not: nobody is alerted by it."""
    stray = told(99, "contradiction.decrease", "tanks", date(2023, 3, 1), severity)
    outcome = compare(FAULTS.values(), faults.genuine(), [*everything(), stray])
    assert outcome.right is right
    assert outcome.unplanted == (() if right else (stray,))


def test_a_real_break_of_trend_is_neither_planted_nor_wrong() -> None:
    """It stands in the figures as they were published."""
    (day,) = faults.genuine()
    real = told(99, "trend.spike", "special_equipment", day.as_of)
    outcome = compare(FAULTS.values(), faults.genuine(), [*everything(), real])
    assert outcome.right
    assert outcome.genuine == (real,)


def test_a_fault_that_nobody_was_alerted_of_is_not_found() -> None:
    """News in the digest is not an alert."""
    quiet = [replace(incident, severity="info") for incident in everything()]
    outcome = compare(FAULTS.values(), faults.genuine(), quiet)
    assert [verdict.found for verdict in outcome.verdicts] == [False] * 6


def test_the_home_is_made_anew_at_each_run(tmp_path: Path) -> None:
    """Also where nothing was before, and in a path with a space."""
    place = tmp_path / "a home" / ".demo"
    home.remake(place)
    (place / "left from the last run").touch()
    home.remake(place)
    assert [path.name for path in place.iterdir()] == [home.MARK]


def test_a_directory_that_is_no_demos_home_is_left_alone(tmp_path: Path) -> None:
    """A mistyped --home removes nothing."""
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(WrongUse, match="is not the home of a demo"):
        home.remake(tmp_path)
    with pytest.raises(WrongUse, match="is not the home of a demo"):
        home.remake(tmp_path / "thesis.txt")
    assert (tmp_path / "thesis.txt").exists()


def test_a_place_where_nothing_can_be_made_is_said_in_a_sentence(tmp_path: Path) -> None:
    """A path below a file, or another user's directory."""
    (tmp_path / "file").touch()
    with pytest.raises(WrongUse, match="cannot be made anew: Not a directory"):
        home.remake(tmp_path / "file" / ".demo")


def test_an_empty_directory_may_become_the_home(tmp_path: Path) -> None:
    """`mktemp -d` gives one."""
    home.remake(tmp_path)
    assert (tmp_path / home.MARK).exists()


def test_the_configuration_left_behind_can_be_read(tmp_path: Path) -> None:
    """Other commands find their way with TALLYWATCH_HOME alone."""
    home.write_config(tmp_path, sender="a@example.org", reader="b@example.org", sources={"x": "http://127.0.0.1:1"})
    config = load(tmp_path / "tallywatch.toml")
    assert config.mail.sender == "a@example.org"
    assert [reader.address for reader in config.mail.readers] == ["b@example.org"]
    assert config.sources["x"].base_url == "http://127.0.0.1:1"
