"""`tallywatch backup`: the whole ledger in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines import backups, database
from scheduler.exceptions import WrongUse
from scheduler.output import ConfigOption, begin

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: tallywatch backup /var/backups/tallywatch.dump")
def backup(
    file: Annotated[Path, typer.Argument(help="Where to; written whole or not at all. pg_restore reads it, too.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it is there.")] = False,
    config: ConfigOption = None,
) -> None:
    """Write all that is kept (documents, ledger, incidents, mails) into one file, while the daemon goes on."""
    settings, _ = begin(config)
    if file.exists() and not overwrite:
        raise WrongUse(f"{file} is there already: name another file, or say --overwrite")
    url = settings.database_url.get_secret_value() if settings.database_url else None
    with database.locate(url, settings.home) as conninfo:
        size = backups.back_up(conninfo, file)
    print(f"Written to {file}: {size / 1e6:.1f} MB")
