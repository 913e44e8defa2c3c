"""Who is told of what: rules, quiet hours, silences, reminders."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from pipelines.database import connection
from scheduler import operations, silences
from scheduler.acting import unsubscribing
from scheduler.exceptions import WrongUse
from scheduler.mailer import deliver
from scheduler.routing import Reader
from scheduler.sections.mail import Mail, Recipient
from scheduler.sections.rules import Rule
from tests.routing.desk import START, Desk, Row, at_desk, body
from tests.routing.test_storm import Sink

DESK = "desk@example.org"
OPS = "ops@example.org"


def test_a_rule_chooses_by_severity_kind_metric_source_and_claimant(conninfo: str) -> None:
    """Each reader gets the incidents that they want and no others; who names metrics gets whole reports too."""
    to = [
        {"address": "all@example.org", "severity": "info"},
        {"address": "grave@example.org", "severity": "critical"},
        {"address": "trend@example.org", "kinds": "trend.*"},
        {"address": "tanks@example.org", "metrics": ["tanks", "air*"]},
        {"address": "news@example.org", "sources": "ukrinform", "claimants": "general*"},
    ]

    async def work(desk: Desk) -> None:
        fall = await desk.found()
        spike = await desk.found(kind="trend.spike", metric="tanks", severity="critical", source="ukrinform")
        whole = await desk.found(kind="contradiction.stale", metric="")
        await desk.tell()
        got = {row["recipient"].partition("@")[0]: row["incidents"] for row in await desk.outbox()}
        assert got == {
            "all": [fall, spike, whole],
            "grave": [spike],
            "trend": [spike],
            "tanks": [spike, whole],
            "news": [spike],
        }

    at_desk(conninfo, work, to=to)


def test_failures_of_the_machinery_go_to_the_operators(conninfo: str) -> None:
    """The desk gets the news, and the failures too as long as nobody is there for them."""

    async def work(desk: Desk) -> None:
        await desk.found()
        await desk.found(kind="coverage.broken", claimant="mod_gov_ua", metric="")
        async with connection(desk.pool) as conn:
            given = {"kind": "operations.job_failed", "subject": "poll", "severity": "critical", "message": "x"}
            await operations.report(conn, **given, at=START)  # type: ignore[arg-type]
        await desk.tell(operators=[OPS])
        assert {(row["recipient"], row["thread_claimant"]) for row in await desk.outbox()} == {
            (DESK, "general_staff_ukraine"),
            (OPS, "mod_gov_ua"),
            (OPS, "tallywatch"),
        }

    at_desk(conninfo, work)


def test_nobody_is_told_by_a_way_that_is_broken(conninfo: str) -> None:
    """That mails to the only operator are refused is told to the desk; that those to the desk are, to the operator."""

    async def work(desk: Desk) -> None:
        for address in (OPS, DESK):
            async with connection(desk.pool) as conn:
                given = {"kind": "operations.mail_refused", "message": "x", "severity": "warning"}
                await operations.report(conn, **given, subject=address, at=desk.clock())  # type: ignore[arg-type]
            await desk.tell(operators=[OPS])
            desk.clock.forward(hours=1)
        assert [row["recipient"] for row in await desk.outbox()] == [DESK, OPS]

    at_desk(conninfo, work)


QUIET = {"address": DESK, "quiet": "22:00-07:00"}


def test_quiet_hours_hold_and_their_end_brings_one_mail_of_a_thread(conninfo: str) -> None:
    """What came in the night is one mail in the morning, as things stand then; nothing goes before."""

    async def work(desk: Desk) -> None:
        desk.clock.now = datetime(2023, 3, 7, 21, 30, tzinfo=ZoneInfo("UTC"))  # 23:30 in Kyiv
        first = await desk.found()
        await desk.tell()
        desk.clock.forward(hours=1)
        second = await desk.found(metric="tanks", message="tanks fell")
        await desk.tell()
        [held] = await desk.outbox()
        assert (held["state"], held["held_for"]) == ("held", "quiet")
        assert held["hold_until"] == datetime(2023, 3, 8, 5, 0, tzinfo=ZoneInfo("UTC"))
        desk.clock.now = held["hold_until"] - timedelta(seconds=1)
        assert await desk.tell() == 0
        desk.clock.forward(seconds=1)
        await desk.step(first, "resolved", state="closed", told=True)
        assert await desk.tell() == 1
        [sent] = await desk.outbox()
        assert (sent["state"], sent["incidents"]) == ("queued", [first, second])
        assert "closed" in body(sent)
        assert await desk.tell() == 0

    at_desk(conninfo, work, to=[QUIET])


def test_what_is_critical_passes_the_quiet_and_takes_along_what_was_held(conninfo: str) -> None:
    """The reader is woken once, and told everything of that report."""

    async def work(desk: Desk) -> None:
        desk.clock.now = datetime(2023, 3, 7, 22, 0, tzinfo=ZoneInfo("UTC"))
        first = await desk.found()
        await desk.tell()
        desk.clock.forward(minutes=20)
        second = await desk.found(metric="tanks", severity="critical")
        await desk.tell()
        [sent] = await desk.outbox()
        assert (sent["state"], sent["incidents"]) == ("queued", [first, second])
        desk.clock.forward(hours=12)
        assert await desk.tell() == 0

    at_desk(conninfo, work, to=[QUIET])


@pytest.mark.parametrize(
    ("quiet", "zone", "at", "until"),
    [
        ("22:00-07:00", "Europe/Kyiv", "2023-03-07T20:00", "2023-03-08T05:00"),
        ("22:00-07:00", "Europe/Kyiv", "2023-03-08T04:59", "2023-03-08T05:00"),
        ("22:00-07:00", "Europe/Kyiv", "2023-03-08T05:00", None),
        ("13:00-14:00", "Europe/Kyiv", "2023-03-07T11:30", "2023-03-07T12:00"),
        ("22:00-07:00", "America/New_York", "2023-03-08T04:00", "2023-03-08T12:00"),
        ("22:00-07:00", "Europe/Kyiv", "2023-03-25T23:00", "2023-03-26T04:00"),  # the night that has an hour less
        ("22:00-07:00", "Europe/Kyiv", "2023-10-28T22:00", "2023-10-29T05:00"),  # and the one that has one more
    ],
)
def test_quiet_hours_follow_the_readers_clock(quiet: str, zone: str, at: str, until: str | None) -> None:
    """In their own zone, over midnight, and through a change of clocks."""
    utc = ZoneInfo("UTC")
    reader = Reader(name=DESK, gets="all", rule=Rule(quiet=quiet, zone=zone))
    ends = datetime.fromisoformat(until).replace(tzinfo=utc) if until else None
    assert reader.quiet_until(datetime.fromisoformat(at).replace(tzinfo=utc)) == ends


def test_a_silence_keeps_mails_back_and_says_so_when_it_ends(conninfo: str) -> None:
    """The incident is recorded; the end of the silence is one mail that names it; what is out of scope is told."""

    async def work(desk: Desk) -> None:
        async with connection(desk.pool) as conn:
            scope = Rule(kinds=("contradiction.*",), metrics=("personnel",))
            end = START + timedelta(hours=3)
            await silences.add(conn, scope, reason="the ministry recounts", author="olena", at=START, expires_at=end)
        quiet = await desk.found()
        await desk.tell()
        assert await desk.outbox() == []
        loud = await desk.found(metric="tanks")
        await desk.tell()
        [mail] = await desk.outbox()
        assert loud in mail["incidents"]
        desk.clock.forward(hours=3)
        assert await desk.tell() == 1
        [_, ended] = await desk.outbox()
        assert ended["incidents"] == [quiet]
        for words in ("the ministry recounts", "olena", f"#{quiet}", "contradiction.*"):
            assert words in body(ended)
        assert await desk.tell() == 0

    at_desk(conninfo, work)


def test_a_silence_is_bounded_and_explained(conninfo: str) -> None:
    """Without a scope, a reason or a near end there is none."""

    async def work(desk: Desk) -> None:
        async with connection(desk.pool) as conn:
            for scope, reason, days in (
                (Rule(), "x", 1),
                (Rule(kinds=("a*",)), " ", 1),
                (Rule(kinds=("a*",)), "x", 91),
            ):
                with pytest.raises(WrongUse):
                    await silences.add(
                        conn, scope, reason=reason, author="o", at=START, expires_at=START + timedelta(days=days)
                    )

    at_desk(conninfo, work)


def test_what_nobody_answers_is_told_again_three_times(conninfo: str) -> None:
    """A day apart, in the same thread; then it is left to the digest."""

    async def work(desk: Desk) -> None:
        await desk.found()
        told = []
        for _ in range(7):
            told.append(await desk.tell())
            assert await desk.tell() == 0
            desk.clock.forward(hours=24)
        assert told == [1, 1, 1, 1, 0, 0, 0]
        mails = await desk.outbox()
        assert "Nobody has answered for 1 day" in body(mails[1])
        assert mails[3]["subject"].startswith("Re: ")

    at_desk(conninfo, work)


@pytest.mark.parametrize("state", ["acknowledged", "snoozed", "explained", "closed"])
def test_an_answer_ends_the_reminders(conninfo: str, state: str) -> None:
    """Whatever it is."""

    async def work(desk: Desk) -> None:
        incident = await desk.found()
        await desk.tell()
        await desk.step(incident, state, state=state, told=True)
        desk.clock.forward(hours=48)
        assert await desk.tell() == 0

    at_desk(conninfo, work)


def test_what_was_put_off_wakes_up(conninfo: str) -> None:
    """And is reminded of from then on."""

    async def work(desk: Desk) -> None:
        incident = await desk.found()
        await desk.tell()
        until = START + timedelta(hours=30)
        await desk.rows("UPDATE incidents SET state = 'snoozed', snoozed_until = %s WHERE id = %s", until, incident)
        desk.clock.forward(hours=29)
        assert await desk.tell() == 0
        desk.clock.forward(hours=1)
        assert await desk.tell() == 1
        desk.clock.forward(hours=24)
        assert await desk.tell() == 1

    at_desk(conninfo, work)


def test_the_refilled_past_reminds_nobody(conninfo: str) -> None:
    """An incident that was opened in silence stays so."""

    async def work(desk: Desk) -> None:
        await desk.found(told=True)
        for _ in range(3):
            desk.clock.forward(hours=24)
            assert await desk.tell() == 0

    at_desk(conninfo, work)


def test_two_tellers_at_once_tell_once(conninfo: str) -> None:
    """Nothing twice, nothing lost."""

    async def work(desk: Desk) -> None:
        for number in range(10):
            await desk.found(as_of=date(2023, 3, 1) + timedelta(days=number))
        assert sum(await asyncio.gather(*(desk.tell() for _ in range(3)))) == 10
        assert len(await desk.outbox()) == 10

    at_desk(conninfo, work)


def test_news_that_breaks_us_holds_up_no_other_and_is_not_lost(conninfo: str) -> None:
    """The others are told; the operators learn of it; when it can be told, it is."""

    async def work(desk: Desk) -> None:
        broken = await desk.found(suggestion='{"no": "suggestion"}', severity="critical")
        await desk.found(as_of=date(2023, 3, 6))
        await desk.tell()
        assert [row["thread_as_of"] for row in await desk.outbox()] == [date(2023, 3, 6)]
        await desk.tell()
        assert [row["thread_claimant"] for row in await desk.outbox()][1:] == ["tallywatch"]
        await desk.rows("UPDATE incidents SET suggestion = NULL WHERE id = %s", broken)
        await desk.tell()
        assert [row["incidents"] for row in await desk.outbox(thread_as_of=date(2023, 3, 7))][-1] == [broken]

    at_desk(conninfo, work)


@pytest.mark.parametrize(
    "wrong",
    [
        {"to": [{"address": DESK, "quiet": "25:00-07:00"}]},
        {"to": [{"address": DESK, "quiet": "07:00-07:00"}]},
        {"to": [{"address": DESK, "zone": "Kyiv"}]},
        {"to": [DESK, DESK]},
        {"to": [{"address": DESK, "kinds": ["DROP TABLE"]}]},
        {"digest": "hourly"},
        {"digest_at": "09:00+03:00"},
        {"channels": [{"name": "a channel"}]},
    ],
)
def test_a_wrong_setting_is_refused(wrong: dict[str, object]) -> None:
    """At the start, and not when it is needed."""
    with pytest.raises(ValidationError):
        Mail.model_validate(wrong)


def test_a_plain_address_is_a_reader_of_everything_that_matters() -> None:
    """The shortest configuration is a good one."""
    mail = Mail.model_validate({"to": DESK, "channels": "json://127.0.0.1:8000/token"})
    assert mail.readers == (Recipient(address=DESK),)
    assert mail.channels[0].name.startswith("json-")
    assert "token" not in repr(mail)


def test_a_reason_cannot_write_headers_or_markup(conninfo: str) -> None:
    """Words of a person stand in a mail as words."""

    async def work(desk: Desk) -> None:
        hostile = "x\r\nBcc: all@example.org\r\n\r\n<img src=http://evil.example>"
        async with connection(desk.pool) as conn:
            end = START + timedelta(hours=1)
            await silences.add(conn, Rule(kinds=("a*",)), reason=hostile, author=hostile, at=START, expires_at=end)
        desk.clock.forward(hours=1)
        await desk.tell()
        [mail] = await desk.outbox()
        assert b"\r\nBcc" not in mail["content"]
        html = mail["content"].partition(b"text/html")[2]
        assert html
        assert b"<img" not in html

    at_desk(conninfo, work)


async def held_in_the_night(desk: Desk) -> Row:
    """Find something at half past eleven in Kyiv, and return the mail that quiet hours hold."""
    desk.clock.now = datetime(2023, 3, 7, 21, 30, tzinfo=ZoneInfo("UTC"))
    await desk.found()
    await desk.tell()
    [held] = await desk.outbox()
    return held


def test_who_has_unsubscribed_in_the_night_is_not_mailed_in_the_morning(conninfo: str) -> None:
    """What quiet hours hold is held for good."""

    async def work(desk: Desk) -> None:
        held = await held_in_the_night(desk)
        async with connection(desk.pool) as conn:
            assert await unsubscribing.unsubscribe(conn, DESK, how="link", at=desk.clock())
        desk.clock.now = held["hold_until"]
        await desk.tell()
        assert [(mail["state"], mail["held_for"]) for mail in await desk.outbox()] == [("held", "unsubscribed")]

    at_desk(conninfo, work, to=[QUIET])


def test_a_clock_that_was_ahead_for_a_while_holds_nothing_up(conninfo: str) -> None:
    """Neither the mail that was queued then nor later news of its thread."""

    async def work(desk: Desk) -> None:
        desk.clock.now = START + timedelta(days=365)
        first = await desk.found()
        await desk.tell()
        desk.clock.now = START
        second = await desk.found(metric="tanks")
        desk.clock.forward(hours=1)
        await desk.tell()
        await deliver(desk.pool, Sink(), desk.clock)
        assert [mail["incidents"] for mail in await desk.outbox(state="sent")] == [[first], [second]]

    at_desk(conninfo, work)


def test_who_is_struck_from_the_configuration_in_the_night_is_not_mailed_in_the_morning(conninfo: str) -> None:
    """What was held for them stays here, and can be sent by hand."""

    async def work(desk: Desk) -> None:
        held = await held_in_the_night(desk)
        desk.clock.now = held["hold_until"]
        await desk.tell(to=["other@example.org"])
        mine = [mail for mail in await desk.outbox() if mail["recipient"] == DESK]
        assert [(mail["state"], mail["held_for"]) for mail in mine] == [("held", "unsubscribed")]

    at_desk(conninfo, work, to=[QUIET])
