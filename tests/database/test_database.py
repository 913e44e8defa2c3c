"""The pool, transactions, and what a person is told when PostgreSQL is away, full, too far, or wrongly named."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg
import psycopg_pool
import pytest
from psycopg.conninfo import make_conninfo

from pipelines import database, embedded
from pipelines.exceptions import DatabaseUnreachable, DatabaseUnsuitable
from tests.database import users

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Give a home whose server may be stopped."""
    yield tmp_path / "home"
    shutil.rmtree(tmp_path / "home")


async def value(pool: database.Pool, *statements: str) -> object:
    """Run statements in one transaction, and return the one value that the last of them gives."""
    async with database.connection(pool) as conn:
        for statement in statements:
            cursor = await conn.execute(statement)
        row = await cursor.fetchone()
    return next(iter(row.values())) if row else None


def test_opening_without_a_url_makes_a_ledger(home: Path) -> None:
    """The first use of a home ends in a migrated database, the second finds what the first has left."""

    async def use(sql: str) -> object:
        async with database.opened(None, home) as pool:
            return await value(pool, sql, "SELECT max(number) >= 1 FROM migrations")

    assert asyncio.run(use("CREATE TABLE kept ()")) is True
    assert asyncio.run(use("DROP TABLE kept")) is True


def test_opening_a_url(empty_conninfo: str, tmp_path: Path) -> None:
    """The server of the URL is used, and none is started in the home."""

    async def use() -> object:
        async with database.opened(empty_conninfo, tmp_path) as pool:
            return await value(pool, "SELECT max(number) >= 1 FROM migrations")

    assert asyncio.run(use()) is True
    assert not list(tmp_path.iterdir())


def test_block_is_one_transaction(conninfo: str) -> None:
    """It is kept whole or not at all."""

    async def use() -> object:
        async with database.open_pool(conninfo) as pool:
            with pytest.raises(psycopg.errors.DivisionByZero):
                await value(pool, "CREATE TABLE undone ()", "SELECT 1 / 0")
            await value(pool, "CREATE TABLE kept ()", "SELECT 1")
            return await value(pool, "SELECT to_regclass('undone') IS NULL AND to_regclass('kept') IS NOT NULL")

    assert asyncio.run(use()) is True


def test_times_are_utc_whatever_the_session_was_given(conninfo: str) -> None:
    """Options of the URL stay, but a time zone among them does not decide."""
    given = make_conninfo(conninfo, options="-c timezone=Asia/Tokyo -c work_mem=7MB")

    async def use() -> tuple[object, ...]:
        async with database.open_pool(given) as pool:
            moment = await value(pool, "SELECT '2023-03-07T10:00+02'::timestamptz")
            return moment, await value(pool, "SHOW timezone"), await value(pool, "SHOW work_mem")

    moment, zone, memory = asyncio.run(use())
    assert moment == datetime(2023, 3, 7, 8, tzinfo=UTC)
    assert isinstance(moment, datetime)
    assert str(moment.tzinfo) == "UTC"
    assert (zone, memory) == ("UTC", "7MB")


