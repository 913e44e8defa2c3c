"""`tallywatch figures`: the ledger, as known now or then."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.metrics import METRICS
from pipelines.records import GENERAL_STAFF
from scheduler.clock import day, moment
from scheduler.exceptions import TallywatchError, WrongUse
from scheduler.loop import run
from scheduler.mails.view import Point, Series
from scheduler.output import ConfigOption, JsonOption, begin, emit, table
from scheduler.service import Service, open_service

app = typer.Typer(add_completion=False)


@app.callback(
    invoke_without_command=True,
    epilog="Example: tallywatch figures --metric tanks --from 2023-03-01 --known-at 2023-03-08T12:00",
)
def figures(
    ctx: typer.Context,
    first: Annotated[str | None, typer.Option("--from", help="First report day.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last report day.")] = None,
    metric: Annotated[str | None, typer.Option(help="One metric, such as tanks.")] = None,
    claimant: Annotated[str | None, typer.Option(help="Whose numbers, such as general_staff_ukraine.")] = None,
    known_at: Annotated[
        str | None, typer.Option("--known-at", help="As known at this time; a bare day means its end, Kyiv time.")
    ] = None,
    chart: Annotated[
        Path | None,
        typer.Option(
            help="Draw the daily changes of --metric into this PNG: expected band, incidents (red), disputes (rings)."
        ),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what the ledger holds for each cell: the value, who supports it, who dissents."""
    if ctx.invoked_subcommand is not None:
        return
    if chart is not None and metric is None:
        raise WrongUse("--chart draws one metric: name it with --metric")
    settings, clock = begin(config)
    if chart is not None:
        claimant = claimant or GENERAL_STAFF
    wanted: dict[str, Any] = {
        "from": day(first, "--from") if first else None,
        "to": day(last, "--to") if last else None,
        "metric": known_metric(metric),
        "claimant": claimant,
        "known_at": moment(known_at, "--known-at") if known_at else None,
    }

    async def ask() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        async with open_service(settings, clock) as service:
            rows = await service.query("figures", **wanted)
            return rows, await _flagged(service, rows) if chart else []

    rows, flagged = run(ask)
    if chart is not None:
        _draw(chart, rows, [row["as_of"] for row in flagged])
        return
    if as_json:
        emit(rows)
        return
    columns = ("as_of", "metric", "total", "daily", "status", "supports", "dissents", "known_since")
    table("Figures", columns, ([_cell(row, column) for column in columns] for row in rows))


@app.command(epilog="Example: tallywatch figures show tanks 2023-03-08")
def show(
    metric: Annotated[str, typer.Argument(help="The metric, such as tanks.")],
    as_of: Annotated[str, typer.Argument(help="The report day.")],
    claimant: Annotated[str, typer.Option(help="Whose number.")] = GENERAL_STAFF,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the history of one cell: what the ledger held for it, and since when."""
    settings, clock = begin(config)
    cell = {"metric": known_metric(metric), "as_of": day(as_of, "the day"), "claimant": claimant}

    async def ask() -> list[dict[str, Any]]:
        async with open_service(settings, clock) as service:
            return await service.query("cell_history", **cell)

    rows = run(ask)
    if as_json:
        emit(rows)
        return
    columns = ("known_since", "known_until", "total", "daily", "status", "supports", "dissents")
    table(f"{metric} of {as_of}", columns, ([_cell(row, column) for column in columns] for row in rows))


async def _flagged(service: Service, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the days that an incident blames, of a series."""
    if not rows:
        return []
    span = {"from": rows[0]["as_of"], "to": rows[-1]["as_of"]}
    return await service.query("flagged_days", claimant=rows[0]["claimant"], metric=rows[0]["metric"], **span)


def _draw(file: Path, rows: list[dict[str, Any]], flagged: list[date]) -> None:
    """Draw a series into a file. Raises WrongUse when there is none, TallywatchError when it cannot be written."""
    if not rows:
        raise WrongUse("the ledger holds no such figures: there is nothing to draw")
    from scheduler.charts import ledger_chart  # noqa: PLC0415 - matplotlib's words, for those who draw

    points = tuple(Point(day=row["as_of"], total=row["total"], daily=row["daily"]) for row in rows)
    series = Series(metric=rows[0]["metric"], points=points, flagged=tuple(flagged))
    disputed = {row["as_of"] for row in rows if row["dissents"]}
    try:
        file.write_bytes(ledger_chart(series, disputed))
    except OSError as error:
        raise TallywatchError(f"{file} cannot be written: {error.strerror}") from error


def known_metric(key: str | None) -> str | None:
    """Return a metric's key. Raises WrongUse for one that does not exist."""
    if key is not None and key not in METRICS:
        raise WrongUse(f"there is no metric {key!r}; there are {', '.join(METRICS)}")
    return key


def _cell(row: dict[str, Any], column: str) -> Any:
    if column == "dissents":
        return [f"{dissent['source']}: {dissent['total']}" for dissent in row["dissents"]]
    return row[column]
