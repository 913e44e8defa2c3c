"""`tallywatch incidents`: the work list."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.database import connection
from scheduler.checks.finding import Verdict
from scheduler.exceptions import WrongUse
from scheduler.incidents import RUNNING, Desk
from scheduler.loop import run
from scheduler.output import ConfigOption, JsonOption, begin, emit, table, words
from scheduler.service import Service, open_service

app = typer.Typer(
    add_completion=False,
    help="The work list: what was found, what was done about it.",
    no_args_is_help=True,
    epilog="Example: tallywatch incidents list --state open",
)

STATES = (*RUNNING, "closed", "withdrawn")
Number = Annotated[int, typer.Argument(metavar="ID", help="The number of the incident.")]
Numbers = Annotated[list[int], typer.Argument(metavar="ID...", help="The numbers of the incidents.")]
Note = Annotated[str | None, typer.Option(help="Why, for those who read the history.")]
By = Annotated[str | None, typer.Option(help="Who says so; else user@host.")]


@app.command("list", epilog="Example: tallywatch incidents list --state open --json")
def list_(
    state: Annotated[str | None, typer.Option(help=f"One of {', '.join(STATES)}.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List incidents, oldest first; without --state all of them."""
    if state is not None and state not in STATES:
        raise WrongUse(f"there is no state {state!r}; there are {', '.join(STATES)}")
    settings, clock = begin(config)
    states = [state] if state else None

    async def ask() -> list[dict[str, Any]]:
        async with open_service(settings, clock) as service:
            return await service.query("incidents", id=None, states=states, claimant=None, as_of=None)

    rows = run(ask)
    if as_json:
        emit(public(row) for row in rows)
    else:
        columns = ("id", "state", "severity", "kind", "metric", "as_of", "message")
        table("Incidents", columns, ([row[column] for column in columns] for row in rows))


@app.command(epilog="Example: tallywatch incidents show 12")
def show(incident: Number, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show one incident: what is wrong, who says so, the words themselves, and what was done."""
    settings, clock = begin(config)

    async def ask() -> tuple[dict[str, Any], list[dict[str, Any]]]:
        async with open_service(settings, clock) as service:
            row = await _one(service, incident)
            return row, await service.query("claims_with_words", claims=list(row["claims"]))

    row, claims = run(ask)
    if as_json:
        emit([public(row) | {"claims": [evidence(claim) for claim in claims]}])
        return
    facts = ("kind", "claimant", "metric", "as_of", "severity", "state", "source", "message", "observed", "expected")
    table(f"Incident {incident}", ("", ""), ((fact, row[fact]) for fact in facts))
    if proposed := row["suggestion"]:
        likely = (
            ("diagnosis", proposed["diagnosis"]),
            ("suggested", proposed["value"]),
            ("why", proposed["evidence"]),
        )
        table("What it probably is", ("", ""), likely)
    said = ("source", "known_at", "total", "daily", "quote", "url")
    table("The words", said, ([claim[column] for column in said] for claim in claims))
    done = ("at", "by", "how", "what", "note")
    table("History", done, ([step[column] for column in done] for step in row["history"]))


@app.command(epilog="Example: tallywatch incidents ack 12")
def ack(incidents: Numbers, note: Note = None, by: By = None, config: ConfigOption = None) -> None:
    """Acknowledge: somebody looks at it."""
    _act(incidents, config, lambda desk, one: desk.act(one, "acknowledged", by=who(by), note=note))


@app.command(epilog="Example: tallywatch incidents snooze 12 --hours 24")
def snooze(
    incidents: Numbers,
    hours: Annotated[int, typer.Option(min=1, max=24 * 90, help="For how long.")] = 24,
    note: Note = None,
    by: By = None,
    config: ConfigOption = None,
) -> None:
    """Do not ask again for a while."""

    async def act(desk: Desk, one: int) -> None:
        until = desk.at + timedelta(hours=hours)
        await desk.act(one, "snoozed", by=who(by), note=note, snoozed_until=until)

    _act(incidents, config, act)


@app.command(epilog='Example: tallywatch incidents explain 12 13 typo --note "two digits swapped"')
def explain(
    incidents: Numbers,
    verdict: Annotated[str, typer.Argument(help="typo, correction, redefinition or ours.")],
    note: Note = None,
    by: By = None,
    config: ConfigOption = None,
) -> None:
    """Say what it was: the checks and the ledger go by it from now on."""
    said = _verdict(verdict)
    _act(incidents, config, lambda desk, one: desk.act(one, "explained", by=who(by), note=note, verdict=said))


@app.command(epilog="Example: tallywatch incidents close 12")
def close(incidents: Numbers, note: Note = None, by: By = None, config: ConfigOption = None) -> None:
    """Close: nothing is left to do."""
    _act(incidents, config, lambda desk, one: desk.act(one, "closed", by=who(by), note=note))


def public(row: dict[str, Any]) -> dict[str, Any]:
    """Return an incident in its public shape."""
    names = (
        *("id", "state", "kind", "claimant", "metric", "as_of", "severity", "message", "suggestion", "verdict"),
        *("opened_at", "closed_at", "history", "source", "observed", "expected", "known_at"),
    )
    return {name: row[name] for name in names} | {"metric": row["metric"] or None}


def evidence(claim: dict[str, Any]) -> dict[str, Any]:
    """Return a claim with its words, but not the whole text."""
    return {name: claim[name] for name in claim if name != "text"}


def _act(incidents: list[int], config: Path | None, act: Callable[[Desk, int], Awaitable[None]]) -> None:
    settings, clock = begin(config)

    async def work() -> list[dict[str, Any]]:
        async with open_service(settings, clock) as service:
            async with connection(service.pool) as conn:
                desk = Desk(conn=conn, at=clock(), tell=True)
                for incident in dict.fromkeys(incidents):
                    await act(desk, incident)
            await service.judge()
            await service.deliver()
            return [await _one(service, incident) for incident in dict.fromkeys(incidents)]

    for row in run(work):
        print(f"incident {row['id']} is {row['state']}: {words(row['message'])}")


async def _one(service: Service, incident: int) -> dict[str, Any]:
    rows = await service.query("incidents", id=incident, states=None, claimant=None, as_of=None)
    if not rows:
        raise WrongUse(f"there is no incident {incident}")
    return rows[0]


def _verdict(text: str) -> Verdict:
    match text:
        case "typo" | "correction" | "redefinition" | "ours":
            return text
        case _:
            raise WrongUse(f"there is no verdict {text!r}; there are typo, correction, redefinition, ours")


def who(given: str | None) -> str:
    """Return who acts: as given, else user@host; a container may have a user without a name."""
    if given and given.strip():
        return given.strip()
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "somebody"
    return f"{user}@{socket.gethostname()}"
