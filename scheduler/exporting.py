"""The ledger as files for others: long or wide, under our names or those of a mirror."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pipelines.metrics import METRICS
from scheduler.exceptions import WrongUse
from scheduler.output import plain

Row = dict[str, Any]
LOSS_DAY = timedelta(days=1)
"""A report counts the 24 hours before it: the day of the loss is the one before the day of the report."""


def by_loss_day(rows: Iterable[Row]) -> list[Row]:
    """Date rows by the day that their change covers, in place of the day of the report."""
    return [{**row, "as_of": row["as_of"] - LOSS_DAY} for row in rows]


def renamed(rows: Iterable[Row], naming: str) -> list[Row]:
    """Name metrics as a mirror does; a category that it does not know is left out.

    Raises WrongUse for a mirror that no metric has a name of.
    """
    names = {key: metric.known_as[naming] for key, metric in METRICS.items() if naming in metric.known_as}
    if not names:
        known = sorted({name for metric in METRICS.values() for name in metric.known_as})
        raise WrongUse(f"there is no naming {naming!r}; there are tallywatch, {', '.join(known)}")
    return [{**row, "metric": names[row["metric"]]} for row in rows if row["metric"] in names]


def wide(rows: Sequence[Row]) -> list[Row]:
    """Make one row of each claimant's day, with a column of totals for each metric; empty where none is known."""
    metrics = list(dict.fromkeys(row["metric"] for row in rows))
    days: dict[tuple[str, date], Row] = {}
    for row in rows:
        empty = {"claimant": row["claimant"], "as_of": row["as_of"], **dict.fromkeys(metrics)}
        days.setdefault((row["claimant"], row["as_of"]), empty)[row["metric"]] = row["total"]
    return list(days.values())


def encoded(rows: Sequence[Row], form: str) -> bytes:
    """Return rows as a file of CSV, JSON lines or Parquet. Raises WrongUse for another form."""
    match form:
        case "csv":
            return _csv(rows).encode()
        case "json":
            return "".join(json.dumps(row, ensure_ascii=False, default=plain) + "\n" for row in rows).encode()
        case "parquet":
            return _parquet(rows)
        case _:
            raise WrongUse(f"there is no form {form!r}; there are csv, json, parquet")


def form_of(output: Path | None, given: str | None) -> str:
    """Return the form that was asked for, else that of the file's name, else CSV."""
    return given or (output.suffix.removeprefix(".") if output and output.suffix else "csv")


def _csv(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if rows:
        writer.writerow(rows[0])
    writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return text.getvalue()


def _cell(value: object) -> Any:
    if isinstance(value, list):
        return "; ".join(item if isinstance(item, str) else _dissent(item) for item in value)
    return "" if value is None else plain(value) if hasattr(value, "isoformat") else value


def _dissent(item: Mapping[str, Any]) -> str:
    return f"{item['source']}: {item['total']}"


def _parquet(rows: Sequence[Row]) -> bytes:
    try:
        import pyarrow as pa  # noqa: PLC0415 - fifty megabytes that few need
        import pyarrow.parquet as pq  # noqa: PLC0415 - likewise
    except ImportError as error:
        raise WrongUse("Parquet needs the package pyarrow: install tallywatch[parquet]") from error
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows)), file)
    return file.getvalue()
