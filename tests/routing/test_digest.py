"""The digest: once a period, whatever restarts, and a sign of life."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta

from pipelines.records import KYIV
from tests.routing.desk import Desk, at_desk, body


async def installed(desk: Desk, at: datetime) -> None:
    """Let a source be polled since a moment."""
    desk.clock.now = at
    await desk.rows(
        "INSERT INTO sources (name, role, publisher, installed_at) VALUES ('mod_gov_ua', 'official', 'Ministry', %s)",
        at,
    )


def kyiv(text: str) -> datetime:
    """Return a moment of the Kyiv clock."""
    return datetime.fromisoformat(text).replace(tzinfo=KYIV)


def test_a_quiet_day_says_that_all_is_well_once(conninfo: str) -> None:
    """Not before its hour, not on the day of the installation for the time before it, and once for two tellers."""

    async def work(desk: Desk) -> None:
        await installed(desk, kyiv("2023-03-07T13:00"))
        assert await desk.tell() == 0
        desk.clock.now = kyiv("2023-03-08T11:59")
        assert await desk.tell() == 0
        desk.clock.now = kyiv("2023-03-08T12:00")
        assert sum(await asyncio.gather(desk.tell(), desk.tell())) == 1
        assert await desk.tell() == 0
        [mail] = await desk.outbox()
        assert mail["subject"] == "[tallywatch] All is well · 8 Mar 2023"
        assert "mod_gov_ua" in body(mail)

    at_desk(conninfo, work, digest="daily")


def test_it_says_what_was_strange_and_what_waits(conninfo: str) -> None:
    """Findings for information and milestones stand there, though nobody was mailed of them."""

    async def work(desk: Desk) -> None:
        await installed(desk, kyiv("2023-03-07T13:00"))
        desk.clock.forward(minutes=1)
        await desk.found()
        await desk.found(kind="milestone.round_number", severity="info", told=True, message="personnel passed 150,000")
        await desk.found(kind="contradiction.sources", severity="info", told=True, metric="tanks")
        await desk.found(kind="coverage.missing", severity="critical", metric="", as_of=date(2023, 3, 6))
        await desk.tell()
        desk.clock.now = kyiv("2023-03-08T12:00")
        await desk.tell()
        mail = (await desk.outbox())[-1]
        assert mail["subject"] == "[tallywatch] 2 things to look at · 8 Mar 2023"
        assert mail["incidents"] == [1, 2, 3, 4]
        for words in ("Who is late", "No report", "Milestones", "What waits for somebody", "3 things were found"):
            assert words.casefold() in body(mail).casefold()

    at_desk(conninfo, work, digest="daily", reminders=0)


def test_a_digest_reader_gets_nothing_else(conninfo: str) -> None:
    """And another may have none."""
    to = [{"address": "calm@example.org", "delivery": "digest"}, {"address": "busy@example.org", "digest": "off"}]

    async def work(desk: Desk) -> None:
        await installed(desk, kyiv("2023-03-07T13:00"))
        await desk.found()
        await desk.tell()
        assert {row["recipient"] for row in await desk.outbox()} == {"busy@example.org"}
        desk.clock.now = kyiv("2023-03-08T12:00")
        await desk.tell()
        assert [row["recipient"] for row in await desk.outbox(thread_claimant=":digest")] == ["calm@example.org"]

    at_desk(conninfo, work, digest="daily", to=to)


def test_days_that_nobody_could_write_are_in_the_next_one(conninfo: str) -> None:
    """A machine that was off for three days writes one digest, since the last."""

    async def work(desk: Desk) -> None:
        await installed(desk, kyiv("2023-03-07T11:00"))
        desk.clock.now = kyiv("2023-03-08T12:05")
        await desk.tell()
        desk.clock.now = kyiv("2023-03-11T15:00")
        assert await desk.tell() == 1
        assert "8 Mar 2023 12:00 to 11 Mar 2023 12:00" in body((await desk.outbox())[-1])

    at_desk(conninfo, work, digest="daily")


def test_weekly_on_its_day(conninfo: str) -> None:
    """Mondays, unless another day is configured."""

    async def work(desk: Desk) -> None:
        await installed(desk, kyiv("2023-03-01T11:00"))
        days = []
        for number in range(15):
            desk.clock.now = kyiv("2023-03-07T12:30") + timedelta(days=number)
            await desk.tell()
            days = [row["thread_as_of"] for row in await desk.outbox()]
        assert days == [date(2023, 3, 6), date(2023, 3, 13), date(2023, 3, 20)]

    at_desk(conninfo, work, digest="weekly")


def test_one_a_day_through_a_change_of_clocks(conninfo: str) -> None:
    """At an hour that one night skips and another has twice."""

    async def work(desk: Desk) -> None:
        for start, nights in (("2023-03-24T12:00", 4), ("2023-10-27T12:00", 4)):
            await desk.rows("TRUNCATE mails, threads, sources CASCADE")
            await installed(desk, kyiv(start))
            for _ in range(24 * nights):
                desk.clock.forward(hours=1)
                await desk.tell()
            assert len(await desk.outbox()) == nights

    at_desk(conninfo, work, digest="daily", digest_at="03:30")


def test_an_hour_that_is_moved_does_not_bring_an_older_digest(conninfo: str) -> None:
    """Moved to the evening, the digest of today is the next one, not that of yesterday."""

    async def work(desk: Desk) -> None:
        await installed(desk, kyiv("2023-03-06T10:00"))
        desk.clock.now = kyiv("2023-03-07T12:05")
        await desk.tell(digest_at="12:00")
        for _ in range(48):
            desk.clock.forward(hours=1)
            await desk.tell(digest_at="18:00")
        days = [mail["thread_as_of"].day for mail in await desk.outbox()]
        assert days == [7, 8]

    at_desk(conninfo, work, digest="daily")
