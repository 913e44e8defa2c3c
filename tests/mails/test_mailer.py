"""Delivery of the outbox: nothing lost, nothing told twice, whatever the server and the machine do."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from inspect import signature
from typing import Any, TypeVar

import psycopg
import pytest
from psycopg.rows import DictRow

from pipelines.database import Pool, connection, open_pool
from pipelines.exceptions import DatabaseUnreachable
from scheduler import duty, mailer
from scheduler.mailer import DeliverySummary, deliver
from scheduler.transport import Envelope, SmtpTransport
from tests.mails.server import Behaviour, Server, serving

T = TypeVar("T")
START = datetime(2023, 3, 7, 7, 12, tzinfo=UTC)
SENDER = "tallywatch@example.org"


class Killed(BaseException):
    """The end of a process, as far as its transactions can tell."""


@dataclass
class Time:
    """A clock that stands until it is moved."""

    now: datetime = START

    def __call__(self) -> datetime:
        """Tell it."""
        return self.now

    def forward(self, step: timedelta) -> None:
        """Let time pass."""
        self.now += step


@dataclass
class Mortal:
    """An SMTP server reached by a process that may die before or after a mail is handed over."""

    smtp: SmtpTransport
    fates: Iterable[str]

    async def send(self, envelope: Envelope) -> str:
        """Meet the next fate."""
        fate = next(iter(self.fates), "live")
        if fate == "die before":
            raise Killed
        answer = await self.smtp.send(envelope)
        if fate == "die after":
            raise Killed
        return answer

    async def close(self) -> None:
        """Close."""
        await self.smtp.close()


async def queue(pool: Pool, count: int, *, thread: str = "general_staff_ukraine") -> None:
    """Put mails of one thread into the outbox."""
    async with connection(pool) as conn:
        await conn.execute("INSERT INTO threads (claimant, as_of) VALUES (%s, %s)", (thread, date(2023, 3, 7)))
        for number in range(1, count + 1):
            identity = f"<{thread}.{number}@example.org>"
            content = f"From: tallywatch <{SENDER}>\r\nMessage-ID: {identity}\r\nSubject: {number}\r\n\r\n{number}\r\n"
            await conn.execute(
                """
                INSERT INTO mails (thread_claimant, thread_as_of, transition, recipient, message_id, subject, content,
                                   created_at, next_attempt_at)
                VALUES (%(thread)s, '2023-03-07', %(number)s, 'desk@example.org', %(identity)s, 'x', %(content)s,
                        %(at)s, %(at)s)
                """,
                {"thread": thread, "number": number, "identity": identity, "content": content.encode(), "at": START},
            )


async def outbox(pool: Pool) -> list[DictRow]:
    """Return the rows of the outbox."""
    async with connection(pool) as conn:
        return await (await conn.execute("SELECT * FROM mails ORDER BY id")).fetchall()


def arrived(server: Server) -> list[str]:
    """Return the subjects of what the server keeps, in order."""
    return [str(message_from_bytes(mail.original_content)["Subject"]) for mail in server.accepted]


def at_work(
    conninfo: str, work: Callable[[Pool, Server, Time], Awaitable[T]], behaviours: Iterable[Behaviour] = ()
) -> T:
    """Run with an outbox, a server and a clock."""

    async def run() -> T:
        async with open_pool(conninfo) as pool, serving(Server(behaviours)) as server:
            return await work(pool, server, Time())

    return asyncio.run(run())


def test_what_is_queued_is_sent_once_and_marked(conninfo: str) -> None:
    """The row says when; a second round finds nothing."""

    async def work(pool: Pool, server: Server, clock: Time) -> None:
        await queue(pool, 2)
        assert await deliver(pool, SmtpTransport(server.url), clock) == DeliverySummary(sent=2)
        assert await deliver(pool, SmtpTransport(server.url), clock) == DeliverySummary()
        assert arrived(server) == ["1", "2"]
        assert {(row["state"], row["sent_at"], row["attempts"]) for row in await outbox(pool)} == {("sent", START, 1)}
        assert (server.accepted[0].mail_from, server.accepted[0].rcpt_tos) == (SENDER, ["desk@example.org"])

    at_work(conninfo, work)


def test_a_limit_ends_a_round_and_says_that_there_is_more(conninfo: str) -> None:
    """A daemon has other things to do between."""

    async def work(pool: Pool, server: Server, clock: Time) -> None:
        await queue(pool, 3)
        assert await deliver(pool, SmtpTransport(server.url), clock, limit=2) == DeliverySummary(sent=2, more=True)
        assert await deliver(pool, SmtpTransport(server.url), clock, limit=2) == DeliverySummary(sent=1)

    at_work(conninfo, work)


class Slow(Server):
    """Takes its time over each mail."""

    async def handle_DATA(self, *given: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep the mail, later."""
        await asyncio.sleep(0.5)
        return await super().handle_DATA(*given)


