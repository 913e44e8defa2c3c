"""Migrations: applied once, in order, by one of many; refused when their past is not ours."""

from __future__ import annotations

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from pipelines import database, migrations, queries
from pipelines.embedded import cluster
from pipelines.exceptions import DatabaseUnsuitable, MigrationRefused

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Hold two migrations, of which the second needs the first."""
    (tmp_path / "0001_tanks.sql").write_text("CREATE TABLE tanks (seen integer);\nINSERT INTO tanks VALUES (1);\n")
    (tmp_path / "0002_more_tanks.sql").write_text("INSERT INTO tanks VALUES (2);\n")
    return tmp_path


def migrate(conninfo: str, folder: Path) -> list[str]:
    """Migrate as a starting process does, and name what was applied."""
    with database.connect(conninfo) as connection:
        return [migration.name for migration in migrations.migrate(connection, folder=folder)]


def rows(conninfo: str, sql: str) -> list[object]:
    """Return the first column."""
    with database.connect(conninfo) as connection:
        return [next(iter(row.values())) for row in connection.execute(sql)]


def test_missing_ones_are_applied_in_order_and_recorded(empty_conninfo: str, folder: Path) -> None:
    """What was applied is recorded with its name and checksum; a second start finds nothing to do."""
    assert migrate(empty_conninfo, folder) == ["0001_tanks", "0002_more_tanks"]
    assert migrate(empty_conninfo, folder) == []
    assert rows(empty_conninfo, "SELECT seen FROM tanks ORDER BY seen") == [1, 2]
    assert rows(empty_conninfo, "SELECT number FROM migrations ORDER BY number") == [1, 2]
    assert rows(empty_conninfo, "SELECT sha256 FROM migrations ORDER BY number") == [
        migration.sha256 for migration in migrations.load(folder)
    ]


def test_only_new_ones_are_applied_later(empty_conninfo: str, folder: Path) -> None:
    """A newer program brings an older database forward."""
    newest = folder / "0002_more_tanks.sql"
    text = newest.read_text()
    newest.unlink()
    migrate(empty_conninfo, folder)
    newest.write_text(text)
    assert migrate(empty_conninfo, folder) == ["0002_more_tanks"]


def test_one_of_many_starters_migrates(empty_conninfo: str, folder: Path) -> None:
    """Eight at once: one applies both, seven find them applied."""
    with ThreadPoolExecutor(8) as starters:
        applied = list(starters.map(lambda _: migrate(empty_conninfo, folder), range(8)))
    assert sorted(applied) == [[]] * 7 + [["0001_tanks", "0002_more_tanks"]]


def test_failed_migration_leaves_nothing(empty_conninfo: str, folder: Path) -> None:
    """Each is one transaction: those before it stay, nothing of it does, and a repaired file is applied."""
    third = folder / "0003_broken.sql"
    third.write_text("INSERT INTO tanks VALUES (3);\nINSERT INTO no_such_table VALUES (1);\n")
    with pytest.raises(database.psycopg.errors.UndefinedTable):
        migrate(empty_conninfo, folder)
    assert rows(empty_conninfo, "SELECT seen FROM tanks ORDER BY seen") == [1, 2]
    third.write_text("INSERT INTO tanks VALUES (3);\n")
    assert migrate(empty_conninfo, folder) == ["0003_broken"]


def test_changed_migration_is_refused(empty_conninfo: str, folder: Path) -> None:
    """A file that no longer says what was applied stops the start."""
    migrate(empty_conninfo, folder)
    (folder / "0001_tanks.sql").write_text("CREATE TABLE tanks (seen bigint);")
    with pytest.raises(MigrationRefused, match="0001_tanks was changed after"):
        migrate(empty_conninfo, folder)


def test_database_of_a_newer_program_is_refused(empty_conninfo: str, folder: Path) -> None:
    """An older program does not touch a database that is ahead of it."""
    migrate(empty_conninfo, folder)
    (folder / "0002_more_tanks.sql").unlink()
    with pytest.raises(MigrationRefused, match="has migration 0002_more_tanks, which this tallywatch does not know"):
        migrate(empty_conninfo, folder)


@pytest.mark.parametrize(("name", "said"), [("0004_gap.sql", "Migration 3 is missing"), ("tanks.sql", "no name")])
def test_misnumbered_file_is_refused(folder: Path, name: str, said: str) -> None:
    """Numbers run without a gap."""
    (folder / name).write_text("SELECT 1;")
    with pytest.raises(MigrationRefused, match=said):
        migrations.load(folder)


def test_user_without_rights_is_told(empty_conninfo: str, folder: Path) -> None:
    """A database in which tables cannot be made is named as the reason."""
    read_only = f"{empty_conninfo} options='-c default_transaction_read_only=on'"
    with pytest.raises(DatabaseUnsuitable, match="tables cannot be made"):
        migrate(read_only, folder)


def test_schema_is_the_sum_of_the_migrations(empty_conninfo: str, conninfo: str) -> None:
    """A database made by schema.sql and one made by the migrations are the same, to the last comment."""
    with database.connect(empty_conninfo) as connection:
        connection.execute((queries.SQL / "schema.sql").read_text("utf-8"))
    with database.connect(conninfo) as connection:
        connection.execute("DROP TABLE migrations")
    assert dump(empty_conninfo) == dump(conninfo)


def dump(conninfo: str) -> list[str]:
    """Describe a database as pg_dump does, without what differs between two runs of it."""
    command = [cluster.binaries() / "pg_dump", "--schema-only", "--no-owner", f"--dbname={conninfo}"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [line for line in text.splitlines() if not re.match(r"\\(un)?restrict ", line)]
