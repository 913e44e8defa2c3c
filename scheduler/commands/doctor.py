"""`tallywatch doctor`: is everything configured and reachable, and what to do when it is not."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import typer

from pipelines.exceptions import PipelineError
from scheduler.clock import Clock, system_clock
from scheduler.config import Config, find_file
from scheduler.exceptions import TallywatchError
from scheduler.loop import run
from scheduler.output import ConfigOption, JsonOption, begin, emit, table
from scheduler.service import Service, declaration, open_service, polled, transport
from scheduler.transport import Refusal

app = typer.Typer(add_completion=False)

ROOM_MB = 500
"""Free space below which the disk is worth a word: a year of twelve sources needs less."""

SKEW = timedelta(seconds=10)
"""Between two clocks: more is a clock that nobody keeps."""

REACH_S = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """What one look found."""

    check: str
    ok: bool
    said: str  # what was found; when it is not well, what to do


@app.command(epilog="Example: tallywatch doctor --config tallywatch.toml")
def doctor(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Check configuration, disk, database, clock, sources, mails, Sentry and pages; exit 1 when one is not well."""
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
            return await _database(service)

    async def time() -> str:
        async with open_service(settings, clock) as service:
            return await _time(service)

    async def sources() -> str:
        return await _sources(settings)

    async def mail() -> str:
        way = transport(settings)
        try:
            return f"{await way.probe()}, to {', '.join(reader.address for reader in settings.mail.readers)}"
        finally:
            await way.close()

    async def sentry() -> str:
        return await _sentry(settings)

    async def web() -> str:
        return await _web(settings)

    looks = (configuration, disk, database, time, sources, mail, sentry, web)
    return [await _look(look) for look in looks]


async def _look(look: Callable[[], Awaitable[str]]) -> Check:
    name = getattr(look, "__name__", "")
    try:
        return Check(check=name, ok=True, said=await look())
    except (TallywatchError, PipelineError, Refusal, OSError) as error:
        return Check(check=name, ok=False, said=str(error))


async def _database(service: Service) -> str:
    (server,) = await service.query("server_version")
    (schema,) = await service.query("newest_migration")
    kind = "configured" if service.config.database_url else "embedded"
    return f"PostgreSQL {server['version']} ({kind}), schema up to date at {schema['newest']}"


async def _time(service: Service) -> str:
    if os.environ.get("TALLYWATCH_NOW"):
        raise TallywatchError("TALLYWATCH_NOW pretends another time: unset it, except for a rehearsal")
    (server,) = await service.query("server_clock")
    skew = abs(server["at"] - system_clock())
    if skew > SKEW:
        seconds = round(skew.total_seconds())
        raise TallywatchError(f"the clocks of this machine and of PostgreSQL differ by {seconds} s: run an NTP client")
    return "this machine and PostgreSQL agree"


async def _sources(settings: Config) -> str:
    known = settings.crawl.contact
    contact = f"as {known}" if known else "without a contact: set crawl.contact, so that a site can complain"
    places = {name: source.base_url or declaration(source).home for name, source in polled(settings).items()}
    answers = await asyncio.gather(*(asyncio.to_thread(_reach, place) for place in places.values()))
    away = [f"{name} ({why})" for name, why in zip(places, answers, strict=True) if why]
    if away:
        raise TallywatchError(
            f"not reached: {', '.join(away)}; look at the network and the name server, else switch the source off"
        )
    return f"all {len(places)} that are polled answer; {contact}"


async def _sentry(settings: Config) -> str:
    if settings.sentry_dsn is None:
        return "no DSN: errors go to the log only"
    parts = urlsplit(settings.sentry_dsn.get_secret_value())
    if not (parts.hostname and parts.username and parts.path.strip("/").isdigit()):
        raise TallywatchError("SENTRY_DSN is malformed: copy it from the project's settings, under Client Keys")
    why = await asyncio.to_thread(_reach, f"{parts.scheme}://{parts.hostname}:{parts.port or 443}/")
    if why:
        raise TallywatchError(f"Sentry at {parts.hostname} is not reached ({why}): errors would go to the log only")
    return f"errors go to {parts.hostname}, as {settings.watch.environment}"


async def _web(settings: Config) -> str:
    place = settings.web
    if not place.port:
        if place.public_url:
            raise TallywatchError(
                "mails would hold links that lead nowhere: set web.port, or leave web.public_url out"
            )
        return "no pages: web.port is not set"
    why = await asyncio.to_thread(_reach, f"http://{place.host}:{place.port}/healthz")
    if why:
        return f"nobody answers at {place.host}:{place.port} now: no daemon runs here"
    return f"a daemon answers at {place.host}:{place.port}"


def _reach(url: str) -> str | None:
    """Say why nobody answers at a URL. Any answer is one, whatever it says."""
    try:
        with urlopen(Request(url, method="HEAD"), timeout=REACH_S):  # noqa: S310 - a source's home or the user's own
            return None
    except HTTPError:
        return None
    except (OSError, ValueError) as error:
        return str(getattr(error, "reason", error))
