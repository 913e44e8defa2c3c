"""Bring a database to the schema of this program: numbered files, applied once each, in order."""

from __future__ import annotations

import hashlib
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg

from pipelines import queries
from pipelines.exceptions import DatabaseUnsuitable, MigrationRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from psycopg.rows import DictRow

FOLDER = queries.SQL / "migrations"
QUERIES = queries.load(queries.SQL / "migrations.sql")
LOCK = int.from_bytes(b"migrate")  # advisory lock of whoever migrates


@dataclass(frozen=True, kw_only=True, slots=True)
class Migration:
    """One step of the schema, as in 0001_ledger.sql."""

    number: int
    name: str
    sql: str
    sha256: str


def load(folder: Path) -> tuple[Migration, ...]:
    """Read the migrations; they are numbered from 1 without a gap."""
    migrations = tuple(_read(path) for path in sorted(folder.glob("*.sql")))
    for expected, migration in enumerate(migrations, start=1):
        if migration.number != expected:
            raise MigrationRefused(f"Migration {expected} is missing: {migration.name} comes in its place")
    return migrations


def _read(path: Path) -> Migration:
    named = re.fullmatch(r"(\d{4})_([a-z0-9_]+)", path.stem)
    if not named:
        raise MigrationRefused(f"{path.name} is no name for a migration: write it like 0001_ledger.sql")
    sql = path.read_text("utf-8")  # newlines as \n, whatever the checkout made of them
    return Migration(number=int(named[1]), name=path.stem, sql=sql, sha256=hashlib.sha256(sql.encode()).hexdigest())


def migrate(connection: psycopg.Connection[DictRow], *, folder: Path = FOLDER) -> tuple[Migration, ...]:
    """Apply what is missing, each in its own transaction, and say what that was.

    The connection is in autocommit, and closed afterwards: of several starters the first holds the others up with a
    lock that ends with its session, and they find nothing left to do.
    """
    known = load(folder)
    with _permitted():
        connection.execute(QUERIES["lock"].sql, {"key": LOCK})
        connection.execute(QUERIES["make_table"].sql)
        applied = connection.execute(QUERIES["applied"].sql).fetchall()
        _compare(applied, known)
        missing = known[len(applied) :]
        for migration in missing:
            _apply(connection, migration)
        return missing


@contextmanager
def _permitted() -> Iterator[None]:
    try:
        yield
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction) as error:
        raise DatabaseUnsuitable(
            f"The database URL leads to where tables cannot be made ({error.diag.message_primary}):"
            " give a database that its user owns"
        ) from error


def _compare(applied: Sequence[DictRow], known: Sequence[Migration]) -> None:
    """Refuse a database whose past is not ours: applying the rest on top of it would be a guess."""
    if len(applied) > len(known):
        raise MigrationRefused(
            f"The database has migration {applied[len(known)]['name']}, which this tallywatch does not know:"
            " it was used by a newer one; use that, or another database"
        )
    for row, migration in zip(applied, known, strict=False):
        if (row["name"], row["sha256"]) != (migration.name, migration.sha256):
            raise MigrationRefused(
                f"Migration {row['name']} was changed after this database had applied it:"
                " restore the file and put the change into a new migration"
            )


def _apply(connection: psycopg.Connection[DictRow], migration: Migration) -> None:
    with connection.transaction():
        connection.execute(migration.sql)
        connection.execute(
            QUERIES["record"].sql,
            {"number": migration.number, "name": migration.name, "sha256": migration.sha256},
        )
