"""A database that is away for a while, and comes back."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Identifier

from scheduler.leader import Absence, Candidate
from tests.daemon.conftest import Host, become, until

NOW = datetime(2023, 3, 8, 10, 0, tzinfo=UTC)


@contextmanager
def away(conninfo: str) -> Iterator[None]:
    """Have the server end every session of a database, and let nobody in."""
    name = conninfo_to_dict(conninfo)["dbname"]
    door = SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    with psycopg.connect(make_conninfo(conninfo, dbname="postgres"), autocommit=True) as server:
        server.execute(door.format(Identifier(str(name)), SQL("false")))
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        try:
            yield
        finally:
            server.execute(door.format(Identifier(str(name)), SQL("true")))


def test_an_absence_of_the_database_is_known_to_who_leads_then(conninfo: str) -> None:
    """Who stood by has nothing to tell of it, not even when it leads later."""

    async def outage() -> list[Absence | None]:
        first, second = (Candidate(conninfo, lambda: NOW, lambda: None, lambda: None) for _ in range(2))
        both = (first, second)
        for candidate in both:
            candidate.start()
        await become(lambda: first.term or second.term)
        with away(conninfo):
            await become(lambda: all(candidate.away_since for candidate in both))
        await become(lambda: (first.term or second.term) and not any(candidate.away_since for candidate in both))
        leads, follows = both if first.term else (second, first)
        told = [leads.absence, follows.absence]
        await asyncio.to_thread(leads.end)
        await become(lambda: follows.term)
        told.append(follows.absence)
        await asyncio.to_thread(follows.end)
        return told

    told, *others = asyncio.run(outage())
    assert told is not None
    assert told.since == NOW
    assert told.seconds > 0
    assert others == [None, None]


@pytest.mark.proof  # a real daemon, for as long as its pool is patient
def test_a_configuration_that_comes_while_the_database_is_away_is_adopted_when_it_is_back(host: Host) -> None:
    """Wholly: the source that is new in it is polled."""
    daemon = host.leading()
    second = '\n[sources.second]\nenabled = true\nspider = "telegram_general_staff"\n'
    with away(host.conninfo):
        until(lambda: daemon.said("The database is away"))
        host.configure(f'{second}base_url = "{host.channel.url}"\n')
        daemon.signal(signal.SIGHUP)
        until(lambda: daemon.said("The configuration is read again when the database is back"))
        assert not daemon.said("Crawled second")
    until(lambda: daemon.said("Crawled second"))
    assert daemon.process.poll() is None
    assert not daemon.said("Traceback")
