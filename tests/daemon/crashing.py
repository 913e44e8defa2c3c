"""The real daemon, with PostgreSQL restarted under each of its steps.

As `python -m tests.daemon.crashing CONFIG FROM DAYS DATA TRIED`.

A step is a transaction, known by the functions that run it. Just before each ends for the first time, and just after
it ends for the second, the postmaster gets SIGQUIT (an immediate shutdown, as by `pg_ctl restart -m immediate`), and
its keeper starts it again. Adds a line for each to the file TRIED, and leaves out what stands there already: a daemon
that cannot start without its database is started again, as a service manager does.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import psycopg

from scheduler.clock import moment
from tests.daemon.rehearsal import rehearse

KEEP_COMMIT = psycopg.AsyncConnection.commit
OURS = ("scheduler", "pipelines")


def step() -> str:
    """Name the transaction that ends: the three innermost functions of ours that wait for it."""
    frame, found = sys._getframe(1), []  # noqa: SLF001 - the public way, inspect.stack, reads every source file
    while frame.f_back is not None and len(found) < 3:
        frame = frame.f_back
        place = Path(frame.f_code.co_filename)
        if place.parent.name in OURS and place.name not in {"database.py", "loop.py"}:
            found.append(f"{place.stem}.{frame.f_code.co_name}")
    return " < ".join(found)


def crash(data: Path) -> None:
    """Shut the server down at once, and return when its postmaster has gone."""
    while not (recorded := _recorded(data)) or "ready" not in recorded:
        time.sleep(0.01)
    os.kill(int(recorded[0]), signal.SIGQUIT)
    while _recorded(data)[:1] == recorded[:1]:
        time.sleep(0.01)


def _recorded(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text("utf-8").split()
    except FileNotFoundError:
        return []


def crashing(data: Path, file: Path) -> Any:
    """Return a commit under which the server crashes: once before, once after, for each step."""
    tried = set(file.read_text("utf-8").splitlines()) if file.exists() else set()

    def meet(name: str, when: str) -> bool:
        new = f"{when}: {name}" not in tried and (when == "before" or f"before: {name}" in tried)
        if new:
            tried.add(f"{when}: {name}")
            with file.open("a", encoding="utf-8") as told:
                told.write(f"{when}: {name}\n")
            crash(data)
        return new

    async def commit(self: Any) -> None:
        name = step()
        crashed = meet(name, "before")
        await KEEP_COMMIT(self)
        if not crashed:
            meet(name, "after")

    return commit


if __name__ == "__main__":
    psycopg.AsyncConnection.commit = crashing(Path(sys.argv[4]), Path(sys.argv[5]))  # type: ignore[method-assign]
    rehearse(Path(sys.argv[1]), moment(sys.argv[2], "FROM"), float(sys.argv[3]))
