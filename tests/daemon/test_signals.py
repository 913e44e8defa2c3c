from __future__ import annotations

import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.daemon.conftest import Host, Started, changed, until


def test_it_finishes_what_is_in_hand_within_ten_seconds(host: Host) -> None:
    """A page that never comes does not keep it."""
    daemon = host.leading()
    began = time.monotonic()
    daemon.signal(signal.SIGTERM)
    assert daemon.process.wait(12) == 0
    assert time.monotonic() - began < 10
    assert not daemon.said("Traceback")


@pytest.mark.proof  # a real daemon or command, for ten seconds
def test_a_page_that_is_held_does_not_hold_it(host: Host) -> None:
    """A crawl that lasts is left unfinished, and done again later."""
    host.channel.put("/s/GeneralStaffZSU", "", held=True)
    daemon = host.start()
    until(lambda: host.channel.times("/s/GeneralStaffZSU") > 0)
    began = time.monotonic()
    daemon.signal(signal.SIGTERM)
    until(lambda: daemon.said("Left unfinished"))
    host.channel.closing.set()  # a crawl waits for what is in flight, thirty seconds at most
    daemon.process.wait(20)
    assert time.monotonic() - began < 15


@contextmanager
def never_done(answer: bytes) -> Iterator[tuple[str, threading.Event]]:
    """Listen; answer with a byte now and then, and with nothing after the last. Give the address, and when asked."""
    asked, over = threading.Event(), threading.Event()

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listening.accept()
            with connection:
                asked.set()
                for byte in answer:
                    connection.send(bytes([byte]))
                    over.wait(0.5)
                over.wait()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}", asked
        over.set()
    thread.join()


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nX-Patience: " + b"x" * 1000], ids=["nothing", "drops"])
@pytest.mark.proof  # a real daemon or command, for ten seconds
def test_a_ping_that_hangs_does_not_hold_it(host: Host, tmp_path: Path, answer: bytes) -> None:
    """Neither one without an answer nor one whose answer never ends: its thread is left behind."""
    with never_done(answer) as (place, asked), (tmp_path / "log").open("w") as log:
        host.configure(f'[watch]\nping_url = "http://{place}/ping"\n')
        process = subprocess.Popen(
            changed("rounds = Rounds(tell=timedelta(seconds=1))"), env=host.environment(), stderr=log, text=True
        )
        daemon = Started(process=process, log=tmp_path / "log")
        host.running.append(daemon)
        assert asked.wait(45)
        began = time.monotonic()
        daemon.signal(signal.SIGTERM)
        assert process.wait(15) == 0
        assert time.monotonic() - began < 10
        assert not daemon.said("Traceback")


def test_a_second_signal_leaves_at_once(host: Host) -> None:
    """Everything can be killed at any point and run again."""
    host.channel.put("/s/GeneralStaffZSU", "", held=True)
    daemon = host.start()
    until(lambda: host.channel.times("/s/GeneralStaffZSU") > 0)
    daemon.signal(signal.SIGTERM)
    until(lambda: daemon.said("Stopping"))
    began = time.monotonic()
    daemon.signal(signal.SIGTERM)
    assert daemon.process.wait(5) == 1
    assert time.monotonic() - began < 2


def test_a_wrong_configuration_is_refused_and_the_old_one_stays(host: Host) -> None:
    """With its reason, in the log and as an incident that ends with the next right one."""
    daemon = host.leading()
    right = host.config.read_text("utf-8")
    host.configure("[judge]\nalarm_budget = 0\n")
    daemon.signal(signal.SIGHUP)
    until(lambda: daemon.said("The configuration is refused, the old one stays: the setting judge.alarm_budget"))
    states = "SELECT state FROM incidents WHERE kind = 'operations.configuration_refused'"
    until(lambda: [row["state"] for row in host.rows(states)] == ["open"])
    host.config.write_text(right, "utf-8")
    daemon.signal(signal.SIGHUP)
    until(lambda: daemon.said("The configuration was read again"))
    until(lambda: [row["state"] for row in host.rows(states)] == ["closed"])
    assert daemon.process.poll() is None


def test_a_source_that_is_added_is_polled_without_a_new_start(host: Host) -> None:
    """The configuration is read again on SIGHUP."""
    daemon = host.leading()
    host.configure(
        f'[sources.second]\nenabled = true\nspider = "telegram_general_staff"\nbase_url = "{host.channel.url}"\n'
    )
    daemon.signal(signal.SIGHUP)
    until(lambda: daemon.said("Crawled second"))
    assert not daemon.said("refused")


def test_what_takes_a_new_start_is_refused(host: Host) -> None:
    """A setting that would silently not take effect is told."""
    daemon = host.leading()
    host.configure("[web]\nport = 1\n")
    daemon.signal(signal.SIGHUP)
    until(lambda: daemon.said("the setting web takes effect with a new start only"))


def test_systemd_hears_of_it(host: Host, tmp_path: Path) -> None:
    """READY when it runs, a sign of life each second, RELOADING and STOPPING when it does so."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(path))
        ear.settimeout(20)
        daemon = host.leading(NOTIFY_SOCKET=str(path))
        heard: list[str] = []

        def hear(words: str) -> None:
            while words not in "\n".join(heard):
                heard.append(ear.recv(4096).decode())

        hear("READY=1")
        hear("WATCHDOG=1")
        hear("STATUS=leading, 1 sources")
        daemon.signal(signal.SIGHUP)
        hear("RELOADING=1\nMONOTONIC_USEC=")
        daemon.signal(signal.SIGTERM)
        hear("STOPPING=1")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_that_stands_by_stops_too(host: Host, number: signal.Signals) -> None:
    """It has nothing in hand."""
    host.leading()
    second = host.start()
    until(lambda: second.said("standing by"))
    second.signal(number)
    assert second.process.wait(10) == 0


@pytest.mark.proof  # a round of delivery comes once a minute
def test_a_secret_that_comes_with_a_new_configuration_is_hidden_too(host: Host) -> None:
    """And the one that it replaces stays so."""
    daemon = host.leading()
    place = "127.0.0.1:1/never-to-be-logged"
    host.configure(f'[watch]\nping_url = "http://{place}"\n')
    daemon.signal(signal.SIGHUP)
    until(lambda: daemon.said("The configuration was read again"))
    until(lambda: daemon.said("The ping of the dead man's switch failed"), 100)
    assert not daemon.said("never-to-be-logged")