def test_a_slow_server_ends_a_round_between_two_mails(conninfo: str) -> None:
    """A round that is cut off in the middle of one would send it twice; the rest goes at the next."""

    async def work(pool: Pool, _server: Server, clock: Time) -> None:
        await queue(pool, 4)
        async with serving(Slow()) as slow:
            first = await deliver(pool, SmtpTransport(slow.url), clock, seconds=0.75)
            assert first == DeliverySummary(sent=2, more=True)
            assert [row["state"] for row in await outbox(pool)] == ["sent", "sent", "queued", "queued"]
        async with serving(Server()) as quick:
            assert await deliver(pool, SmtpTransport(quick.url), clock, seconds=5) == DeliverySummary(sent=2)
            assert arrived(slow) + arrived(quick) == ["1", "2", "3", "4"]

    at_work(conninfo, work)


def test_a_round_ends_by_itself_before_the_daemon_stops_it() -> None:
    """With the mail that was begun last, and a minute for what a round does before."""
    url_seconds = signature(SmtpTransport).parameters["seconds"].default
    assert mailer.ROUND_S + url_seconds + 60 <= duty.ROUND_S


def test_a_busy_server_is_asked_again_later_and_a_thread_keeps_its_order(conninfo: str) -> None:
    """The follow-up does not overtake the mail that opened the thread; other threads go on."""

    async def work(pool: Pool, server: Server, clock: Time) -> None:
        await queue(pool, 2)
        await queue(pool, 1, thread="russian_mod")
        assert await deliver(pool, SmtpTransport(server.url), clock) == DeliverySummary(sent=1, deferred=1)
        [first, second, _] = await outbox(pool)
        assert (first["state"], first["attempts"], second["attempts"]) == ("queued", 1, 0)
        assert first["last_error"].endswith("answered 451 4.3.0 busy")
        clock.forward(first["next_attempt_at"] - START)
        assert await deliver(pool, SmtpTransport(server.url), clock) == DeliverySummary(sent=2)
        assert arrived(server) == ["1", "1", "2"]
        assert all(row["last_error"] is None for row in await outbox(pool))

    at_work(conninfo, work, ["busy"])


def test_a_server_that_is_away_ends_the_round(conninfo: str) -> None:
    """Ten thousand mails do not each wait for a connection that will not come."""

    async def work(pool: Pool, server: Server, clock: Time) -> None:
        await queue(pool, 1)
        await queue(pool, 1, thread="russian_mod")
        assert await deliver(pool, SmtpTransport(server.url), clock) == DeliverySummary(deferred=1)
        assert [row["attempts"] for row in await outbox(pool)] == [1, 0]

    at_work(conninfo, work, ["shutting down"])


def test_a_permanent_refusal_is_kept_with_its_reason(conninfo: str) -> None:
    """It is not tried again by itself, and holds up nobody."""

    async def work(pool: Pool, server: Server, clock: Time) -> None:
        await queue(pool, 2)
        assert await deliver(pool, SmtpTransport(server.url), clock) == DeliverySummary(sent=1, failed=1)
        clock.forward(timedelta(days=9))
        assert await deliver(pool, SmtpTransport(server.url), clock) == DeliverySummary()
        [failed, sent] = await outbox(pool)
        assert (failed["state"], failed["attempts"], sent["state"]) == ("failed", 1, "sent")
        assert failed["last_error"].endswith("answered 554 5.7.1 looks like spam")

    at_work(conninfo, work, ["refuse"])


