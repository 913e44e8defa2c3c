"""`tallywatch sources`: what is polled."""

from __future__ import annotations

from typing import Any

import typer

from scheduler.output import ConfigOption, JsonOption, begin, emit, table
from scheduler.service import declaration, polled
from spiders.sources import declared

app = typer.Typer()


@app.command(epilog="Example: tallywatch sources --json")
def sources(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List every source: who speaks there, when it is expected, and whether it is polled."""
    settings, _ = begin(config)
    chosen = polled(settings)
    rows = [_row(name, spider, polled=name in chosen) for name, spider in declared().items()]
    rows += [_row(name, declaration(source), polled=True) for name, source in chosen.items() if name not in declared()]
    if as_json:
        emit(rows)
    else:
        columns = ("source", "title", "role", "publisher", "expected", "polled")
        table("Sources", columns, ([row[column] for column in columns] for row in rows))


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
