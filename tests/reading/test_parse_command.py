from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from scheduler.commands.parse import app
from scheduler.exceptions import WrongUse

TEXT = (
    "Загальні бойові втрати противника з 24.02.22 по 19.02.24:\nтанків ‒ 6498 (+11) "
    "од\nлітаків – 336 (+1) од\nРСЗВ – 986\nщось нове - 5"
)
KEYS = [
    "file",
    "claimant",
    "metric",
    "as_of",
    "total",
    "daily",
    "hedge",
    "total_span",
    "daily_span",
    "quote",
    "reader",
    "note",
]


@pytest.fixture
def post(tmp_path: Path) -> Path:
    """Write a post to a file."""
    path = tmp_path / "post.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def rows(*arguments: str, stdin: str | None = None) -> list[dict[str, Any]]:
    """Run the command and decode what it prints."""
    result = CliRunner().invoke(app, ["--json", *arguments], input=stdin, catch_exceptions=False)
    assert result.exit_code == 0
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_one_object_a_claim_with_the_agreed_keys(post: Path) -> None:
    """A total and its change are one claim; what was not understood follows."""
    *claims, problem = rows("--published", "2024-02-20T08:00", str(post))
    assert [list(claim) for claim in claims] == [KEYS] * 3
    assert claims[0] | {"quote": "", "reader": ""} == {
        "file": str(post), "claimant": "general_staff_ukraine", "metric": "tanks", "as_of": "2024-02-19", "total": 6498,
        "daily": 11, "hedge": None, "total_span": [67, 71], "daily_span": [73, 76], "quote": "", "reader": "", "note": None,
    }  # fmt: skip
    assert TEXT[67:71] == "6498"
    assert problem["problem"] == "unknown label 'щось нове'"


def test_standard_input_and_explanations() -> None:
    """A dash is standard input; --explain says which rule and words decided."""
    first = rows("--explain", "-", stdin=TEXT)[0]
    assert first["file"] == "-"
    assert first["why"][0] == "total: its place in a list"
    assert any("24.02.22 по 19.02.24" in reason for reason in first["why"])


def test_people_see_the_text_and_a_table(post: Path) -> None:
    """Without --json the numbers stand in the text and in a table."""
    result = CliRunner().invoke(app, [str(post), "--explain"], catch_exceptions=False, env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert "танків ‒ 6498" in result.stdout
    assert "armoured" not in result.stdout
    assert "not understood: unknown label" in result.stdout


def test_a_source_speaks_for_itself(tmp_path: Path) -> None:
    """Numbers that nobody is named for are the source's own."""
    path = tmp_path / "post.txt"
    path.write_text("За минулу добу ворог втратив 1 010 осіб.", encoding="utf-8")
    assert rows("--source", "telegram_general_staff", str(path))[0]["claimant"] == "general_staff_ukraine"


@pytest.mark.parametrize(
    "arguments",
    [["no-such-file"], ["--source", "nobody", "-"], ["--published", "yesterday", "-"]],
    ids=["file", "source", "time"],
)
def test_wrong_use_is_one_sentence(arguments: list[str]) -> None:
    """What cannot be read, found or understood is named, with exit code 2."""
    result = CliRunner().invoke(app, arguments, input="")
    assert isinstance(result.exception, WrongUse)
    assert result.exception.exit_code == 2
    assert len(str(result.exception).splitlines()) == 1


def test_binary_standard_input_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is piped in is read to something or to nothing."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(bytes(range(256)))))
    assert CliRunner().invoke(app, ["--json", "-"], input=b"\xff\xfe\x00").exit_code == 0
