"""Answers by mail: done once, for who holds the mail, whatever the server, the machine and strangers do."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.database import connection
from scheduler.acting.mailbox import Mailbox, MailboxUnavailable
from scheduler.acting.reading import read, understand
from scheduler.acting.replies import Clerk
from tests.acting.conftest import READER, Tell, Told
from tests.acting.imap import PASSWORD, Server, serving
from tests.acting.test_pages import EVERYTHING


class Killed(BaseException):
    """The end of a process, as far as its transactions can tell."""


class Mortal(Mailbox):
    """A mailbox whose process dies when a message is to be marked as read."""

    def mark(self, uid: str) -> None:
        """Die."""
        raise Killed(uid)


def reply(
    told_id: str, text: str, *, sender: str = READER, own: str = "<r1@mail.example.org>", **headers: str
) -> bytes:
    """Write what a mail program writes when its user answers."""
    given = {"From": f"Olena <{sender}>", "To": "tallywatch@example.org", "Subject": "Re: x", "Message-ID": own}
    given |= {"In-Reply-To": told_id} | {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items() if value)
    quoted = "\r\n\r\nOn Wed, 8 Mar 2023 tallywatch wrote:\r\n> CLOSE it when it is dealt with\r\n"
    return (head + "Content-Type: text/plain; charset=utf-8\r\n\r\n" + text + quoted).encode()


async def take(told: Told, *raw: bytes, people: tuple[str, ...] = ()) -> list[str]:
    """Do what messages say, as a poll does; return what became of each."""
    clerk = Clerk(pool=told.service.pool, clock=told.time, people=people)
    verdicts = []
    for one in raw:
        async with connection(told.service.pool) as conn:
            verdicts.append(await clerk.do(conn, one))
    return verdicts


@pytest.mark.parametrize(
    ("text", "act", "note"),
    [
        ("ACK", "ack", ""),
        ("Ack, I ring them.", "ack", "I ring them."),
        ("typo two digits swapped", "typo", "two digits swapped"),
        ("Описка: переставлено цифри", "typo", "переставлено цифри"),
        ("ПРИЙНЯТО", "ack", ""),
        ("snooze", "snooze_24h", ""),
        ("SNOOZE 24h", "snooze_24h", "24h"),
        ("snooze 7 days", "snooze_7d", ""),
        ("відкласти 7 днів", "snooze_7d", "днів"),
        ("correction", "correction", ""),
        ("Redefinition.", "redefinition", ""),
        ("OURS!", "ours", ""),
        ("close.", "close", ""),
    ],
)
def test_one_word_is_understood(text: str, act: str, note: str) -> None:
    """The longest words that fit decide, in either language; the rest of the line is the note."""
    said = understand(text)
    assert said is not None
    assert (said.act, said.note) == (act, note)


def test_one_word_acts(tell: Tell) -> None:
    """The history says who, by which way, and their note; what is quoted below says nothing."""

    async def work(told: Told) -> Any:
        became = await take(told, reply((await told.mail())["message_id"], "Описка: переставлено цифри"))
        return became, await told.incident()

    became, incident = tell(work)
    assert (became, incident["state"], incident["verdict"]) == (["done"], "explained", "typo")
    step = next(step for step in incident["history"] if step["by"] == READER)
    assert (step["how"], step["note"]) == ("reply", "typo: переставлено цифри")


def test_what_must_not_act_does_not(tell: Tell, caplog: pytest.LogCaptureFixture) -> None:
    """A stranger, a guessed name, another's mail, a machine, a loop: nothing changes, and the log says why."""

    async def work(told: Told) -> Any:
        named = (await told.mail())["message_id"]
        before = await told.rows(EVERYTHING)
        became = await take(
            told,
            reply("<0123456789abcdef0123456789abcdef@localhost.localdomain>", "CLOSE"),
            reply("", "CLOSE"),
            reply(named, "CLOSE", sender="mallory@example.org"),
            reply(named, "CLOSE", sender=f"{READER}>, <mallory@example.org"),
            reply(named, "CLOSE", Auto_Submitted="auto-replied"),
            reply(named, "CLOSE", Precedence="bulk"),
            reply(named, "CLOSE", Return_Path="<>"),
            bytes((await told.mail())["content"]),
        )
        return before, await told.rows(EVERYTHING), became

    before, after, became = tell(work)
    assert became == ["stranger"] * 2 + ["forged"] * 2 + ["automatic"] * 4
    assert before == after
    assert "names no mail of ours" in caplog.text
    assert "mallory@example.org" in caplog.text


