"""What is left of a term, of a refusal, of a part that has died: told truly, and not for ever."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier

from scheduler.agenda import Agenda
from scheduler.artist import Artist
from scheduler.duty import Duty, Rounds
from scheduler.jobs import Job, Jobs
from scheduler.metrics import Metrics
from scheduler.service import Service
from scheduler.watching import Outside
from tests.daemon.conftest import Host, become, changed, until
from tests.daemon.test_jobs import crash, done, job, told
from tests.ledger.conftest import Serve, home, loop, run, serve

__all__ = ["home", "loop", "run", "serve"]

REFUSED = "SELECT state FROM incidents WHERE kind = 'operations.configuration_refused'"


def on_duty(service: Service) -> Duty:
    """Return a term that has not begun."""
    jobs = Jobs(Metrics(), Outside(active=False))
    return Duty(service, jobs, jobs.metrics, Rounds(), nullcontext)


def test_what_another_leader_told_is_settled_by_the_next(serve: Serve) -> None:
    """One leads and is well; in the term of another its job fails; then the first one leads again."""

    async def terms(service: Service) -> list[tuple[str, str]]:
        idle = replace(service, sources={})
        first, other = on_duty(idle), Jobs(Metrics(), Outside(active=False))
        await first.jobs.run(job(done), service)
        for _ in range(3):
            await other.run(job(crash), service)
        again = Duty(idle, first.jobs, first.metrics, Rounds(), nullcontext)
        await again.begin()
        await again.jobs.run(job(done), service)
        again.close()
        await again.jobs.finish(5)
        return await told(service)

    assert [state for state, _ in serve(terms)] == ["closed"]


def test_a_poll_that_fails_after_its_source_was_switched_off_is_nobodys_business(serve: Serve) -> None:
    """It is told, since it was in hand; the next round ends that."""

    async def switched_off(service: Service) -> list[tuple[str, str]]:
        duty, go = on_duty(service), asyncio.Event()
        await duty.begin()
        duty.agenda.rings.pause()
        await duty.jobs.finish(30)

        async def fail() -> None:
            await go.wait()
            raise ZeroDivisionError

        poll = Job(name="poll of ukrinform", work=fail, deadline_s=50, every=timedelta(hours=1), source="ukrinform")
        duty.jobs.failures[poll.name] = 2
        duty.jobs.start(poll, service, lambda: None)
        task = duty.jobs.in_hand[poll.name]
        await duty.adopt(replace(service, sources={}))
        go.set()
        await task
        await duty._tell()  # noqa: SLF001 - a round of delivery
        duty.close()
        return await told(service)

    assert [state for state, _ in serve(switched_off)] == ["closed"]


def test_another_pause_between_two_looks_at_replies_is_heeded_at_once(serve: Serve) -> None:
    """From once a day to every minute: the next look is not tomorrow."""

    async def adopted(service: Service) -> timedelta:
        def every(minutes: int) -> Service:
            replies = service.config.replies.model_copy(update={"every_minutes": minutes})
            return replace(service, sources={}, config=service.config.model_copy(update={"replies": replies}))

        def wait(duty: Duty) -> timedelta:
            now = service.clock()
            return duty.agenda.due.get("replies", now) - now

        duty = on_duty(every(1440))
        await duty.begin()
        await become(lambda: wait(duty) >= timedelta(hours=1))
        await duty.adopt(every(1))
        waits = wait(duty)
        duty.close()
        await duty.jobs.finish(30)
        return waits

    assert serve(adopted) <= timedelta(minutes=1)


def test_an_agenda_may_be_closed_twice(caplog: pytest.LogCaptureFixture) -> None:
    """A stop closes it, and the beginning that fails because of it closes it again."""

    async def twice() -> None:
        agenda = Agenda(lambda: datetime.now(UTC), print)
        agenda.close()
        agenda.close()
        await asyncio.sleep(0.1)

    asyncio.run(twice())
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_drawer_that_dies_while_it_waits_fails_nobody() -> None:
    """What was judged meanwhile was judged."""

    async def once() -> bool:
        artist = Artist()
        async with artist.ready():
            (process,) = artist._waiting  # noqa: SLF001 - to be killed as the kernel kills, that has no memory left
            os.kill(process.pid, signal.SIGKILL)
            await asyncio.sleep(0.5)
        return not artist._waiting  # noqa: SLF001 - likewise

    assert asyncio.run(once())


@pytest.mark.proof  # a real daemon, for ten seconds
def test_a_new_start_settles_what_was_refused(host: Host) -> None:
    """It is what the refusal asked for."""
    daemon = host.leading()
    host.configure('[watch]\nenvironment = "other"\n')
    daemon.signal(signal.SIGHUP)
    until(lambda: [row["state"] for row in host.rows(REFUSED)] == ["open"])
    daemon.signal(signal.SIGTERM)
    assert daemon.process.wait(20) == 0
    host.start()
    until(lambda: [row["state"] for row in host.rows(REFUSED)] == ["closed"])


@pytest.mark.proof  # likewise
def test_a_ledger_that_takes_nothing_for_the_moment_does_not_end_it(host: Host) -> None:
    """Managed servers become read-only when their disk is full: what is refused then cannot be noted."""
    daemon = host.leading()
    name = Identifier(str(conninfo_to_dict(host.conninfo)["dbname"]))
    with psycopg.connect(host.conninfo, autocommit=True) as server:
        server.execute(SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name))
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity a"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND NOT EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.locktype = 'advisory')"
        )
    host.configure("[judge]\nalarm_budget = 0\n")
    daemon.signal(signal.SIGHUP)
    until(lambda: daemon.said("Not noted"))
    assert daemon.process.poll() is None


@pytest.mark.proof  # likewise
def test_a_daemon_whose_lock_nobody_watches_ends(host: Host) -> None:
    """Its supervisor starts it again. Else it would stand by for ever, and look well."""
    done = subprocess.run(
        changed("Candidate.run = lambda self: None"),
        env=host.environment(),
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert done.returncode != 0
    assert "nothing watches the lock of the leader any more" in done.stderr