def test_connections_that_a_restart_has_cut_are_replaced(conninfo: str) -> None:
    """The first use after it succeeds already."""

    async def use() -> object:
        async with database.open_pool(conninfo) as pool:
            cut = await value(pool, "SELECT pg_backend_pid()")
            with psycopg.connect(conninfo, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", [cut])
            return await value(pool, "SELECT 'again'")

    assert asyncio.run(use()) == "again"


def test_a_restart_under_a_busy_pool_is_over_with_the_first_use(conninfo: str) -> None:
    """All its connections were cut at once: it does not wait through one after the other, longer for each."""

    async def use() -> object:
        async with database.open_pool(conninfo, patience=5) as pool:
            await asyncio.gather(*(value(pool, "SELECT pg_sleep(0.2)") for _ in range(database.POOL_SIZE)))
            with psycopg.connect(conninfo, autocommit=True) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            return await value(pool, "SELECT 'again'")

    assert asyncio.run(use()) == "again"


def test_connection_lost_inside_the_block_is_explained(conninfo: str) -> None:
    """Work in hand ends with a sentence, and the next block works."""

    async def use() -> object:
        async with database.open_pool(conninfo) as pool:
            with pytest.raises(DatabaseUnreachable, match=r"^PostgreSQL cannot be reached \(terminating connection"):
                await value(pool, "SELECT pg_terminate_backend(pg_backend_pid(), 5000)")
            return await value(pool, "SELECT 'again'")

    assert asyncio.run(use()) == "again"


def test_server_that_is_away_and_comes_back(home: Path) -> None:
    """While it is away each use ends with a sentence, after a bounded wait; then the same pool works again."""

    async def use(conninfo: str) -> object:
        async with database.open_pool(conninfo, patience=0.5) as pool:
            server, keeper = users.server_process(home), users.keeper_process(home)
            os.kill(keeper, signal.SIGSTOP)  # it would start the server again at once
            os.kill(server, signal.SIGQUIT)
            for _ in range(2):
                with pytest.raises(DatabaseUnreachable, match=r"^PostgreSQL cannot be reached \("):
                    await value(pool, "SELECT pg_sleep(10)")
            os.kill(keeper, signal.SIGCONT)
            with psycopg_pool.ConnectionPool(conninfo, open=False) as other:
                other.wait()
            return await value(pool, "SELECT 'again'")

    with embedded.server(home, fsync=False) as conninfo:
        assert asyncio.run(use(conninfo)) == "again"


def test_mistake_in_our_sql_stays_what_it_is(conninfo: str) -> None:
    """Only what a person can set right is turned into a sentence."""

    async def use() -> None:
        async with database.open_pool(conninfo) as pool:
            await value(pool, "SELECT no_such_column")

    with pytest.raises(psycopg.errors.UndefinedColumn):
        asyncio.run(use())


def test_query_that_must_give_a_row(conninfo: str) -> None:
    """`one` refuses nothing at all, `maybe` returns it."""

    async def use() -> None:
        async with database.open_pool(conninfo) as pool, database.connection(pool) as conn:
            assert await database.maybe(conn, "validators", source="none") is None
            assert await database.many(conn, "validators", source="none") == []
            await database.one(conn, "validators", source="none")

    with pytest.raises(LookupError, match="validators gave no row"):
        asyncio.run(use())


SECRET = "5ecret"  # noqa: S105 - what must not be shown


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://desk:{SECRET}@127.0.0.1:1/ledger",
        f"postgresql://desk:{SECRET}@no-such-host.invalid/ledger?connect_timeout=2",
        f"host=127.0.0.1 port=1 password={SECRET}",
    ],
)
def test_server_that_cannot_be_reached(url: str, tmp_path: Path) -> None:
    """The sentence names the server, never the password."""

    async def use() -> None:
        async with database.opened(url, tmp_path):
            pass

    with pytest.raises(DatabaseUnreachable, match=r"^PostgreSQL cannot be reached \(.*\): see that it runs") as told:
        asyncio.run(use())
    assert SECRET not in str(told.value)
    assert "127.0.0.1" in str(told.value) or "no-such-host" in str(told.value)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://desk:{SECRET}@x@host/ledger",
        f"postgresql://desk:pass/{SECRET}@host/ledger",
        f"postgresql://desk:pa%ss{SECRET}@host/ledger",
        f"postgresql://desk:{SECRET}@host:five/ledger",
        f"mysql://desk:{SECRET}@host/ledger",
        SECRET,
        "",
    ],
)
def test_malformed_url_is_refused_without_quoting_it(url: str, tmp_path: Path) -> None:
    """Part of what libpq would quote could be the password."""
    with pytest.raises(DatabaseUnsuitable, match=r"^The database URL is malformed: write ") as told:
        database.locate(url, tmp_path).__enter__()
    assert SECRET not in str(told.value)
    assert told.value.__cause__ is None


def test_full_disk_while_it_is_used(tmp_path: Path) -> None:
    """What could not be written is told; when there is room again, the same work succeeds."""
    script = FULL_DISK.format(home=str(tmp_path))
    assert users.said([*users.namespace(), users.sys.executable, "-c", script]).splitlines() == ["told", "kept"]


FULL_DISK = """
import asyncio, subprocess
from pathlib import Path
from pipelines import database, embedded
from pipelines.exceptions import DatabaseFull, DatabaseUnreachable

home = Path({home!r})
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=90m", "none", str(home)], check=True)

async def fill(pool, megabytes):
    async with database.connection(pool) as conn:
        await conn.execute("CREATE TABLE IF NOT EXISTS filled (x text)")
        await conn.execute("ALTER TABLE filled ALTER x SET STORAGE EXTERNAL")
        await conn.execute("INSERT INTO filled SELECT repeat('x', 1000000) FROM generate_series(1, %s)", [megabytes])

async def main():
    with embedded.server(home) as conninfo:
        async with database.open_pool(conninfo) as pool:
            ballast = home / "ballast"
            ballast.write_bytes(bytes(20_000_000))
            try:
                await fill(pool, 60)
            except (DatabaseFull, DatabaseUnreachable):
                print("told")
            ballast.unlink()
            for _ in range(20):
                try:
                    await fill(pool, 1)
                except DatabaseUnreachable:  # it had no room for its own log either, and is being started again
                    continue
                print("kept")
                return

asyncio.run(main())
"""
