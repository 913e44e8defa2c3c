from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path

import pytest

from tests.commands.conftest import publish
from tests.ledger.test_kills import post
from tests.spiders.site import Site
from tests.surroundings import environment

Daemons = Callable[[], "subprocess.Popen[str]"]
PATIENCE_S = 45.0


@pytest.fixture
def start(tmp_path: Path, conninfo: str, config: Path) -> Iterator[Daemons]:
    """Start daemons on one ledger; none outlives the test."""
    running: list[subprocess.Popen[str]] = []
    given = environment(
        TALLYWATCH_HOME=tmp_path / "a home",
        TALLYWATCH_CONFIG=config,
        TALLYWATCH_DATABASE_URL=conninfo,
        TALLYWATCH_NOW="2023-03-08T12:00",
    )

    with ExitStack() as logs:

        def daemon() -> subprocess.Popen[str]:
            log = logs.enter_context((tmp_path / f"log{len(running)}").open("w", encoding="utf-8"))
            running.append(subprocess.Popen(["tallywatch", "daemon"], env=given, stderr=log, text=True, cwd=tmp_path))
            return running[-1]

        yield daemon
        for process in running:
            process.kill()
            process.wait()


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that another process does. Fails when it does not come."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


def said(tmp_path: Path, words: str, number: int = 0) -> Callable[[], bool]:
    """Return whether a daemon has logged some words."""
    return lambda: words in (tmp_path / f"log{number}").read_text("utf-8")


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fail when the block takes longer: a promise of the daemon, not of its speed."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


def test_it_refills_silently_then_watches_and_stops_when_told(
    start: Daemons, tmp_path: Path, channel: Site, config: Path
) -> None:
    """What was before the installation is no news; what comes after it is; SIGTERM ends it well within ten seconds."""
    config.write_text(config.read_text("utf-8") + "interval_minutes = 1\n", "utf-8")
    publish(channel, *(post(day).replace("155530", "155350") for day in (date(2023, 3, 7), date(2023, 3, 8))))
    daemon = start()
    until(said(tmp_path, "Crawled telegram_general_staff: unchanged"))
    assert not (tmp_path / "a home" / "Maildir" / "new").exists()
    with within(10):
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait() == 0


def test_a_second_daemon_stands_by_and_takes_over(start: Daemons, tmp_path: Path) -> None:
    """At most one leads; the other leads soon after the first was killed."""
    first = start()
    until(said(tmp_path, "Leading as"))
    start()
    until(said(tmp_path, "standing by", 1))
    assert not said(tmp_path, "Leading as", 1)()
    with within(20):
        first.kill()
        until(said(tmp_path, "Leading as", 1))
