"""Backup and restore: the real commands, from one real database into another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg.sql import SQL, Identifier

from pipelines import backups, database
from pipelines.exceptions import BackupFailed
from tests.commands.conftest import Tallywatch
from tests.conftest import fresh_database


@pytest.fixture
def elsewhere(database_server: str) -> Iterator[str]:
    """Give the conninfo of another database, without any table."""
    with fresh_database(database_server) as (_, conninfo):
        yield conninfo


def dump(conninfo: str) -> dict[str, list[str]]:
    """Return every row of every table."""
    with database.connect(conninfo) as connection:
        tables = [row["tablename"] for row in connection.execute(backups.migrations.QUERIES["tables"].sql)]
        everything = "SELECT t::text AS row FROM {} AS t ORDER BY 1"
        query = {table: SQL(everything).format(Identifier(table)) for table in tables}
        return {table: [row["row"] for row in connection.execute(query[table])] for table in tables}


def test_what_was_backed_up_is_what_is_restored(
    tallywatch: Tallywatch, conninfo: str, elsewhere: str, tmp_path: Path
) -> None:
    """Every row comes back, and the restored ledger goes on: the same documents again change nothing."""
    tallywatch("crawl")
    before = tallywatch("figures", "--json").stdout
    assert before.count("\n") > 10
    made = tallywatch("backup", str(tmp_path / "ledger.dump"))
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "ledger.dump").stat().st_mode & 0o777 == 0o600

    restored = tallywatch("restore", str(tmp_path / "ledger.dump"), TALLYWATCH_DATABASE_URL=elsewhere)
    assert restored.returncode == 0, restored.stderr
    assert dump(elsewhere) == dump(conninfo)
    again = tallywatch("crawl", "--json", TALLYWATCH_DATABASE_URL=elsewhere)
    assert '"new": 0' in again.stdout
    assert tallywatch("figures", "--json", TALLYWATCH_DATABASE_URL=elsewhere).stdout == before


def test_a_ledger_in_use_is_never_overwritten(tallywatch: Tallywatch, conninfo: str, tmp_path: Path) -> None:
    """Restoring over what is kept is refused in one sentence, and changes nothing."""
    tallywatch("crawl")
    tallywatch("backup", str(tmp_path / "ledger.dump"))
    before = dump(conninfo)
    refused = tallywatch("restore", str(tmp_path / "ledger.dump"))
    assert refused.returncode == 1
    assert "Something is kept in this database already" in refused.stderr
    assert dump(conninfo) == before


def test_a_file_is_not_overwritten_unasked(tallywatch: Tallywatch, tmp_path: Path) -> None:
    """An earlier backup is worth more than a short command."""
    (tmp_path / "ledger.dump").write_text("precious")
    refused = tallywatch("backup", str(tmp_path / "ledger.dump"))
    assert refused.returncode == 2
    assert (tmp_path / "ledger.dump").read_text() == "precious"
    assert tallywatch("backup", str(tmp_path / "ledger.dump"), "--overwrite").returncode == 0


def test_rubbish_is_refused_before_anything_is_touched(conninfo: str, tmp_path: Path) -> None:
    """A file that is no backup leaves the database as it was."""
    before = dump(conninfo)
    (tmp_path / "rubbish").write_bytes(b"PGDMP\x00\x01" * 99)
    with pytest.raises(BackupFailed, match="pg_restore failed"):
        backups.restore(conninfo, tmp_path / "rubbish")
    assert dump(conninfo) == before


def test_a_foreign_database_is_left_alone(elsewhere: str, conninfo: str, tmp_path: Path) -> None:
    """Tables that are not a ledger's are nothing to be dropped."""
    backups.back_up(conninfo, tmp_path / "ledger.dump")
    with database.connect(elsewhere) as connection:
        connection.execute("CREATE TABLE payroll (name text)")
    with pytest.raises(BackupFailed, match="other tables than a ledger's"):
        backups.restore(elsewhere, tmp_path / "ledger.dump")


def test_a_backup_that_cannot_be_written_leaves_no_half(conninfo: str, tmp_path: Path) -> None:
    """Its place is missing: one sentence, and no part of a file anywhere."""
    with pytest.raises(BackupFailed, match="cannot be written"):
        backups.back_up(conninfo, tmp_path / "nowhere" / "ledger.dump")
    assert list(tmp_path.rglob("*.part")) == []