def test_a_reply_works_once(tell: Tell) -> None:
    """The same message again changes nothing, whatever happened since."""

    async def work(told: Told) -> Any:
        first = reply((await told.mail())["message_id"], "ACK")
        later = reply((await told.mail())["message_id"], "SNOOZE", own="<r2@mail.example.org>")
        return await take(told, first, later, first), await told.incident()

    became, incident = tell(work)
    assert became == ["done", "done", "again"]
    assert incident["state"] == "snoozed"


def test_members_of_a_shared_address_may_answer(tell: Tell) -> None:
    """The history names the member, not the address that was mailed."""

    async def work(told: Told) -> Any:
        raw = reply((await told.mail())["message_id"], "ACK", sender="olena@example.org")
        return await take(told, raw, people=("Olena@example.org",)), await told.incident()

    became, incident = tell(work)
    assert became == ["done"]
    assert incident["history"][-1]["by"] == "olena@example.org"


def test_what_is_not_understood_is_kept_and_not_answered(tell: Tell) -> None:
    """The history shows the words; no mail goes out, so that no loop can begin."""

    async def work(told: Told) -> Any:
        mails = await told.rows("SELECT id FROM mails")
        became = await take(told, reply((await told.mail())["message_id"], "Thanks, will look at it"))
        await told.service.teller.tell()
        return became, await told.incident(), mails == await told.rows("SELECT id FROM mails")

    became, incident, quiet = tell(work)
    assert (became, incident["state"], quiet) == (["unknown"], "open", True)
    assert incident["history"][-1]["note"] == "not understood: Thanks, will look at it"


def test_unsubscribe_by_reply(tell: Tell) -> None:
    """An answer that says so, or a mail made by the button of a mail program, ends the mails to its sender."""

    async def work(told: Told) -> Any:
        named = (await told.mail())["message_id"]
        by_button = reply("", "", Subject=f"unsubscribe {named}")
        return await take(told, by_button, reply(named, "unsubscribe")), await told.service.query("unsubscribed")

    became, gone = tell(work)
    assert became == ["left", "left"]
    assert [(row["address"], row["how"]) for row in gone] == [(READER, "reply")]


def test_a_poll_reads_acts_and_marks(tell: Tell) -> None:
    """Over a real conversation; what was read is not read again."""

    async def work(told: Told) -> Any:
        named = (await told.mail())["message_id"]
        async with serving(Server([b"\x00\xff garbage", reply(named, "ACK"), reply("<x@y.z>", "ACK")])) as server:
            clerk = Clerk(pool=told.service.pool, clock=told.time)
            first = await clerk.poll(Mailbox(server.url))
            second = await clerk.poll(Mailbox(server.url))
        return first, second, server.seen, await told.incident()

    first, second, seen, incident = tell(work)
    assert (first["done"], first["stranger"], second.total(), seen) == (1, 2, 0, {1, 2, 3})
    assert incident["state"] == "acknowledged"


def test_a_cut_connection_loses_and_doubles_nothing(tell: Tell) -> None:
    """Wherever the server leaves, one sentence says so, and the next poll goes on."""

    async def work(told: Told) -> Any:
        clerk = Clerk(pool=told.service.pool, clock=told.time)
        for cut in ("LOGIN", "SELECT", "SEARCH", "FETCH", "STORE"):
            raw = reply((await told.mail())["message_id"], f"ACK {cut}", own=f"<{cut}@mail.example.org>")
            async with serving(Server([raw], drop=cut)) as server:
                with pytest.raises(MailboxUnavailable, match="cannot be read"):
                    await clerk.poll(Mailbox(server.url))
                await clerk.poll(Mailbox(server.url))
            assert server.seen == {1}
        return await told.incident()

    notes = [step["note"] for step in tell(work)["history"] if step["what"] == "acknowledged"]
    assert notes == ["LOGIN", "SELECT", "SEARCH", "FETCH", "STORE"]


