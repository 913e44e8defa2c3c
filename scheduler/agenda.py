"""What is to be done when, by the one clock. APScheduler rings; what is rung for runs as a task of our own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from scheduler.clock import Clock, system_clock


class Agenda:
    """One moment for each name. Rung at that moment of `clock`, which may run ahead of the machine's, and may leap."""

    def __init__(self, clock: Clock, ring: Callable[[str], None]) -> None:
        self.clock = clock
        self.ring = ring
        self.due: dict[str, datetime] = {}
        self.open = True
        self.rings = AsyncIOScheduler(
            # Late is not lost: after a stop each is rung once, however long it was.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone="UTC",
        )
        self.rings.start()

    def put(self, name: str, at: datetime) -> None:
        """Enter a moment for a name, in place of its last one."""
        if not self.open:
            return
        self.due[name] = at
        real = system_clock() + (at - self.clock())
        self.rings.add_job(self._ring, "date", run_date=real, args=[name], id=name, replace_existing=True)

    def drop(self, name: str) -> None:
        """Forget a name."""
        if self.due.pop(name, None) is not None and self.rings.get_job(name):
            self.rings.remove_job(name)

    def moved(self, by: timedelta) -> None:
        """Take note that the clock was set by so much. Set back, it must not make anything wait for longer."""
        for name, at in list(self.due.items()):
            self.put(name, at + min(by, timedelta()))

    def overdue(self, patience: timedelta) -> list[str]:
        """Name what should have been rung for and was not."""
        limit = self.clock() - patience
        return sorted(name for name, at in self.due.items() if at < limit)

    def close(self) -> None:
        """Ring no more."""
        if not self.open:
            return
        self.open = False
        self.due.clear()
        self.rings.shutdown(wait=False)

    async def _ring(self, name: str) -> None:
        """Ring in the loop: APScheduler runs plain functions in threads."""
        if self.due.pop(name, None) is not None:
            self.ring(name)
