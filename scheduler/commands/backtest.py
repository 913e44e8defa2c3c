"""`tallywatch backtest`: what would have been told, over any history."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from scheduler import backtest as streaming
from scheduler.exceptions import WrongUse

app = typer.Typer()


@app.command()
def backtest(
    file: Annotated[
        Path, typer.Argument(help="CSV with a header: seen_at, source, role, as_of, metric, total, daily.")
    ],
    budget: Annotated[int, typer.Option(min=1, help="False trend days a year that you accept.")] = 12,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Stream observations through the checks as if they arrived now.

    Example: tallywatch backtest history.csv --json
    """
    try:
        lines = file.open(encoding="utf-8", newline="")
    except OSError as error:
        raise WrongUse(f"{file}: {error.strerror}") from error
    with lines:
        for finding, seen_at in streaming.findings(streaming.rows(lines), budget=budget):
            if as_json:
                sys.stdout.write(json.dumps(streaming.as_json(finding, seen_at), ensure_ascii=False) + "\n")
            else:
                sys.stdout.write(f"{finding.as_of} {finding.severity:8} {finding.kind:24} {finding.message}\n")
