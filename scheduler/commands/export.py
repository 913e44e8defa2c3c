"""`tallywatch export`: the ledger as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from scheduler.clock import day, moment
from scheduler.commands.figures import known_metric
from scheduler.exceptions import TallywatchError, WrongUse
from scheduler.exporting import by_loss_day, encoded, form_of, renamed, wide
from scheduler.loop import run
from scheduler.output import ConfigOption, begin
from scheduler.service import open_service

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: tallywatch export figures --shape wide --naming petroivaniuk -o losses.csv")
def export(
    what: Annotated[
        str, typer.Argument(help="figures, or revisions: every time that a published value changed.")
    ] = "figures",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The file; else standard output.")] = None,
    form: Annotated[str | None, typer.Option("--format", help="csv, json (one object a line) or parquet.")] = None,
    shape: Annotated[str, typer.Option(help="long (a row for each cell) or wide (a row for each day).")] = "long",
    naming: Annotated[str, typer.Option(help="Names of metrics: tallywatch, or those of a mirror.")] = "tallywatch",
    by: Annotated[str, typer.Option(help="report (the day of the report) or loss (the day before it).")] = "report",
    first_published: Annotated[
        bool, typer.Option("--first-published", help="Values as first published: later revisions are ignored.")
    ] = False,
    first: Annotated[str | None, typer.Option("--from", help="First report day.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last report day.")] = None,
    metric: Annotated[str | None, typer.Option(help="One metric, such as tanks.")] = None,
    claimant: Annotated[str | None, typer.Option(help="Whose numbers.")] = "general_staff_ukraine",
    known_at: Annotated[str | None, typer.Option("--known-at", help="As known at this time.")] = None,
    config: ConfigOption = None,
) -> None:
    """Write the ledger as known now or then, or the revisions that led to it."""
    for value, name, allowed in (
        (what, "WHAT", ("figures", "revisions")),
        (shape, "--shape", ("long", "wide")),
        (by, "--by", ("report", "loss")),
    ):
        if value not in allowed:
            raise WrongUse(f"{name} must be {' or '.join(allowed)}, not {value!r}")
    settings, clock = begin(config)
    query = "revisions" if what == "revisions" else "first_figures" if first_published else "figures"
    wanted: dict[str, Any] = {
        "from": day(first, "--from") if first else None,
        "to": day(last, "--to") if last else None,
        "metric": known_metric(metric),
        "claimant": claimant,
        "known_at": moment(known_at, "--known-at") if known_at else None,
    }

    async def ask() -> list[dict[str, Any]]:
        async with open_service(settings, clock) as service:
            return await service.query(query, **wanted)

    rows = run(ask)
    rows = by_loss_day(rows) if by == "loss" else rows
    rows = rows if naming == "tallywatch" else renamed(rows, naming)
    content = encoded(wide(rows) if shape == "wide" and what == "figures" else rows, form_of(output, form))
    if output is None:
        typer.get_binary_stream("stdout").write(content)
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        raise TallywatchError(f"{output} cannot be written: {error.strerror}") from error
