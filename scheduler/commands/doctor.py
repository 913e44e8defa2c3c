"""`tallywatch doctor`: is everything configured and reachable, and what to do when it is not.

It looks and changes nothing: whoever runs it may be another user than the daemon's, or of another release. Only an
embedded PostgreSQL is started where none runs.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import typer
from psycopg import Connection, errors
from psycopg.rows import DictRow

from pipelines import database, migrations
from pipelines.exceptions import PipelineError
from pipelines.queries import QUERIES
from scheduler.clock import system_clock
from scheduler.config import Config, find_file
from scheduler.exceptions import TallywatchError
from scheduler.loop import run
from scheduler.output import ConfigOption, JsonOption, begin, emit, table
from scheduler.service import declaration, polled, transport
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
    settings, _ = begin(config)
    checks = run(lambda: examine(settings, find_file(config)))
    if as_json:
        emit(asdict(check) for check in checks)
    else:
        table("Doctor", ("", "", ""), (("ok" if c.ok else "NOT OK", c.check, c.said) for c in checks))
    if not all(check.ok for check in checks):
        raise typer.Exit(1)


async def examine(settings: Config, file: Path | None) -> list[Check]:
    """Look at everything, one after the other; a failure of one does not hide the next."""

    async def configuration() -> str:
        return f"read from {file}" if file else "defaults and the environment: there is no tallywatch.toml"

    async def disk() -> str:
        free = shutil.disk_usage(_there(settings.home)).free // 10**6
        if free < ROOM_MB:
            raise TallywatchError(f"{settings.home} has {free} MB left: free some space")
        return f"{settings.home} has {free} MB left"

    async def database() -> str:
        with _connected(settings) as connection:
            kind = "configured" if settings.database_url else "embedded"
            return f"PostgreSQL {connection.info.parameter_status('server_version')} ({kind}), {_schema(connection)}"

    async def time() -> str:
        with _connected(settings) as connection:
            return _time(connection)

    async def sources() -> str:
        return await _sources(settings)

    async def mail() -> str:
        way = transport(settings)
        try:
            said = await way.probe() if settings.smtp_url else _maildir(settings.home / "Maildir")
            return f"{said}, to {', '.join(reader.address for reader in settings.mail.readers)}"
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


def _there(path: Path) -> Path:
    """Return a path, or the nearest folder above it that exists."""
    return next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())


@contextmanager
def _connected(settings: Config) -> Iterator[Connection[DictRow]]:
    url = settings.database_url.get_secret_value() if settings.database_url else None
    with database.locate(url, settings.home) as conninfo, database.connect(conninfo) as connection:
        yield connection


def _schema(connection: Connection[DictRow]) -> str:
    """Compare the migrations of the database with ours, without applying any."""
    known = migrations.load(migrations.FOLDER)
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(migrations.QUERIES["make_table"].sql)  # in an empty database: could the daemon?
            applied = connection.execute(migrations.QUERIES["applied"].sql).fetchall()
    except (errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction) as error:
        raise TallywatchError(
            f"tables cannot be made there ({error.diag.message_primary}): give a database that its user owns"
        ) from error
    for row, migration in zip(applied, known, strict=False):
        if (row["name"], row["sha256"]) != (migration.name, migration.sha256):
            raise TallywatchError(f"its migration {row['name']} is not that of this release: use the one that made it")
    if len(applied) > len(known):
        raise TallywatchError(f"the schema is at {applied[-1]['name']}, of a newer release: use that")
    if not applied:
        return "no tables yet: the daemon makes them when it starts"
    if len(applied) < len(known):
        raise TallywatchError(
            f"the schema is at {applied[-1]['name']}, behind {known[-1].name} of this release:"
            " start the daemon, which migrates"
        )
    return f"schema up to date at {known[-1].name}"


def _maildir(path: Path) -> str:
    """Say whether mails could be written; the folders are made by whoever writes the first. Raises Refusal."""
    for folder in ("tmp", "new", "cur"):
        there = _there(path / folder)
        if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
            raise Refusal(f"{path} cannot be written: see what is there, and whose {there} is")
    return f"{path} takes mails"


def _time(connection: Connection[DictRow]) -> str:
    if os.environ.get("TALLYWATCH_NOW"):
        raise TallywatchError("TALLYWATCH_NOW pretends another time: unset it, except for a rehearsal")
    (server,) = connection.execute(QUERIES["server_clock"].sql)
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
    place = sentry_place(settings.sentry_dsn.get_secret_value())
    host = urlsplit(place).hostname
    why = await asyncio.to_thread(_reach, place)
    if why:
        raise TallywatchError(f"Sentry at {host} is not reached ({why}): errors would go to the log only")
    return f"errors go to {host}, as {settings.watch.environment}"


def sentry_place(dsn: str) -> str:
    """Return the URL of the host of a DSN, as in https://key@host/prefix/42. Raises TallywatchError."""
    malformed = TallywatchError("SENTRY_DSN is malformed: copy it from the project's settings, under Client Keys")
    try:
        parts = urlsplit(dsn)
        whole = parts.scheme in {"http", "https"} and parts.hostname and parts.username
        port = parts.port
    except ValueError as error:
        raise malformed from error
    if not whole or port == 0 or not parts.path.rpartition("/")[2].isdecimal():
        raise malformed
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/"


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
