"""The whole demo, as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scheduler.demo import faults

COMMAND = Path(sys.executable).with_name("tallywatch")


def tallywatch(*arguments: str, place: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a directory; what the machine has configured does not count."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TALLYWATCH_")}
    return subprocess.run(
        [COMMAND, *arguments], cwd=place, env=clean | environment, capture_output=True, text=True, check=False
    )


def lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """Read what a command printed with --json."""
    assert done.stdout, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a working directory with a space in its name."""
    return tmp_path_factory.mktemp("a demo")


@pytest.fixture(scope="module")
def done(place: Path) -> subprocess.CompletedProcess[str]:
    """Run the demo once; an address in the environment is not its database."""
    return tallywatch("demo", "--json", place=place, TALLYWATCH_DATABASE_URL="postgresql://nobody@127.0.0.1:1/x")


@pytest.fixture(scope="module")
def told(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """Read what it printed."""
    return lines(done)


def test_every_planted_fault_is_found_and_nothing_else_is_told(
    done: subprocess.CompletedProcess[str], told: list[dict[str, Any]]
) -> None:
    """What it says besides is of a real day."""
    assert [line for line in told if "unplanted" in line or "trouble" in line] == []
    assert {line["fault"]: line["found"] for line in told if "fault" in line} == dict.fromkeys(faults.load(), True)
    assert (done.returncode, told[-1]["right"]) == (0, True)


def test_it_leaves_mails_and_a_picture_in_a_home_of_its_own(told: list[dict[str, Any]], place: Path) -> None:
    """One mail for each report that is told of, at least; nothing beside its home."""
    summary = told[-1]
    mails = list(Path(summary["maildir"], "new").iterdir())
    assert len(mails) == summary["mails"] >= len(faults.load())
    assert Path(summary["picture"]).read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in place.iterdir()] == [".demo"]


@pytest.mark.usefixtures("told")
def test_its_ledger_answers_other_commands_for_then_and_now(place: Path) -> None:
    """Before the edit all said 2589; afterwards the sources disagree."""
    cell = ("--metric", "artillery_systems", "--from", "2023-03-22", "--to", "2023-03-22")
    home = {"TALLYWATCH_HOME": str(place / ".demo"), "TALLYWATCH_NOW": "2023-04-15T12:00"}
    (then,) = lines(tallywatch("figures", *cell, "--known-at", "2023-03-23", "--json", place=place, **home))
    (now,) = lines(tallywatch("figures", *cell, "--json", place=place, **home))
    assert (then["total"], then["dissents"]) == (2589, [])
    assert {now["total"], *(dissent["total"] for dissent in now["dissents"])} == {2589, 2598}
