"""Real daemons, as processes of their own, on an empty ledger and a channel of the test's own."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.commands.conftest import publish
from tests.ledger.test_kills import post
from tests.spiders.site import Site, serving
from tests.surroundings import environment

PATIENCE_S = 45.0
DAYS = (date(2023, 3, 6), date(2023, 3, 7), date(2023, 3, 8))


PROGRAM = """
from datetime import timedelta
from scheduler.clock import clock_from_environment
from scheduler.config import load
from scheduler.daemon import Daemon
from scheduler.duty import Rounds
from scheduler.leader import Candidate
from scheduler.loop import run
from scheduler.service import open_service
from scheduler.watching import log_to_stderr, start_sentry

rounds = Rounds()
{changed}

async def watch():
    async with open_service(load(), clock_from_environment()) as service:
        await Daemon(service, start_sentry(load()), reload=load, rounds=rounds).run()

log_to_stderr(load())
run(watch)
"""


def changed(line: str) -> list[str]:
    """Return the command of a daemon in which one line of Python has changed something before it begins."""
    return [sys.executable, "-c", PROGRAM.format(changed=line)]


def until(condition: Callable[[], Any], patience_s: float = PATIENCE_S) -> None:
    """Wait for something that another process does. Fails when it does not come."""
    end = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


async def become(condition: Callable[[], object]) -> None:
    """Wait, in the loop, for what another thread or the loop itself does. Raises TimeoutError."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - nobody sets an event
            await asyncio.sleep(0.05)


@dataclass(kw_only=True)
class Started:
    """A daemon and what it logged."""

    process: subprocess.Popen[str]
    log: Path

    def said(self, words: str) -> bool:
        """Whether it has logged some words."""
        return words in self.log.read_text("utf-8")

    def lines(self) -> list[dict[str, Any]]:
        """Return its log."""
        return [json.loads(line) for line in self.log.read_text("utf-8").splitlines()]

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)


@dataclass(kw_only=True)
class Host:
    """Where daemons run."""

    home: Path
    conninfo: str
    config: Path
    channel: Site
    running: list[Started] = field(default_factory=list)
    stack: ExitStack = field(default_factory=ExitStack)

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a daemon."""
        own = environment(
            TALLYWATCH_HOME=self.home,
            TALLYWATCH_CONFIG=self.config,
            TALLYWATCH_DATABASE_URL=self.conninfo,
            TALLYWATCH_NOW="2023-03-08T12:00",
        )
        return own | more

    def start(self, **environment: str) -> Started:
        """Start a daemon."""
        log = self.home.parent / f"log{len(self.running)}"
        stream = self.stack.enter_context(log.open("w", encoding="utf-8"))
        process = subprocess.Popen(
            ["tallywatch", "daemon"], env=self.environment(**environment), stderr=stream, text=True
        )
        self.running.append(Started(process=process, log=log))
        return self.running[-1]

    def leading(self, **environment: str) -> Started:
        """Start a daemon and wait until it has polled once."""
        daemon = self.start(**environment)
        until(lambda: daemon.said("Leading as") and daemon.said("unchanged"))
        return daemon

    def rows(self, query: str, values: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Ask the ledger."""
        with psycopg.connect(self.conninfo, row_factory=dict_row) as conn:
            return conn.execute(query, values).fetchall()  # type: ignore[call-overload,no-any-return]

    def term(self) -> int:
        """Return the term that runs, 0 before the first."""
        return max((row["term"] for row in self.rows("SELECT term FROM leaders")), default=0)

    def configure(self, text: str) -> None:
        """Add to the configuration."""
        self.config.write_text(self.config.read_text("utf-8") + text, "utf-8")

    def end(self) -> None:
        """Leave none running."""
        for daemon in self.running:
            daemon.process.kill()
            daemon.process.wait()
        self.stack.close()


@pytest.fixture
def host(tmp_path: Path, conninfo: str) -> Iterator[Host]:
    """Give a place for daemons whose channel has three right reports; none outlives the test."""
    with serving() as site:
        publish(site, *(post(day) for day in DAYS))
        config = tmp_path / "tallywatch.toml"
        source = f'[sources.telegram_general_staff]\nenabled = true\nbase_url = "{site.url}"\ninterval_minutes = 1\n'
        config.write_text('[mail]\nto = ["desk@example.org"]\n' + source, "utf-8")
        host = Host(home=tmp_path / "a home", conninfo=conninfo, config=config, channel=site)
        yield host
        host.end()
