"""`tallywatch evidence`: what an incident rests on, for those who want to cite or check it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from pipelines.database import connection
from scheduler.evidence.gather import gather
from scheduler.evidence.pack import Files, files, zipped
from scheduler.exceptions import TallywatchError, WrongUse
from scheduler.loop import run
from scheduler.output import ConfigOption, JsonOption, begin, emit
from scheduler.service import open_service

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: tallywatch evidence 12 --output incident-12.zip")
def evidence(
    incident: Annotated[int, typer.Argument(metavar="INCIDENT", help="The number of the incident.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A new folder, or a file that ends in .zip.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Pack the responses (WARC), quotes, hashes, figures and the SQL behind them, with a page to read."""
    settings, clock = begin(config)
    target = output or Path(f"evidence-{incident}.zip")
    if target.suffix != ".zip" and target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise WrongUse(f"{target} exists: name a new folder, or a file that ends in .zip")

    async def ask() -> Files:
        async with open_service(settings, clock) as service, connection(service.pool) as conn:
            return files(await gather(conn, incident))

    packed = run(ask)
    try:
        write(packed, target)
    except OSError as error:
        raise TallywatchError(f"{target} cannot be written: {error.strerror}") from error
    if as_json:
        manifest = hashlib.sha256(packed["SHA256SUMS"]).hexdigest()
        emit([{"incident": incident, "output": str(target), "files": sorted(packed), "sha256": manifest}])
    else:
        print(f"{len(packed)} files in {target}; begin with index.html")


def write(packed: Files, target: Path) -> None:
    """Write a pack as one file, or as a folder. Raises OSError."""
    if target.suffix == ".zip":
        part = target.with_name(f"{target.name}.part")
        part.write_bytes(zipped(packed))
        part.replace(target)
        return
    for name, content in packed.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
