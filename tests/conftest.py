"""A real PostgreSQL for every test that asks for `conninfo`: an empty ledger of its own, gone afterwards.

One server serves the run, whichever worker starts it: the embedded one in a temporary home, or the one of
TALLYWATCH_DATABASE_URL, whose user must be allowed to create databases.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from pipelines import database, embedded
from pipelines.migrations import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator

HOME = "TALLYWATCH_TESTS_HOME"  # environment: where the workers find the home of the server that they share


def pytest_configure(config: pytest.Config) -> None:
    """Make the home once, in the process that starts the workers; they inherit its name."""
    if not hasattr(config, "workerinput"):
        os.environ[HOME] = tempfile.mkdtemp(prefix="tallywatch-tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove it when they have ended."""
    if not hasattr(config, "workerinput"):
        # After Ctrl-C the server may still be stopping in there, and take a file from under us.
        shutil.rmtree(os.environ.pop(HOME), ignore_errors=True)


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: the tests of commands and of the daemon mostly wait."""
    return (os.cpu_count() or 1) + 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what the long proofs measured: a worker prints to nobody."""
    for report in (*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{name}: {value}")


@pytest.fixture(scope="session")
def database_server() -> Iterator[str]:
    """Give the conninfo of a server on which databases can be created."""
    url = os.environ.get("TALLYWATCH_DATABASE_URL")
    if url:
        yield make_conninfo(url)
        return
    with embedded.server(Path(os.environ[HOME]), fsync=False) as conninfo:
        yield conninfo


@pytest.fixture(scope="session")
def template(database_server: str) -> Iterator[str]:
    """Give the name of a database that was migrated and never used."""
    with fresh_database(database_server) as (name, conninfo):
        with database.connect(conninfo) as connection:
            migrate(connection)
        yield name


@pytest.fixture
def conninfo(database_server: str, template: str) -> Iterator[str]:
    """Give the conninfo of an empty ledger."""
    with fresh_database(database_server, template=template) as (_, conninfo):
        yield conninfo


@pytest.fixture
def empty_conninfo(database_server: str) -> Iterator[str]:
    """Give the conninfo of a database without any table."""
    with fresh_database(database_server) as (_, conninfo):
        yield conninfo


@contextmanager
def fresh_database(server: str, *, template: str = "template0") -> Iterator[tuple[str, str]]:
    """Create a database, give its name and conninfo, and drop it with whatever is still connected."""
    name = f"tallywatch_test_{uuid4().hex}"
    create = SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(template))
    drop = SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name))
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(create)
        try:
            yield name, make_conninfo(server, dbname=name)
        finally:
            connection.execute(drop)
