"""What commands print: a table for people, one JSON object a line for machines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.records import KYIV
from scheduler.clock import Clock, clock_from_environment
from scheduler.config import Config, load

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="The configuration; else tallywatch.toml here or in the home.")
]
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""A quoted page must not steer the terminal that it is shown on."""


def begin(config: Path | None) -> tuple[Config, Clock]:
    """Read the configuration and the clock: what every command begins with. Raises WrongUse."""
    return load(config), clock_from_environment()


def emit(rows: Iterable[Mapping[str, Any]]) -> None:
    """Print one JSON object a line."""
    for row in rows:
        print(json.dumps(row, ensure_ascii=False, default=plain))  # noqa: T201 - this is what prints


def plain(value: object) -> Any:
    """Turn what JSON does not know into text: times in UTC, days as they are."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; whatever comes from a page is shown as text, never as markup or terminal control."""
    from rich.console import Console  # noqa: PLC0415 - machines do not pay for it
    from rich.table import Table  # noqa: PLC0415 - likewise
    from rich.text import Text  # noqa: PLC0415 - likewise

    shown = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*(Text(words(value)) for value in row))
    Console().print(shown)


def words(value: object) -> str:
    """Say a value to a person: times in Kyiv, numbers with thin gaps, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(KYIV).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}".replace(",", "\u202f")
    if isinstance(value, list | tuple):
        return ", ".join(words(item) for item in value)
    return CONTROL.sub("\ufffd", str(value))
