"""`tallywatch status`: is everything well."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import typer

from scheduler.health import status as state_of
from scheduler.loop import run
from scheduler.output import ConfigOption, JsonOption, begin, emit, table
from scheduler.sensitivity import Bound, Judging, judging
from scheduler.service import open_service

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: tallywatch status --json")
def status(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show the leader, the outbox, open incidents, every source, and what the checks would tell.

    Exit 1 when a source is broken.
    """
    settings, clock = begin(config)

    async def ask() -> tuple[dict[str, Any], Judging]:
        async with open_service(settings, clock) as service:
            return await state_of(service), await judging(service)

    state, judge = run(ask)
    if as_json:
        emit([state | {"judge": asdict(judge)}])
    else:
        facts = ("leader", "database", "mail_backlog", "oldest_unsent_s", "incidents_open", "unsubscribed")
        table("Status", ("", ""), ((fact.replace("_", " "), state[fact]) for fact in facts))
        columns = ("source", "verdict", "cause", "last_success", "next_run", "latest_as_of")
        table("Sources", columns, ([source[column] for column in columns] for source in state["sources"]))
        _show(judge)
    if any(source["verdict"] == "broken" for source in state["sources"]):
        raise typer.Exit(1)


def _show(judge: Judging) -> None:
    budget = f"{judge.alarm_budget} false trend days a year accepted"
    if judge.warming_until:
        print(f"Trends: {budget}; warming until {judge.warming_until}")
        return
    columns = ("metric", "a usual day", "one day above", "or below", "a week above", "or below")
    rows = [
        (one.metric, f"{one.usual:,.1f}", f"warming until {one.warming_until}", "", "", "")
        if one.warming_until
        else (
            one.metric,
            f"{one.usual:,.1f}",
            *map(_words, (one.day_above, one.day_below, one.level_above, one.level_below)),
        )
        for one in judge.metrics
    ]
    table(f"Trends: {budget}; what would be told, in changes a day", columns, rows)


def _words(bound: Bound | None) -> str:
    if bound is None:
        return "-"
    return f"{bound.change:,}" if bound.times is None else f"{bound.change:,} (×{bound.times:g})"
