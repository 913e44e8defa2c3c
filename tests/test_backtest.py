"""`tallywatch backtest`: the contract of its rows and of its answers."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import sys
from io import StringIO
from typing import TYPE_CHECKING

import pytest

from scheduler import backtest
from scheduler.cli import main
from scheduler.exceptions import WrongUse
from tests.checks.series import CHANGES, day, true_total

if TYPE_CHECKING:
    from pathlib import Path

FIELDS = {"kind", "claimant", "metric", "as_of", "source", "row", "seen_at", "severity", "group", "observed"}
FIELDS |= {"expected", "suggestion", "message"}


def table(rows: list[dict[str, object]]) -> str:
    """Return rows as CSV."""
    out = StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def history(days: int = 42) -> list[dict[str, object]]:
    """Return six weeks of one source, whose last number, of tanks, has kept a digit of the day before."""
    rows: list[dict[str, object]] = [
        {"source": "mirror", "as_of": day(n), "metric": metric, "total": true_total(metric, n)}
        for n in range(days)
        for metric in CHANGES
    ]
    rows.append({"source": "mirror", "as_of": day(days), "metric": "tanks", "total": 6_617})
    return rows


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int | str | None, str, str]:
    """Run the command line; return its exit code and what it wrote."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["tallywatch", "backtest", *argv])
        with pytest.raises(SystemExit) as left:
            main()
    out, err = capsys.readouterr()
    return left.value.code, out, err


def test_json_has_the_names_of_the_contract(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One object a line with exactly the public fields; the row is counted without the header."""
    rows = history()
    (tmp_path / "rows.csv").write_text(table(rows))
    code, out, _ = run(capsys, str(tmp_path / "rows.csv"), "--json")
    assert code == 0
    last = json.loads(out.splitlines()[-1])
    assert set(last) == FIELDS
    assert (last["kind"], last["metric"], last["as_of"]) == ("contradiction.decrease", "tanks", day(42).isoformat())
    assert (last["row"], last["seen_at"], last["observed"]) == (len(rows), None, 6_617)
    assert last["claimant"] == "general_staff_ukraine"
    assert last["suggestion"] == {"field": "total", "value": 6_717, "diagnosis": "digit_wrong"}


def test_a_report_is_one_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The report names what was told, has a chart per metric, and loads nothing from anywhere."""
    (tmp_path / "rows.csv").write_text(table(history()))
    run(capsys, str(tmp_path / "rows.csv"), "--report", str(tmp_path / "out.html"))
    page = (tmp_path / "out.html").read_text()
    assert page.count('<svg class="chart"') == len(CHANGES)
    assert 'aria-label="Tanks: daily changes from 2024-02-01 to 2024-03-14, 1 days told of, 0 disputed"' in page
    assert ">Feb 2024</text>" in page
    assert ">Mar</text>" in page
    assert "contradiction.decrease" in page
    assert "http" not in page.replace("http-equiv", "")


@pytest.mark.proof
@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed: nothing can show the page")
@pytest.mark.parametrize("width", [500, 1100])
def test_a_browser_shows_the_report_without_scrolling_sideways(
    width: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only the charts scroll, within their own frames; every chart has a bar and a band to see."""
    (tmp_path / "rows.csv").write_text(table(history()))
    run(capsys, str(tmp_path / "rows.csv"), "--report", str(tmp_path / "out.html"))
    ask = """<script>
    const seen = [...document.querySelectorAll("svg.chart")].map(one => one.querySelector(".bars").getBBox().height > 0
        && one.querySelector(".band").getBBox().width > 0);
    document.title = JSON.stringify([document.documentElement.scrollWidth, innerWidth, seen]);
    </script>"""
    page = tmp_path / "asked.html"
    page.write_text((tmp_path / "out.html").read_text().replace("</body>", f"{ask}</body>"))
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--window-size={width},900", "--dump-dom"]
    shown = subprocess.run(["chromium", *options, page.as_uri()], capture_output=True, text=True, check=True).stdout
    needed, there, seen = json.loads(re.findall("<title>(.*?)</title>", shown)[0])
    assert needed <= there
    assert seen == [True] * len(CHANGES)


def test_hostile_names_are_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A source's name is shown, never run."""
    rows = [row | {"source": "<script>alert(1)</script>"} for row in history()]
    (tmp_path / "rows.csv").write_text(table([*rows, rows[-1] | {"source": "b", "total": 9_000}]))
    run(capsys, str(tmp_path / "rows.csv"), "--report", str(tmp_path / "out.html"))
    assert "<script" not in (tmp_path / "out.html").read_text()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"total": "1x"}, "row 2: total is no whole number: '1x'"),
        ({"total": ""}, "row 2: neither total nor daily"),
        ({"metric": "dragons"}, "row 2: unknown metric 'dragons'"),
        ({"as_of": "2024-02-31"}, "row 2: "),
        ({"role": "king"}, "row 2: unknown role 'king'"),
        ({"seen_at": "yesterday"}, "row 2: "),
        ({"source": ""}, "row 2: source is empty"),
    ],
)
def test_a_bad_row_is_named(
    change: dict[str, object], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be read ends the run with one sentence and the number of its row."""
    good = history()[0] | {"role": "mirror", "seen_at": ""}
    (tmp_path / "rows.csv").write_text(table([good, good | change]))
    code, _, err = run(capsys, str(tmp_path / "rows.csv"))
    assert code == 2
    assert reason in err
    assert err.count("\n") == 1


def test_a_missing_column_and_a_missing_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both are wrong use, said in one sentence."""
    (tmp_path / "rows.csv").write_text("source,as_of\n")
    assert run(capsys, str(tmp_path / "rows.csv"))[0] == 2
    assert run(capsys, str(tmp_path / "none.csv"))[0] == 2


def test_what_a_row_may_leave_out() -> None:
    """Without a time a row was seen at noon in Kyiv, without a role it is a mirror; a claimant may be named."""
    row = {"source": "a", "as_of": "2024-07-01", "metric": "tanks", "total": "7"}
    seen = backtest.observation(row, 1)
    assert (seen.role, seen.claimant, seen.known_at.isoformat()) == (
        "mirror",
        "general_staff_ukraine",
        "2024-07-01T12:00:00+03:00",
    )
    assert backtest.observation(row | {"claimant": "mediazona_bbc"}, 1).claimant == "mediazona_bbc"
    assert backtest.observation(row | {"total": "", "daily": "-3"}, 1).daily == -3


def test_a_row_that_is_too_short() -> None:
    """A row with fewer fields than the header is named, not filled in."""
    with pytest.raises(WrongUse, match="row 1"):
        list(backtest.replay(backtest.rows(["source,as_of,metric,total\n", "a,2024-01-01\n"])))
