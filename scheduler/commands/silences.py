"""`tallywatch silences`: what nobody wants to be mailed of for a while."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from pipelines.database import connection
from scheduler import silences
from scheduler.clock import moment
from scheduler.commands.incidents import By, who
from scheduler.exceptions import WrongUse
from scheduler.loop import run
from scheduler.output import ConfigOption, JsonOption, begin, emit, table
from scheduler.sections.rules import Rule
from scheduler.service import open_service

app = typer.Typer(
    add_completion=False,
    help="What nobody wants to be mailed of for a while.",
    no_args_is_help=True,
    epilog='Example: tallywatch silences add --kind "trend.*" --hours 24 --reason "recount"',
)

COLUMNS = ("id", "kinds", "metrics", "sources", "claimants", "reason", "author", "begun_at", "expires_at", "ended_at")
Globs = list[str] | None


@app.command("list", epilog="Example: tallywatch silences list --all")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Those that have ended, too.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the silences that are in force."""
    settings, clock = begin(config)

    async def ask() -> list[dict[str, Any]]:
        async with open_service(settings, clock) as service:
            return await service.query("silences", all=everything, now=clock())

    rows = run(ask)
    if as_json:
        emit({name: row[name] for name in (*COLUMNS, "ended_by")} for row in rows)
    else:
        table("Silences", COLUMNS, ([row[column] for column in COLUMNS] for row in rows))


@app.command(epilog='Example: tallywatch silences add --kind "trend.*" --metric tanks --hours 24 --reason "recount"')
def add(
    reason: Annotated[str, typer.Option(help="Why, for those who find it later.")],
    kind: Annotated[Globs, typer.Option(help="Kinds of incidents, as in contradiction.*; may be repeated.")] = None,
    metric: Annotated[Globs, typer.Option(help="Metrics; may be repeated.")] = None,
    source: Annotated[Globs, typer.Option(help="Sources; may be repeated.")] = None,
    claimant: Annotated[Globs, typer.Option(help="Claimants; may be repeated.")] = None,
    until: Annotated[str | None, typer.Option(help="When it ends, as in 2023-03-08T12:00, Kyiv time.")] = None,
    hours: Annotated[float | None, typer.Option(min=0, help="For how long, in place of --until.")] = None,
    by: By = None,
    config: ConfigOption = None,
) -> None:
    """Begin a silence: incidents are recorded, nobody is mailed of them, and its end is told."""
    settings, clock = begin(config)
    now = clock()
    if (until is None) == (hours is None):
        raise WrongUse("say when it ends, by --until or by --hours")
    ends = moment(until, "--until") if until is not None else now + timedelta(hours=hours or 0)
    try:
        scope = Rule(
            kinds=tuple(kind or ()),
            metrics=tuple(metric or ()),
            sources=tuple(source or ()),
            claimants=tuple(claimant or ()),
        )
    except ValidationError as error:
        raise WrongUse("a scope is made of names with * and ?, as in contradiction.*") from error

    async def work() -> int:
        async with open_service(settings, clock) as service, connection(service.pool) as conn:
            return await silences.add(conn, scope, reason=reason, author=who(by), at=now, expires_at=ends)

    print(f"silence {run(work)} is in force")


@app.command(epilog="Example: tallywatch silences end 3")
def end(
    silence: Annotated[int, typer.Argument(metavar="ID", help="The number of the silence.")],
    by: By = None,
    config: ConfigOption = None,
) -> None:
    """End a silence before its time; what it kept is told in one mail."""
    settings, clock = begin(config)

    async def work() -> None:
        async with open_service(settings, clock) as service:
            async with connection(service.pool) as conn:
                await silences.end(conn, silence, by=who(by), at=clock())
            await service.judge()
            await service.deliver()

    run(work)
    print(f"silence {silence} has ended")
