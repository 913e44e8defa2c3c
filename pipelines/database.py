"""Where the database is, and how it is used: one pool, transactions, errors that a person understands.

with database.locate(url, home) as conninfo:
    migrations.migrate(conninfo)
    async with database.open_pool(conninfo) as pool, database.transaction(pool) as connection:
        await connection.execute(QUERIES["…"].sql, {…})
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolClosed

from pipelines import embedded
from pipelines.exceptions import DatabaseFull, DatabaseUnreachable, DatabaseUnsuitable, Deposed
from pipelines.migrations import migrate
from pipelines.queries import QUERIES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

Connection: TypeAlias = psycopg.AsyncConnection[DictRow]
OpenPool: TypeAlias = AsyncConnectionPool[Connection]

PROCESS = f"tallywatch {socket.gethostname()[:30]}/{os.getpid()}-{secrets.token_hex(3)}"
"""The name of all sessions of this process at the server: whoever leads next can end them (query `depose`)."""

OLDEST_SERVER = 15  # Debian 12 has it, and the tests pass on it
CONNECT_PATIENCE = 10  # seconds, for each address of the host
POOL_PATIENCE = 10.0  # seconds to wait for a free connection
PORTION = 5_000  # rows of a query that gives hundreds of thousands
CHECK_S = 3.0  # for a connection to show that it still stands
POOL_SIZE = 8  # a crawl, the judge, the mailer and the health page each hold one for milliseconds

DEAD_LINE = {"keepalives_idle": 10, "keepalives_interval": 3, "keepalives_count": 3, "tcp_user_timeout": 10_000}
"""After a cut of the network a statement fails within about ten seconds; libpq by itself would wait for hours."""

DISK_FULL = "53100"  # SQLSTATE
SERVER_LEFT = ("08", "57P")  # SQLSTATEs that begin so: connection lost; shut down, crashed, starting, database dropped


@dataclass(frozen=True, kw_only=True, slots=True)
class Fenced:
    """A pool for one term of the leader: once another daemon leads, none of its transactions has any effect."""

    pool: OpenPool
    term: int

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Run the block as one transaction, during which nobody else can begin to lead. Raises Deposed."""
        async with self.pool.connection() as conn:
            if await maybe(conn, "hold_term", term=self.term) is None:
                raise Deposed("another daemon leads now: nothing of this was kept, it does it again")
            yield conn


Pool: TypeAlias = OpenPool | Fenced


@asynccontextmanager
async def opened(url: str | None, home: Path) -> AsyncIterator[OpenPool]:
    """Find the database, bring it up to date, and open the pool of this process. Blocks the loop until that is done.

    Raises a PipelineError.
    """
    with locate(url, home) as conninfo:
        with connect(conninfo) as plain:
            migrate(plain)
        async with open_pool(conninfo) as pool:
            yield pool


@contextmanager
def locate(url: str | None, home: Path) -> Iterator[str]:
    """Give the conninfo of the database: that of the URL, else that of the embedded server in the home.

    Blocks while an embedded server starts: half a second the first time, a tenth later.
    """
    if url is not None:
        yield _checked(url)
        return
    with embedded.server(home) as conninfo:
        yield conninfo


def revive(url: str | None, home: Path) -> None:
    """Have an embedded server run again that was found gone; one that is configured is somebody else's.

    Raises HomeUnusable or ServerNotStarted.
    """
    if url is None:
        embedded.revive(home)


def _checked(url: str) -> str:
    if not _well_formed(url):
        raise DatabaseUnsuitable(
            "The database URL is malformed: write postgresql://user:password@host:5432/name,"
            " with every special character of the password percent-encoded"
        )
    return make_conninfo(url)


def _well_formed(url: str) -> bool:
    """Tell a URL whose password was read as something else: libpq would quote that part, and it must reach no log."""
    try:
        parts = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except psycopg.ProgrammingError:
        return False
    host, name, port = (parts.get(key, "") for key in ("host", "dbname", "port"))
    return (
        bool(parts) and ("@" not in host or host.startswith("/")) and "@" not in name and not port.strip("0123456789,")
    )


@contextmanager
def connect(conninfo: str) -> Iterator[psycopg.Connection[DictRow]]:
    """Open one plain connection, each statement for itself: for what is done before there is a loop."""
    with explained(), psycopg.connect(session(conninfo), autocommit=True, row_factory=dict_row) as connection:
        if connection.info.server_version < OLDEST_SERVER * 10_000:
            raise DatabaseUnsuitable(
                f"tallywatch needs PostgreSQL {OLDEST_SERVER} or newer, and the server of the database URL"
                f" is {connection.info.parameter_status('server_version')}: upgrade it, or leave the URL out"
            )
        yield connection


