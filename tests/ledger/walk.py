"""One whole walk in a process of its own, killed at a commit: `python -m tests.ledger.walk HOME CONNINFO URL N WHEN`.

Crawls, judges, tells and delivers, once. The process kills itself (SIGKILL, no cleanup of any kind) just before or
just after its N-th commit; with N = 0 it lives, and prints how many commits there were.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from scheduler.config import Config
from scheduler.loop import run
from scheduler.service import open_service

NOW = datetime(2023, 3, 8, 10, 0, tzinfo=UTC)
KEEP_COMMIT = psycopg.AsyncConnection.commit
COMMITS = [0]
SECRET = "the same in every walk, so that mails have the same names"  # noqa: S105 - of nobody


def killing(at: int, *, before: bool) -> Any:
    """Return a commit that ends this process at its N-th call."""

    async def commit(self: Any) -> None:
        COMMITS[0] += 1
        if COMMITS[0] == at and before:
            os.kill(os.getpid(), signal.SIGKILL)
        await KEEP_COMMIT(self)
        if COMMITS[0] == at:
            os.kill(os.getpid(), signal.SIGKILL)

    return commit


async def walk(home: str, conninfo: str, url: str) -> None:
    """Do what `tallywatch crawl` does, at a fixed time."""
    config = Config(
        home=Path(home),
        database_url=conninfo,  # type: ignore[arg-type] # pydantic makes a secret of it
        web_secret=SECRET,  # type: ignore[arg-type] # likewise
        sources={"telegram_general_staff": {"enabled": True, "base_url": url}},  # type: ignore[dict-item]
    )
    async with open_service(config, lambda: NOW) as service:
        for source in service.sources.values():
            await service.crawl(source)
        await service.judge()
        await service.deliver()


def main() -> None:
    """Walk."""
    home, conninfo, url, at, when = sys.argv[1:]
    psycopg.AsyncConnection.commit = killing(int(at), before=when == "before")  # type: ignore[method-assign]
    run(lambda: walk(home, conninfo, url))
    print(COMMITS[0])  # noqa: T201 - the test reads it


main()
