"""`tallywatch status`: is everything well."""

from __future__ import annotations

from typing import Any

import typer

from scheduler.health import status as state_of
from scheduler.loop import run
from scheduler.output import ConfigOption, JsonOption, begin, emit, table
from scheduler.service import open_service

app = typer.Typer()


@app.command(epilog="Example: tallywatch status --json")
def status(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show the leader, the outbox, open incidents and every source; exit 1 when a source is broken."""
    settings, clock = begin(config)

    async def ask() -> dict[str, Any]:
        async with open_service(settings, clock) as service:
            return await state_of(service)

    state = run(ask)
    if as_json:
        emit([state])
    else:
        facts = ("leader", "database", "mail_backlog", "oldest_unsent_s", "incidents_open")
        table("Status", ("", ""), ((fact.replace("_", " "), state[fact]) for fact in facts))
        columns = ("source", "verdict", "cause", "last_success", "next_run", "latest_as_of")
        table("Sources", columns, ([source[column] for column in columns] for source in state["sources"]))
    if any(source["verdict"] == "broken" for source in state["sources"]):
        raise typer.Exit(1)