def test_a_stalling_server_costs_bounded_time_and_no_mail(conninfo: str) -> None:
    """The mail waits for the next round."""

    async def work(pool: Pool, server: Server, clock: Time) -> None:
        await queue(pool, 1)
        assert await deliver(pool, SmtpTransport(server.url, seconds=0.3), clock) == DeliverySummary(deferred=1)
        clock.forward(timedelta(minutes=1))
        assert await deliver(pool, SmtpTransport(server.url), clock) == DeliverySummary(sent=1)

    at_work(conninfo, work, ["stall"])


def test_two_mailers_at_once_send_each_mail_once(conninfo: str) -> None:
    """A mail in hand is not taken by another."""

    async def work(pool: Pool, server: Server, clock: Time) -> None:
        for number in range(6):
            await queue(pool, 1, thread=f"claimant_{number}")
        rounds = [deliver(pool, SmtpTransport(server.url), clock) for _ in range(3)]
        assert sum(summary.sent for summary in await asyncio.gather(*rounds)) == 6
        assert len(server.accepted) == 6

    at_work(conninfo, work)


class Overtaking(Server):
    """Between RCPT and DATA, another daemon ends the session that holds the mail, as a new leader does."""

    conninfo = ""

    async def handle_RCPT(self, *said: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Answer after the session has ended."""
        query = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE state = 'idle in transaction'"
        async with await psycopg.AsyncConnection.connect(self.conninfo) as conn:
            await conn.execute(f"{query} AND datname = current_database()")
        return await super().handle_RCPT(*said)


def test_a_mail_that_another_daemon_may_have_sent_is_not_sent(conninfo: str) -> None:
    """Who lost the claim between RCPT and DATA sends nothing; who has it then sends it once."""

    async def work(pool: Pool, server: Server, clock: Time) -> None:
        await queue(pool, 1)
        overtaking = Overtaking()
        overtaking.conninfo = conninfo
        async with serving(overtaking):
            with pytest.raises(DatabaseUnreachable):
                await deliver(pool, SmtpTransport(overtaking.url), clock)
        assert overtaking.accepted == []
        assert [row["state"] for row in await outbox(pool)] == ["queued"]
        assert await deliver(pool, SmtpTransport(server.url), clock) == DeliverySummary(sent=1)

    at_work(conninfo, work)


def test_a_mail_that_breaks_us_does_not_stand_in_the_way(conninfo: str) -> None:
    """A mistake of ours is raised, and the mail is pushed away before: the next round goes on with the others."""

    class Broken(SmtpTransport):
        async def send(self, envelope: Envelope) -> str:
            if b"Subject: 1" in envelope.content:
                raise ZeroDivisionError
            return await super().send(envelope)

    async def work(pool: Pool, server: Server, clock: Time) -> None:
        await queue(pool, 1)
        await queue(pool, 1, thread="russian_mod")
        async with connection(pool) as conn:
            await conn.execute("UPDATE mails SET content = 'From: a@b.c\r\n\r\nfine' WHERE id = 2")
        with pytest.raises(ZeroDivisionError):
            await deliver(pool, Broken(server.url), clock)
        assert await deliver(pool, Broken(server.url), clock) == DeliverySummary(sent=1)
        assert (await outbox(pool))[0]["last_error"] == "ZeroDivisionError()"

    at_work(conninfo, work)


def test_waits_grow_to_hours_and_never_end() -> None:
    """Half a minute first, two hours at most, give or take a quarter, and mails apart from each other."""
    waits = [mailer.wait(attempts, "<1@example.org>") for attempts in range(100)]
    assert timedelta(seconds=22) < waits[0] < timedelta(seconds=38)
    assert all(timedelta(minutes=90) <= wait <= timedelta(minutes=150) for wait in waits[9:])
    assert len({mailer.wait(3, f"<{number}@example.org>") for number in range(20)}) == 20


def test_killed_after_the_answer_and_before_the_record(conninfo: str) -> None:
    """SIGKILL between the server's 250 and our commit: the mail goes out again, under the same name."""
    program = """
import asyncio, sys
from datetime import UTC, datetime
from pipelines.database import open_pool
from scheduler.mailer import deliver
from scheduler.transport import SmtpTransport

async def main():
    async with open_pool(sys.argv[1]) as pool:
        await deliver(pool, SmtpTransport(sys.argv[2]), lambda: datetime(2023, 3, 7, 8, tzinfo=UTC))

asyncio.run(main())
"""

    class Deadly(Server):
        victim: asyncio.subprocess.Process | None = None

        async def handle_DATA(self, *given: Any) -> str:  # noqa: N802 - aiosmtpd's name
            """Keep the mail, and kill who brought it before it can write that down."""
            answer = await super().handle_DATA(*given)
            if self.victim is not None:
                os.kill(self.victim.pid, signal.SIGKILL)
            return answer

    async def run() -> None:
        async with open_pool(conninfo) as pool, serving(Deadly()) as server:
            await queue(pool, 1)
            command = (sys.executable, "-c", program, conninfo, server.url)
            server.victim = await asyncio.create_subprocess_exec(*command)
            assert await server.victim.wait() == -signal.SIGKILL
            server.victim = None
            assert [row["state"] for row in await outbox(pool)] == ["queued"]
            later = Time(START + timedelta(hours=1))
            assert await deliver(pool, SmtpTransport(server.url), later) == DeliverySummary(sent=1)
            ids = {message_from_bytes(mail.original_content)["Message-ID"] for mail in server.accepted}
            assert (len(server.accepted), len(ids)) == (2, 1)

    asyncio.run(run())


FAULTS: tuple[Behaviour, ...] = ("accept", "accept", "busy", "drop", "lose", "greylist", "shutting down", "bad sender")
FATES = ("live", "live", "live", "die before", "die after")


async def survive(pool: Pool, seed: int) -> None:
    """Deliver four mails through random faults and kills; none may be lost, none may have two names."""
    chance = random.Random(seed)  # noqa: S311 - a schedule, not a secret
    clock = Time()
    async with connection(pool) as conn:
        await conn.execute("TRUNCATE mails, threads CASCADE")
    await queue(pool, 2)
    await queue(pool, 2, thread="russian_mod")
    faults = [chance.choice(FAULTS) for _ in range(12)]
    fates = iter([chance.choice(FATES) for _ in range(12)])
    async with serving(Server(faults)) as server:
        for _ in range(60):
            try:
                await deliver(pool, Mortal(SmtpTransport(server.url), fates), clock, limit=chance.randint(1, 5))
            except Killed:
                continue
            clock.forward(timedelta(hours=chance.randint(0, 3)))
        assert {row["state"] for row in await outbox(pool)} == {"sent"}, f"schedule {seed}"
        told = Counter(message_from_bytes(mail.original_content)["Message-ID"] for mail in server.accepted)
        assert told.keys() == {row["message_id"] for row in await outbox(pool)}, f"schedule {seed}"


def test_faults_and_kills_in_any_order_lose_nothing(conninfo: str) -> None:
    """A few of the schedules that `make proof` runs hundreds of."""
    at_work(conninfo, lambda pool, _server, _clock: schedules(pool, 5))


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_five_hundred_schedules_of_faults_and_kills_lose_nothing(conninfo: str) -> None:
    """Each mail is told exactly once to a reader: under one name, however often it was on the wire."""
    at_work(conninfo, lambda pool, _server, _clock: schedules(pool, 500))


async def schedules(pool: Pool, count: int) -> None:
    """Run that many."""
    for seed in range(count):
        await survive(pool, seed)
