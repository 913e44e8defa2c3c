"""Backfills over a channel on loopback, with the real command and with the real service."""

from __future__ import annotations

import subprocess
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from scheduler.config import Config
from scheduler.service import Service, open_service
from tests.backfill.channel import Channel, serving
from tests.reactor import Run, loop, run
from tests.surroundings import environment

__all__ = ["loop", "run"]

NOW = datetime(2026, 8, 1, 5, 0, tzinfo=UTC)  # eight in Kyiv: the report of today may still come
FIRST, LAST = date(2026, 6, 1), date(2026, 7, 31)
Serve = Callable[[Callable[[Service], Awaitable[Any]]], Any]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="session")
def channel() -> Iterator[str]:
    """Serve two months of three posts a day."""
    with serving(Channel(61, 3)) as url:
        yield url


def sources(url: str) -> dict[str, Any]:
    """Configure the channel alone."""
    return {"telegram_general_staff": {"enabled": True, "base_url": url}}


@pytest.fixture
def serve(conninfo: str, tmp_path: Path, channel: str, run: Run[Any]) -> Serve:
    """Run something with a service that polls the channel, on an empty ledger."""

    async def with_service(work: Callable[[Service], Awaitable[Any]]) -> Any:
        config = Config(home=tmp_path, database_url=conninfo, sources=sources(channel))  # type: ignore[arg-type]
        async with open_service(config, lambda: NOW) as service:
            return await work(service)

    return lambda work: run(with_service(work))


def started(conninfo: str, home: Path, url: str, *arguments: str) -> subprocess.Popen[str]:
    """Start `tallywatch backfill` in a process of its own."""
    home.mkdir(exist_ok=True)
    config = home / "tallywatch.toml"
    config.write_text(f'[sources.telegram_general_staff]\nenabled = true\nbase_url = "{url}"\n', "utf-8")
    window = ("--from", FIRST.isoformat(), "--to", LAST.isoformat())
    return subprocess.Popen(
        ["tallywatch", "--now", NOW.isoformat(), "backfill", *window, *arguments],
        env=environment(TALLYWATCH_HOME=home, TALLYWATCH_CONFIG=config, TALLYWATCH_DATABASE_URL=conninfo),
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def start(conninfo: str, tmp_path: Path, channel: str) -> Iterator[Start]:
    """Start backfills of the channel on one ledger; none outlives the test."""
    running: list[subprocess.Popen[str]] = []

    def backfill(*arguments: str) -> subprocess.Popen[str]:
        running.append(started(conninfo, tmp_path / "a home", channel, *arguments))
        return running[-1]

    yield backfill
    for process in running:
        process.kill()
        process.communicate()
