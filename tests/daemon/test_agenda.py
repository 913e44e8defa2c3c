from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

from scheduler.agenda import Agenda
from tests.daemon.conftest import Host
from tests.daemon.rehearsal import LeapingClock

START = datetime(2023, 3, 8, 10, 0, tzinfo=UTC)


def rung_in_leaps(count: int) -> tuple[list[str], timedelta]:
    """Ring two names in turn, hours apart, in leaping time; return who was rung, and how long that took there."""

    async def ring_on() -> tuple[list[str], timedelta]:
        clock = LeapingClock(START)
        rung: list[str] = []
        done = asyncio.Event()

        def ring(name: str) -> None:
            rung.append(name)
            agenda.put(name, clock() + timedelta(hours=2))
            if len(rung) == count:
                done.set()
            clock.leap(min(agenda.due.values()))
            agenda.moved(timedelta())

        agenda = Agenda(clock, ring)
        agenda.put("a", clock())
        agenda.put("b", clock() + timedelta(hours=1))
        await asyncio.wait_for(done.wait(), 10)
        agenda.close()
        return rung[:count], clock() - START

    return asyncio.run(ring_on())


def test_it_rings_by_the_clock_that_it_was_given() -> None:
    """Twelve hours pass in a moment, and everything is rung in its turn."""
    rung, took = rung_in_leaps(12)
    assert rung == ["a", "b"] * 6
    assert timedelta(hours=11) <= took < timedelta(hours=14)


def test_a_clock_that_is_set_back_makes_nothing_wait_for_longer() -> None:
    """What was due in five minutes is due in five minutes; set forward, it is due earlier."""

    async def set_back() -> tuple[timedelta, list[str]]:
        clock = LeapingClock(START)
        agenda = Agenda(clock, lambda _: None)
        agenda.put("a", clock() + timedelta(minutes=5))
        clock.ahead -= timedelta(hours=1)
        agenda.moved(timedelta(hours=-1))
        wait = agenda.due["a"] - clock()
        clock.ahead += timedelta(hours=3)
        overdue = agenda.overdue(timedelta(minutes=5))
        agenda.close()
        return wait, overdue

    wait, overdue = asyncio.run(set_back())
    assert timedelta(minutes=4) < wait <= timedelta(minutes=5)
    assert overdue == ["a"]


def test_the_daemon_lives_through_a_week_in_moments(host: Host) -> None:
    """A week of polls every half hour, of which none is left out, and it stops by itself."""
    host.config.write_text(host.config.read_text("utf-8").replace("interval_minutes = 1", "interval_minutes = 120"))
    given = {"TALLYWATCH_HOME": str(host.home), "TALLYWATCH_DATABASE_URL": host.conninfo, "SENTRY_DSN": ""}
    command = [sys.executable, "-m", "tests.daemon.rehearsal", str(host.config), "2023-03-08T12:00", "7"]
    done = subprocess.run(command, env=os.environ | given, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr[-2000:]
    (polls,) = host.rows("SELECT count(*) AS polls, max(started_at) - min(started_at) AS span FROM runs")
    assert 7 * 12 - 8 <= polls["polls"] <= 7 * 12 + 10
    assert polls["span"] > timedelta(days=6, hours=20)
