"""`tallywatch doctor`: is everything configured and reachable."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import typer

from pipelines.exceptions import PipelineError
from scheduler.clock import Clock
from scheduler.config import Config, find_file
from scheduler.exceptions import TallywatchError
from scheduler.loop import run
from scheduler.output import ConfigOption, JsonOption, begin, emit, table
from scheduler.service import open_service, polled, transport
from scheduler.transport import Refusal

app = typer.Typer()

ROOM_MB = 500
"""Free space below which the disk is worth a word: a year of twelve sources needs less."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """What one look found."""

    check: str
    ok: bool
    said: str  # what was found; when it is not well, what to do


@app.command(epilog="Example: tallywatch doctor --config tallywatch.toml")
def doctor(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Check configuration, disk, database, sources and the way of the mails; exit 1 when something is not well."""
    settings, clock = begin(config)
    checks = run(lambda: examine(settings, clock, find_file(config)))
    if as_json:
        emit(asdict(check) for check in checks)
    else:
        table("Doctor", ("", "", ""), (("ok" if c.ok else "NOT OK", c.check, c.said) for c in checks))
    if not all(check.ok for check in checks):
        raise typer.Exit(1)


async def examine(settings: Config, clock: Clock, file: Path | None) -> list[Check]:
    """Look at everything, one after the other; a failure of one does not hide the next."""

    async def configuration() -> str:
        return f"read from {file}" if file else "defaults and the environment: there is no tallywatch.toml"

    async def disk() -> str:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        free = shutil.disk_usage(settings.home).free // 10**6
        if free < ROOM_MB:
            raise TallywatchError(f"{settings.home} has {free} MB left: free some space")
        return f"{settings.home} has {free} MB left"

    async def database() -> str:
        async with open_service(settings, clock) as service:
            (server,) = await service.query("server_version")
            kind = "configured" if settings.database_url else "embedded"
            return f"PostgreSQL {server['version']} ({kind}), schema up to date"

    async def sources() -> str:
        known = settings.crawl.contact
        contact = f"as {known}" if known else "without a contact: set crawl.contact, so that a site can complain"
        return f"{len(polled(settings))} are polled, {contact}"

    async def mail() -> str:
        way = transport(settings)
        try:
            return f"{await way.probe()}, to {', '.join(reader.address for reader in settings.mail.readers)}"
        finally:
            await way.close()

    async def sentry() -> str:
        return "errors go to Sentry" if settings.sentry_dsn else "no DSN: errors go to the log only"

    looks = (configuration, disk, database, sources, mail, sentry)
    return [await _look(look) for look in looks]


async def _look(look: Callable[[], Awaitable[str]]) -> Check:
    name = getattr(look, "__name__", "")
    try:
        return Check(check=name, ok=True, said=await look())
    except (TallywatchError, PipelineError, Refusal, OSError) as error:
        return Check(check=name, ok=False, said=str(error))
