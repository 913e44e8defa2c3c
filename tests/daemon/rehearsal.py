"""The real daemon in leaping time: when nothing is in hand, its clock goes on to the next moment that matters.

python -m tests.daemon.rehearsal CONFIG FROM DAYS [CLOCK [HOURS STRIDE]]: as a process of its own, ended by itself
after so many days, with so many hours between two rounds of delivery. It leaps so many hours further than to what is
due next, so that what is due in them is done at once. In the file CLOCK it says what time it is, and how many tasks it
has while nothing is in hand. It draws its charts itself, which takes a tenth of the time and 40 MB.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scheduler.clock import moment, system_clock
from scheduler.config import load
from scheduler.daemon import Daemon
from scheduler.duty import Rounds
from scheduler.loop import run
from scheduler.service import open_service
from scheduler.watching import log_to_stderr, start_sentry


class LeapingClock:
    """Runs with the machine's clock, ahead of it by what it has leapt over."""

    def __init__(self, start: datetime) -> None:
        self.ahead = start - system_clock()

    def __call__(self) -> datetime:
        """Tell the time."""
        return (system_clock() + self.ahead).astimezone(UTC)

    def leap(self, to: datetime) -> None:
        """Go on to a moment, if it has not come yet."""
        self.ahead += max(to - self(), timedelta())


def rehearse(
    config: Path, start: datetime, days: float, face: Path | None = None, hours: float = 2, stride: float = 0
) -> None:
    """Run the daemon over some days."""
    settings = load(config)
    clock = LeapingClock(start)
    end = start + timedelta(days=days)

    def leap(to: datetime) -> None:
        clock.leap(min(to + timedelta(hours=stride), end))
        if face is not None:
            shown = face.with_suffix(".new")
            shown.write_text(f"{clock().isoformat()} {len(asyncio.all_tasks())}", "ascii")
            shown.replace(face)  # whoever looks at it sees the old time or the new one
        if clock() >= end:
            os.kill(os.getpid(), signal.SIGTERM)

    async def watch() -> None:
        async with open_service(settings, clock) as service:
            rounds = Rounds(tell=timedelta(hours=hours), replies=timedelta(hours=6), retain=timedelta(days=7))
            outside = start_sentry(settings)
            await Daemon(service, outside, reload=lambda: load(config), rounds=rounds, leap=leap).run()

    log_to_stderr(settings)
    run(watch)


if __name__ == "__main__":
    rehearse(
        Path(sys.argv[1]),
        moment(sys.argv[2], "FROM"),
        float(sys.argv[3]),
        *map(Path, sys.argv[4:5]),
        *map(float, sys.argv[5:7]),
    )
