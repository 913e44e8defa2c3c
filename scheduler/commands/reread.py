"""`tallywatch reread`: read stored documents again after the reader has learned."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from pipelines.rereading import Difference, count, reread
from scheduler.loop import run
from scheduler.output import ConfigOption, JsonOption, begin, emit, table
from scheduler.service import Service, open_service

app = typer.Typer(add_completion=False)


@app.command("reread", epilog="Example: tallywatch reread --dry-run --source telegram_general_staff")
def reread_(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be read differently, change nothing.")
    ] = False,
    source: Annotated[str | None, typer.Option(help="Documents of this source only.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read every stored document again, show what is read differently now, and judge it; nobody is mailed."""
    settings, clock = begin(config)

    async def work() -> list[Difference]:
        async with open_service(settings, clock) as service:
            found = await _watched(service, source, apply=not dry_run)
            if not dry_run:
                await service.court.judge(tell=False)
            return found

    found = run(work)
    if as_json:
        emit(asdict(difference) for difference in found)
        return
    columns = ("source", "document", "reader", "gained", "lost")
    table("Read differently", columns, ([_cell(getattr(row, name)) for name in columns] for row in found))


async def _watched(service: Service, source: str | None, *, apply: bool) -> list[Difference]:
    """Reread under a progress bar, on stderr: stdout is for what differs."""
    found = []
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("Reading again", total=await count(service.pool, source))
        async for difference in reread(service.pool, service.clock, source=source, apply=apply):
            progress.advance(task)
            if difference is not None:
                found.append(difference)
    return found


def _cell(value: object) -> object:
    if isinstance(value, tuple):
        return "; ".join(" ".join("–" if part is None else str(part) for part in said[1:]) for said in value)
    return value
