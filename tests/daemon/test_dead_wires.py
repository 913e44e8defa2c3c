"""A way to the database whose open wires go dead while new ones work: a proxy, a mesh, a backend that hangs."""

from __future__ import annotations

import select
import signal
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.daemon.conftest import Host, until
from tests.surroundings import free_port


class Proxy:
    """Between a daemon and its database. TCP sees nothing of what it swallows."""

    def __init__(self, conninfo: str) -> None:
        place = {name: str(value) for name, value in conninfo_to_dict(conninfo).items()}
        self.server = f"{place['host']}/.s.PGSQL.{place.get('port', '5432')}"
        self.dead = threading.Event()  # the wires that are open now
        self.over = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"postgresql://{place['user']}@127.0.0.1:{self.listener.getsockname()[1]}/{place['dbname']}"

    def serve(self) -> None:
        """Take wires until told to end."""
        self.listener.settimeout(0.1)
        while not self.over.is_set():
            try:
                client, _ = self.listener.accept()
            except TimeoutError:
                continue
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.server)
            threading.Thread(target=self._carry, args=[client, server, self.dead], daemon=True).start()

    def _carry(self, client: socket.socket, server: socket.socket, dead: threading.Event) -> None:
        other = {client: server, server: client}
        with client, server:
            while not self.over.is_set():
                for end in select.select([client, server], [], [], 0.1)[0]:
                    words = end.recv(65_536)
                    if not words and not dead.is_set():
                        return
                    if not dead.is_set():
                        other[end].sendall(words)
                if dead.is_set():
                    self.over.wait(0.2)  # what its two ends do is nothing to it any more

    def kill(self) -> None:
        """Let all open wires swallow everything from now on."""
        dead, self.dead = self.dead, threading.Event()
        dead.set()


@contextmanager
def proxy(conninfo: str) -> Iterator[Proxy]:
    """Give a proxy that ends with the block."""
    made = Proxy(conninfo)
    thread = threading.Thread(target=made.serve, daemon=True)
    thread.start()
    yield made
    made.over.set()
    thread.join()
    made.listener.close()


@pytest.mark.proof  # a real daemon, for as long as it is patient
def test_a_dead_wire_keeps_no_term_from_beginning(host: Host) -> None:
    """The lock comes back over a new wire; what the pool had is not waited for, and `/readyz` does not wait either."""
    port = free_port()
    host.configure(f"[web]\nport = {port}\n")
    with proxy(host.conninfo) as way:
        daemon = host.leading(TALLYWATCH_DATABASE_URL=way.url)
        time.sleep(3)
        way.kill()
        began = time.monotonic()
        with pytest.raises(urllib.error.HTTPError, match="503"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=60)
        assert time.monotonic() - began < 5
        until(lambda: daemon.said("term 2"), 60)
        polls = daemon.log.read_text("utf-8").count("Crawled")
        until(lambda: daemon.log.read_text("utf-8").count("Crawled") > polls, 60)


@pytest.mark.proof  # likewise
def test_a_database_that_does_not_answer_holds_no_stop_up(host: Host) -> None:
    """Neither while a configuration is read again nor while a term begins; and nothing is begun after it."""
    first = host.leading()
    second = host.start()
    until(lambda: second.said("standing by"))
    with psycopg.connect(host.conninfo) as holder:
        holder.execute("LOCK TABLE signing IN ACCESS EXCLUSIVE MODE")
        first.signal(signal.SIGHUP)
        time.sleep(1)
        began = time.monotonic()
        first.signal(signal.SIGTERM)
        assert first.process.wait(30) == 0
        assert time.monotonic() - began < 20  # psycopg asks the server to cancel, for ten seconds at most
        until(lambda: second.said("Leading as"))
        time.sleep(1)
        polls = host.channel.times("/s/GeneralStaffZSU")
        second.signal(signal.SIGTERM)
        until(lambda: second.said("Stopping"))
        time.sleep(1)
        holder.rollback()
    assert second.process.wait(30) == 0
    assert host.channel.times("/s/GeneralStaffZSU") == polls
    assert not first.said("Traceback")
    assert not second.said("Traceback")