@asynccontextmanager
async def open_pool(
    conninfo: str, *, size: int = POOL_SIZE, patience: float = POOL_PATIENCE
) -> AsyncIterator[OpenPool]:
    """Open the pool of a process, in the loop in which it will be used."""

    async def check(conn: Connection) -> None:
        """Refuse a connection that the server has ended, and those that lie beside it: they ended with it.

        The pool by itself tries one after the other, with a pause before each that doubles: after a restart of the
        server, four of them outlast everybody's patience.
        """
        try:
            async with asyncio.timeout(CHECK_S):  # a wire may be dead though whoever stands between us says nothing
                await AsyncConnectionPool.check_connection(conn)
        except (psycopg.OperationalError, TimeoutError):
            await pool.drain()
            raise

    conninfo = session(conninfo)
    with explained():  # first without a pool, which would only tell that it waited in vain
        await (await psycopg.AsyncConnection.connect(conninfo)).close()
    pool = AsyncConnectionPool(
        conninfo,
        connection_class=psycopg.AsyncConnection[DictRow],
        kwargs={"row_factory": dict_row},
        min_size=1,
        max_size=size,
        timeout=patience,
        reconnect_timeout=patience,  # 300: its pauses double, and would outlast a server's absence by minutes
        open=False,  # the constructor would look for a loop
        check=check,  # else the first uses after a restart of the server fail
        name="tallywatch",
    )
    async with pool:
        yield pool


@asynccontextmanager
async def connection(pool: Pool) -> AsyncIterator[Connection]:
    """Run the block as one transaction: kept when it ends, undone when it raises.

    Raises DatabaseUnreachable or DatabaseFull if that is why it could not be kept.
    """
    with explained():
        async with pool.connection() as conn:
            yield conn


async def run(conn: Connection, name: str, /, **values: Any) -> int:
    """Run a named query for its effect; return how many rows it touched."""
    return (await conn.execute(QUERIES[name].sql, values)).rowcount


async def many(conn: Connection, name: str, /, **values: Any) -> list[DictRow]:
    """Return the rows of a named query."""
    return await (await conn.execute(QUERIES[name].sql, values)).fetchall()


async def stream(conn: Connection, name: str, /, **values: Any) -> AsyncIterator[list[DictRow]]:
    """Give the rows of a named query in portions, for those that no memory should hold at once."""
    async with conn.cursor(name) as cursor:
        await cursor.execute(QUERIES[name].sql, values)
        while rows := await cursor.fetchmany(PORTION):
            yield rows


async def maybe(conn: Connection, name: str, /, **values: Any) -> DictRow | None:
    """Return the row of a named query, if it gives one."""
    return await (await conn.execute(QUERIES[name].sql, values)).fetchone()


async def one(conn: Connection, name: str, /, **values: Any) -> DictRow:
    """Return the row of a named query that always gives one."""
    row = await maybe(conn, name, **values)
    if row is None:
        raise LookupError(f"The query {name} gave no row")
    return row


@contextmanager
def explained() -> Iterator[None]:
    """Say in one sentence that PostgreSQL is away or full. What our own SQL did wrong stays what it is."""
    try:
        yield
    except PoolClosed:  # our mistake: used after its end
        raise
    except psycopg.OperationalError as error:
        if error.sqlstate == DISK_FULL:
            raise DatabaseFull(
                "The disk of PostgreSQL is full: free some space; what is undone now will be done again"
            ) from error
        if error.sqlstate is None or error.sqlstate.startswith(SERVER_LEFT):
            raise DatabaseUnreachable(
                f"PostgreSQL cannot be reached ({_reason(error)}): see that it runs and that the database URL is right"
            ) from error
        raise


def _reason(error: psycopg.Error) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].removeprefix("connection failed: ")


def session(conninfo: str) -> str:
    """Have sessions think in UTC and carry our name, beside whatever the conninfo brings; never wait for ever."""
    parts = conninfo_to_dict(conninfo)
    options = f"{parts.get('options') or ''} -c timezone=UTC".strip()
    patience = {name: parts.get(name) or value for name, value in DEAD_LINE.items()}
    patience["connect_timeout"] = parts.get("connect_timeout") or CONNECT_PATIENCE
    return make_conninfo(conninfo, options=options, application_name=PROCESS, **patience)
