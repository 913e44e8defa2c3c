"""`tallywatch figures`: the ledger, as known now or then."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from scheduler.clock import day, moment
from scheduler.exceptions import WrongUse
from scheduler.loop import run
from scheduler.output import ConfigOption, JsonOption, begin, emit, table
from scheduler.service import open_service

app = typer.Typer()


@app.command(epilog="Example: tallywatch figures --metric tanks --from 2023-03-01 --known-at 2023-03-08T12:00")
def figures(
    first: Annotated[str | None, typer.Option("--from", help="First report day.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last report day.")] = None,
    metric: Annotated[str | None, typer.Option(help="One metric, such as tanks.")] = None,
    claimant: Annotated[str | None, typer.Option(help="Whose numbers, such as general_staff_ukraine.")] = None,
    known_at: Annotated[
        str | None, typer.Option("--known-at", help="As known at this time; a bare day means its end, Kyiv time.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what the ledger holds for each cell: the value, who supports it, who dissents."""
    settings, clock = begin(config)
    wanted: dict[str, Any] = {
        "from": day(first, "--from") if first else None,
        "to": day(last, "--to") if last else None,
        "metric": known_metric(metric),
        "claimant": claimant,
        "known_at": moment(known_at, "--known-at") if known_at else None,
    }

    async def ask() -> list[dict[str, Any]]:
        async with open_service(settings, clock) as service:
            return await service.query("figures", **wanted)

    rows = run(ask)
    if as_json:
        emit(rows)
        return
    columns = ("as_of", "metric", "total", "daily", "status", "supports", "dissents", "known_since")
    table("Figures", columns, ([_cell(row, column) for column in columns] for row in rows))


def known_metric(key: str | None) -> str | None:
    """Return a metric's key. Raises WrongUse for one that does not exist."""
    from pipelines.metrics import METRICS  # noqa: PLC0415 - beside its only use

    if key is not None and key not in METRICS:
        raise WrongUse(f"there is no metric {key!r}; there are {', '.join(METRICS)}")
    return key


def _cell(row: dict[str, Any], column: str) -> Any:
    if column == "dissents":
        return [f"{dissent['source']}: {dissent['total']}" for dissent in row["dissents"]]
    return row[column]
