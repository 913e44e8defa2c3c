from __future__ import annotations

import os
import select
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.daemon.conftest import Host, Started, until
from tests.database import users

TAKEOVER_S = 10.0


def pair(host: Host) -> tuple[Started, Started]:
    """Start two daemons: the first leads."""
    first = host.leading()
    second = host.start()
    until(lambda: second.said("standing by"))
    return first, second


@contextmanager
def takeover_within(second: Started, seconds: float = TAKEOVER_S) -> Iterator[None]:
    """Fail when the other daemon leads later than promised."""
    assert not second.said("Leading as")
    yield
    until(lambda: second.said("Leading as"), seconds)


def test_one_that_is_killed_is_followed_within_ten_seconds(host: Host) -> None:
    """The lock falls with the session."""
    first, second = pair(host)
    with takeover_within(second):
        first.process.kill()
    assert host.term() == 2


@pytest.mark.proof  # a real daemon or command, for ten seconds
def test_one_that_is_stopped_is_followed_and_has_no_effect_any_more(host: Host) -> None:
    """A stopped leader keeps its sessions; it is followed all the same, and when it goes on it stands by."""
    first, second = pair(host)
    with takeover_within(second):
        first.signal(signal.SIGSTOP)
    assert host.term() == 2
    first.signal(signal.SIGCONT)
    until(lambda: first.said("No longer leading"))
    assert host.term() == 2
    assert first.process.poll() is None
    with takeover_within(first_again(first)):
        second.process.kill()


def first_again(first: Started) -> Started:
    """Forget what a daemon has logged, so that what it says next is new."""
    first.log.write_text("", "utf-8")
    return first


def test_one_that_is_told_to_stop_is_followed_at_once(host: Host) -> None:
    """It gives the lock up when it leaves."""
    first, second = pair(host)
    with takeover_within(second, 5):
        first.signal(signal.SIGTERM)
        assert first.process.wait(10) == 0


@pytest.mark.proof  # a real daemon or command, for ten seconds
def test_a_session_that_is_held_in_the_middle_of_a_transaction_does_not_hold_the_next_leader_up(host: Host) -> None:
    """Whoever leads next ends the sessions of whoever led last."""
    first, second = pair(host)
    name = host.rows("SELECT name FROM leaders")[0]["name"]
    with psycopg.connect(host.conninfo, application_name=name) as stuck:
        stuck.execute("SELECT term FROM leaders FOR SHARE")
        with takeover_within(second):
            first.process.kill()
        with pytest.raises(psycopg.OperationalError):
            stuck.execute("SELECT")


class Wire:
    """A way to the database that can be cut: nothing passes any more, and nobody is told."""

    def __init__(self, target: socket.socket, client: socket.socket) -> None:
        self.ends = {client: target, target: client}

    def pump(self, cut: threading.Event) -> None:
        """Pass on what comes until the wire is cut; then swallow it."""
        while True:
            for end in select.select(list(self.ends), [], [], 0.1)[0]:
                data = end.recv(65536)
                if not data:
                    return
                if not cut.is_set():
                    self.ends[end].sendall(data)


@pytest.fixture
def proxied(host: Host) -> Iterator[tuple[str, threading.Event]]:
    """Give a way to the database that an event cuts."""
    place = conninfo_to_dict(host.conninfo)
    cut = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    opened: list[socket.socket] = [listener]

    def reach() -> socket.socket:
        if str(place["host"]).startswith(("/", ".")):
            target = socket.socket(socket.AF_UNIX)
            target.connect(f"{place['host']}/.s.PGSQL.{place.get('port', 5432)}")
            return target
        return socket.create_connection((str(place["host"]), int(place.get("port") or 5432)))

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:  # the test is over
                return
            target = reach()
            opened.extend((client, target))
            wire = Wire(target, client)
            threading.Thread(target=pump, args=[wire], daemon=True).start()

    def pump(wire: Wire) -> None:
        try:
            wire.pump(cut)
        except (OSError, ValueError):
            pass  # the test is over, or one end has gone
        finally:
            for end in wire.ends:
                end.close()

    threading.Thread(target=accept, daemon=True).start()
    yield make_conninfo(host.conninfo, host="127.0.0.1", port=listener.getsockname()[1]), cut
    for end in opened:
        end.close()


@pytest.mark.proof  # a real daemon or command, for ten seconds
def test_one_that_is_cut_off_is_followed_and_leads_no_more(host: Host, proxied: tuple[str, threading.Event]) -> None:
    """The wire is dead, and no end is told: both learn it from the silence."""
    conninfo, cut = proxied
    parts = {name: str(value) for name, value in conninfo_to_dict(conninfo).items()}
    url = f"postgresql://{parts.get('user', '')}@127.0.0.1:{parts['port']}/{parts['dbname']}"
    first = host.leading(TALLYWATCH_DATABASE_URL=url)
    second = host.start()
    until(lambda: second.said("standing by"))
    with takeover_within(second):
        cut.set()
    until(lambda: first.said("No longer leading"))
    assert host.term() == 2


@pytest.mark.proof  # a real daemon or command, for ten seconds
def test_an_embedded_server_that_is_killed_with_its_keeper_is_started_again(host: Host) -> None:
    """The daemon that used it has it run again, and leads again, in the same process."""
    daemon = host.leading(TALLYWATCH_DATABASE_URL="")
    keeper, server = users.keeper_process(host.home), users.server_process(host.home)
    os.kill(keeper, signal.SIGKILL)
    os.kill(server, signal.SIGKILL)
    until(lambda: daemon.said("term 2"))
    assert daemon.process.poll() is None
    assert users.server_process(host.home) != server
    daemon.signal(signal.SIGTERM)
    assert daemon.process.wait(20) == 0
