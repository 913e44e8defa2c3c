"""Backups of the ledger: PostgreSQL's own dump, in its custom format, by the tools that fit the server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import psycopg
from psycopg.rows import DictRow

from pipelines import migrations
from pipelines.database import connect
from pipelines.embedded import cluster
from pipelines.exceptions import BackupFailed, ServerNotStarted

DEBIAN = Path("/usr/lib/postgresql")
"""Where Debian keeps the tools of each major version, outside PATH."""

STRICT_SETTINGS = 17
"""The first major version that knows every setting that a newer pg_restore begins with (transaction_timeout)."""


def back_up(conninfo: str, file: Path) -> int:
    """Write all that is kept, as of one moment, while others go on writing; return the size in bytes.

    The file has its name only when it is whole, and mode 0600. Raises BackupFailed.
    """
    part = file.with_name(f".{file.name}.part")
    with connect(conninfo) as conn:
        tool = _tool("pg_dump", _major(conn))
    try:
        part.touch(mode=0o600)
        _run([tool, "--format=custom", "--no-owner", "--no-privileges", f"--file={part}"], conninfo)
        part.rename(file)
    except OSError as error:
        raise BackupFailed(f"The backup cannot be written to {file}: {error.strerror}") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return file.stat().st_size


def restore(conninfo: str, file: Path) -> None:
    """Put a backup into a database in which nothing is kept yet: all of it, or nothing.

    A backup of an earlier tallywatch is brought up to date at the next start. Raises BackupFailed.
    """
    if not file.is_file():
        raise BackupFailed(f"There is no backup {file}")
    with connect(conninfo) as conn:
        major = _major(conn)
        tool = _tool("pg_restore", major)
        # As a list for people it also proves, before anything is touched, that this is a backup at all.
        if " migrations " not in _run([tool, "--list", str(file)], conninfo):
            raise BackupFailed(f"{file} is no backup of a ledger: its table of migrations is missing")
        if major < STRICT_SETTINGS and _version(tool) > major:
            raise BackupFailed(
                f"A server of version {major} needs its own pg_restore: install postgresql-client-{major}"
            )
        conn.execute(migrations.QUERIES["lock"].sql, {"key": migrations.LOCK})  # no other starter makes tables now
        _clear(conn, file)
        _run([tool, "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error",
              f"--dbname={_name(conninfo)}", str(file)], conninfo)  # fmt: skip


def _clear(conn: psycopg.Connection[DictRow], file: Path) -> None:
    """Drop the empty tables that a first start may have made."""
    tables = [row["tablename"] for row in conn.execute(migrations.QUERIES["tables"].sql)]
    if "versions" in tables and conn.execute(migrations.QUERIES["anything_kept"].sql).fetchone():
        raise BackupFailed(f"Something is kept in this database already: restore {file} into an empty one")
    if tables and "migrations" not in tables:
        raise BackupFailed("There are other tables than a ledger's in this database: restore into one of its own")
    for table in tables:
        conn.execute(psycopg.sql.SQL("DROP TABLE {} CASCADE").format(psycopg.sql.Identifier(table)))


def _major(conn: psycopg.Connection[DictRow]) -> int:
    return conn.info.server_version // 10_000


def _tool(name: str, server: int) -> str:
    """Find the tool of the server's own major version, else the oldest newer one: an older one refuses."""
    places = [shutil.which(name), *(str(path) for path in DEBIAN.glob(f"*/bin/{name}"))]
    with suppress(ServerNotStarted):
        places.append(str(cluster.binaries() / name))
    fitting = sorted({(_version(place), place) for place in places if place and _version(place) >= server})
    if not fitting:
        raise BackupFailed(f"{name} of PostgreSQL {server} or newer is missing: install postgresql-client-{server}")
    return fitting[0][1]


def _version(tool: str) -> int:
    said = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603 - found above
    found = re.search(r"\) (\d+)", said)
    return int(found[1]) if found else 0


def _name(conninfo: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(conninfo).get("dbname", ""))


def _run(command: list[str], conninfo: str) -> str:
    """Run a tool on that database, its password in the environment: arguments are seen by everybody."""
    given = psycopg.pq.Conninfo.parse(conninfo.encode())
    there = {option.envvar.decode(): option.val.decode() for option in given if option.envvar and option.val}
    done = subprocess.run(command, env=os.environ | there, capture_output=True, text=True, check=False)  # noqa: S603 - likewise
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[0]
        raise BackupFailed(f"{Path(command[0]).name} failed: {said}")
    return done.stdout
