"""`tallywatch restore`: put a backup into an empty database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines import backups, database
from pipelines.migrations import migrate
from scheduler.output import ConfigOption, begin

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: tallywatch restore /var/backups/tallywatch.dump")
def restore(
    file: Annotated[Path, typer.Argument(help="What `tallywatch backup` wrote.")],
    config: ConfigOption = None,
) -> None:
    """Put a backup into a database in which nothing is kept yet, and bring it up to date: all of it, or nothing."""
    settings, _ = begin(config)
    url = settings.database_url.get_secret_value() if settings.database_url else None
    with database.locate(url, settings.home) as conninfo:
        backups.restore(conninfo, file)
        with database.connect(conninfo) as connection:
            migrate(connection)
    print(f"Restored from {file}; `tallywatch status` shows what is there")
