"""`tallywatch backfill`: fill a window of the past."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import Coroutine
from typing import Annotated, Any, TypeVar

import typer

from scheduler.backfill import plan as planning
from scheduler.backfill.plan import Plan
from scheduler.backfill.showing import watching
from scheduler.backfill.ways import ITSELF, WAYS, Way, way_named
from scheduler.backfill.work import Rows, Work
from scheduler.clock import day, kyiv_day
from scheduler.commands.backfill_files import WARC, scan_files, show_files
from scheduler.crawling import Source
from scheduler.exceptions import TallywatchError, WrongUse
from scheduler.loop import run
from scheduler.output import ConfigOption, JsonOption, begin, emit, table
from scheduler.service import Service, open_service

T = TypeVar("T")
app = typer.Typer(add_completion=False)


@app.command(
    epilog="Example: tallywatch backfill --from 2022-02-24 --to 2022-12-31 --source telegram_general_staff --dry-run",
)
def backfill(
    files: Annotated[
        list[str] | None, typer.Argument(help="With --via warc: WARC or WACZ files, patterns or http(s) URLs of them.")
    ] = None,
    first: Annotated[str | None, typer.Option("--from", help="First Kyiv day, such as 2022-02-24.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last Kyiv day; it is filled as well.")] = None,
    source: Annotated[list[str] | None, typer.Option(help="A source, may be repeated; else all.")] = None,
    via: Annotated[str, typer.Option(help=f"How the past is fetched: {', '.join([*WAYS, WARC])}.")] = ITSELF,
    dask: Annotated[str | None, typer.Option(help="With --via warc: a Dask scheduler, as tcp://HOST:8786.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what is missing, fetch nothing.")] = False,
    mail: Annotated[bool, typer.Option("--mail", help="Mail what is found, as if it were news.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch the days of which no report is kept, judge them silently, and show what you would have been told.

    It can be stopped or killed at any point; run again, it goes on. Several can work at once, on one machine or more.
    """
    settings, clock = begin(config)
    if via == WARC:
        order = files or [], source or [], first, last
        found = run(lambda: until_told(scan_files(settings, clock, *order, dask=dask, tell=mail)))
        emit(found) if as_json else show_files(found)
        if any(row["failed"] or row["problems"] for row in found):
            raise typer.Exit(1)
        return
    if files or dask:
        raise WrongUse("files and --dask are for --via warc")
    if first is None or last is None:
        raise WrongUse("--from and --to say which days to fill")
    asked = planning.window(day(first, "--from"), day(last, "--to"), kyiv_day(clock()))
    way = way_named(via, settings)

    async def work() -> bool:
        async with open_service(settings, clock) as service:
            chosen = {each.name: each for each in service.named(source or [])}
            plan = await planning.make(service, chosen.values(), asked, via=via, way=way)
            say_out_of_reach(plan)
            if dry_run:
                show_plan(plan, as_json=as_json)
                return True
            rows = await until_told(fill(service, plan, way, chosen, tell=mail))
            show_findings(await findings(service, plan), as_json=as_json)
            beyond = {part.source for part in plan.out_of_reach} & set(source or [])
            return all(row["state"] == "done" for row in rows) and not beyond

    if not run(work):
        raise typer.Exit(1)


async def fill(service: Service, plan: Plan, way: Way, sources: dict[str, Source], *, tell: bool) -> Rows:
    """Fetch what is planned and judge it; return the units as they are then."""
    if not plan.units:
        say(f"Nothing is missing from {plan.window.first} to {plan.window.last} that could be asked for")
    with watching(plan.units) as watch:
        work = Work(service=service, plan=plan, way=way, sources=sources, quiet=not tell, watch=watch)
        rows = await work.run()
    for row in (row for row in rows if row["state"] != "done"):
        say(f"Not filled: {row['source']} {row['first']} to {row['last']}: {row['problem'] or 'the source refused'}")
    if any(row["state"] != "done" for row in rows):
        say("The same command tries them again; docs/runbook.md says what each cause asks for")
    if await service.query("unjudged"):
        say("Judging")
        await service.court.judge(tell=True)  # what is quiet stays so: it is what a daemon brings that is told
    if tell:
        await service.teller.tell()
        await service.deliver()
    return rows


async def until_told(work: Coroutine[Any, Any, T]) -> T:
    """Work until SIGINT or SIGTERM; a second one leaves at once. Raises TallywatchError when it was told to stop."""
    stop = asyncio.Event()

    def told() -> None:
        if stop.is_set():
            os._exit(1)  # everything can be killed at any point and run again
        say("Stopping: what is being fetched is let go of; once more leaves at once")
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told)
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise TallywatchError("stopped: what was kept is kept; the same command goes on where this one ended")
    finally:
        for task in (working, stopping):
            task.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)


async def findings(service: Service, plan: Plan) -> list[dict[str, Any]]:
    """Return what a person would have been mailed of the window."""
    return await service.query("would_have_told", first=plan.window.first, last=plan.window.last)


def say(sentence: str) -> None:
    """Say something of the work: stdout is for what it finds."""
    print(sentence, file=sys.stderr, flush=True)


def say_out_of_reach(plan: Plan) -> None:
    """Say what nobody need wait for."""
    for part in plan.out_of_reach:
        days = f"{part.window.first} to {part.window.last} ({part.missing} days)"
        say(f"Out of reach: {part.source} {days}: {part.why}")


def show_plan(plan: Plan, *, as_json: bool) -> None:
    """Show what would be fetched."""
    rows = [(unit.source, unit.window.first, unit.window.last, unit.missing) for unit in plan.units]
    if as_json:
        emit(dict(zip(("source", "from", "to", "missing"), row, strict=True)) for row in rows)
    elif rows:
        table("To be fetched", ("source", "from", "to", "missing days"), rows)
    else:
        say(f"Nothing is missing from {plan.window.first} to {plan.window.last} that could be asked for")


def show_findings(found: list[dict[str, Any]], *, as_json: bool) -> None:
    """Show what you would have been told, and how often what."""
    if as_json:
        emit(found)
        return
    columns = ("day", "kind", "metric", "message")
    table("What you would have been told", columns, ([row[column] for column in columns] for row in found))
    kinds = Counter(row["kind"] for row in found)
    table("By kind", ("kind", "findings"), kinds.most_common())
