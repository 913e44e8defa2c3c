"""`tallywatch backtest`: what would have been told, over any history."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from scheduler import backtest as streaming
from scheduler.exceptions import WrongUse

app = typer.Typer(add_completion=False)


@app.command()
def backtest(
    file: Annotated[Path, typer.Argument(help="CSV: source, as_of, metric, total; seen_at, role, daily, claimant.")],
    budget: Annotated[int, typer.Option(min=1, help="False trend days a year that you accept.")] = 12,
    report: Annotated[Path | None, typer.Option(help="Write what was told, with charts, to this HTML file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Stream observations through the checks as if they arrived now.

    Example: tallywatch backtest history.csv --json
    """
    collected = None
    if report is not None:
        from scheduler.report import Collected, html  # noqa: PLC0415 - jinja2 is only needed for the report

        collected = Collected()
    with _lines(file) as lines:
        for arrival in streaming.replay(streaming.rows(lines), budget=budget):
            for finding in arrival.findings:
                _print(streaming.as_json(finding, arrival.seen_at), as_json=as_json)
            if collected is not None:
                collected.take(arrival)
    if report is not None and collected is not None:
        report.write_text(html(collected, f"Backtest of {file.name}"), "utf-8")


@contextmanager
def _lines(file: Path) -> Iterator[Iterator[str]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            yield lines
    except OSError as error:
        raise WrongUse(f"{file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise WrongUse(f"{file} is not UTF-8") from error


def _print(finding: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(finding, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write("{as_of} {severity:8} {kind:24} {message}\n".format(**finding))
