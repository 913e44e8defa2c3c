"""`tallywatch sources`: what is polled."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from pipelines.observations import Sayings
from pipelines.witnesses import Pair, pairs
from scheduler.clock import Clock
from scheduler.config import Config
from scheduler.loop import run
from scheduler.output import ConfigOption, JsonOption, begin, emit, table
from scheduler.service import declaration, open_service, polled
from spiders.sources import declared

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: tallywatch sources --copies")
def sources(
    copies: Annotated[
        bool, typer.Option("--copies", help="Which sources copy one another, by lag and shared errors in the ledger.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List every source: who speaks there, when it is expected, and whether it is polled."""
    settings, clock = begin(config)
    if copies:
        _show([asdict(pair) | {"copies": pair.copies} for pair in _pairs(settings, clock)], as_json=as_json)
        return
    chosen = polled(settings)
    rows = [_row(name, spider, polled=name in chosen) for name, spider in declared().items()]
    rows += [_row(name, declaration(source), polled=True) for name, source in chosen.items() if name not in declared()]
    if as_json:
        emit(rows)
    else:
        columns = ("source", "title", "role", "publisher", "expected", "polled")
        table("Sources", columns, ([row[column] for column in columns] for row in rows))
        print("The past of each can be fetched another way: tallywatch backfill --via wayback, --via warc")


def _pairs(settings: Config, clock: Clock) -> list[Pair]:
    """Compare the sources on everything that the ledger holds."""

    async def ask() -> list[Pair]:
        async with open_service(settings, clock) as service:
            return pairs(Sayings().observations(await service.query("observations", versions=None)))

    return run(ask)


def _show(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        emit(rows)
    elif rows:
        table("Sources that say the same", tuple(rows[0]), (list(row.values()) for row in rows))
    else:
        print("no two sources have reported the same cells yet")


def _row(name: str, spider: Any, *, polled: bool) -> dict[str, Any]:
    window = spider.window
    expected = f"{window.opens:%H:%M}–{window.closes:%H:%M} Kyiv" if window else ""
    return {
        "source": name,
        "title": spider.title,
        "role": spider.role,
        "publisher": spider.publisher,
        "claimant": spider.claimant,
        "language": spider.language,
        "url": spider.home,
        "expected": expected,
        "polled": polled,
    }