def test_killed_between_act_and_mark(tell: Tell) -> None:
    """The act stands; the message is met again, and does nothing but get its mark."""

    async def work(told: Told) -> Any:
        raw = reply((await told.mail())["message_id"], "ACK")
        async with serving(Server([raw])) as server:
            clerk = Clerk(pool=told.service.pool, clock=told.time)
            with pytest.raises(Killed):
                await clerk.poll(Mortal(server.url))
            unmarked = set(server.seen)
            again = await clerk.poll(Mailbox(server.url))
        return unmarked, again, server.seen, await told.incident()

    unmarked, again, seen, incident = tell(work)
    assert (unmarked, dict(again), seen) == (set(), {"again": 1}, {1})
    assert [step["what"] for step in incident["history"]].count("acknowledged") == 1


def test_a_refused_login_says_no_password(tell: Tell) -> None:
    """A server may echo what it was sent; what we say of it holds no secret."""

    async def work(_: Told) -> Any:
        async with serving(Server()) as server:
            wrong = server.url.replace(PASSWORD.replace(" ", "%20"), "secret-of-ours")
            with pytest.raises(MailboxUnavailable) as raised:
                await Clerk(pool=_.service.pool, clock=_.time).poll(Mailbox(wrong))
        return str(raised.value)

    assert "secret-of-ours" not in tell(work)


def test_without_a_mailbox_nothing_is_read(tell: Tell) -> None:
    """Replies are a choice."""

    async def work(told: Told) -> Any:
        return await told.service.read_replies()

    assert tell(work) == 0


HOSTILE = [
    b"",
    b"\r\n\r\n",
    b"From: a@b\r\nContent-Type: text/plain; charset=no-such\r\n\r\nACK",
    b"From: a@b\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n" * 500,
    b"From: =?utf-8?q?" + b"=00" * 5000 + b"?= <a@b>\r\n\r\nACK",
    b"From: a@b\r\nContent-Type: text/html\r\n\r\n" + b"<div>" * 20_000 + b"ACK",
    b"From: a@b\r\nContent-Type: message/rfc822\r\n\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * 300,
    b"References: " + b"<a@b> " * 50_000 + b"\r\n\r\nACK",
    b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!",
    b"From: a@b\r\nMessage-ID: <\xd0\xb0\r\n\t\x00>\r\n\r\nACK",
    b"\xff" * 10_000,
]


def test_hostile_mime_is_survived(tell: Tell) -> None:
    """It is read or it is not; it never breaks the poll, and changes nothing."""

    async def work(told: Told) -> Any:
        return await take(told, *HOSTILE)

    assert set(tell(work)) <= {"stranger", "unreadable", "automatic"}


def test_the_first_own_line_counts() -> None:
    """Wherever the quotation stands, in text and in HTML."""
    head = b"From: a@b\r\nContent-Type: text/plain\r\n\r\n"
    html = b"From: a@b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    lines = {
        head + b"> CLOSE\r\n> TYPO\r\n\r\nACK": "ACK",
        head + b"On 8 March tallywatch <t@example.org>\r\nwrote:\r\n> CLOSE\r\n\r\nACK": "ACK",
        head + b"ACK\r\nOn 8 March tallywatch wrote:\r\n> CLOSE": "ACK",
        html + b"<style>CLOSE{}</style><p>ACK&nbsp;now</p><blockquote>CLOSE</blockquote>": "ACK now",
        html + b'<div class="gmail_quote">CLOSE</div><div>ACK</div>': "ACK",
        html: "",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nACK\r\n--x--\r\n": "ACK",
        b"Content-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n"
        b"<p>TYPO</p>\r\n--x\r\nContent-Type: text/plain\r\n\r\nACK\r\n--x--\r\n": "ACK",
    }
    assert [read(raw).line for raw in lines] == list(lines.values())


def test_numbers_after_the_word_name_incidents() -> None:
    """And what is no number of an incident stays in the note."""
    said = understand("TYPO #41, 42 digits swapped")
    assert said is not None
    assert (said.act, said.incidents) == ("typo", (41, 42))
    assert understand("acknowledgement") is None
    assert understand("") is None
