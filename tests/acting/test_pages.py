"""Links and the pages behind them: who holds a link may do one thing once, and looking does nothing."""

from __future__ import annotations

import re
from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest

from scheduler.acting.guard import BODY, REQUESTS
from scheduler.acting.links import LIFE, UNSUBSCRIBE
from tests.acting.conftest import PUBLIC, READER, Tell, Told

EVERYTHING = """
    SELECT 'incidents' AS t, i::text AS row FROM incidents i
    UNION ALL SELECT 'history', h::text FROM incident_history h
    UNION ALL SELECT 'answers', a::text FROM answers a
    UNION ALL SELECT 'mails', m::text FROM mails m
    UNION ALL SELECT 'unsubscribed', u::text FROM unsubscribed u
    ORDER BY 1, 2"""


def test_the_mail_offers_every_act_in_both_parts(tell: Tell) -> None:
    """The same links stand in the text and in the HTML, beside the commands."""

    async def work(told: Told) -> Any:
        return (await told.mail())["content"]

    mail = message_from_bytes(bytes(tell(work)), policy=policy.default)
    parts = [mail.get_body((kind,)).get_content() for kind in ("plain", "html")]
    found = [set(re.findall(rf"{PUBLIC}/act/[\w.-]+", part)) for part in parts]
    assert found[0] == found[1]
    assert len(found[0]) == 8
    assert "tallywatch incidents ack" in parts[0]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Unsubscribe"].startswith(f"<{PUBLIC}/unsubscribe/")
    assert READER not in found[0].pop()


def test_no_links_without_a_public_address(tell: Tell, settings: dict[str, Any]) -> None:
    """Then there are commands only."""
    settings["web"] = {}

    async def work(told: Told) -> Any:
        return bytes((await told.mail())["content"])

    content = tell(work)
    assert b"/act/" not in content
    assert b"tallywatch incidents ack" in content
    assert b"One-Click" not in content


def test_looking_changes_nothing(tell: Tell) -> None:
    """Mail scanners follow links: any number of GET and HEAD leaves every row as it was."""

    async def work(told: Told) -> Any:
        before = await told.rows(EVERYTHING)
        answers = []
        for act in ("ack", "snooze_24h", "typo", "close", UNSUBSCRIBE):
            path = await told.link(act)
            answers += [await told.browser.get(path), await told.browser.head(path)]
        return before, await told.rows(EVERYTHING), answers

    before, after, answers = tell(work)
    assert before == after
    assert {answer.status_code for answer in answers} == {200}
    page = answers[0].text
    assert "155350" in page
    assert "Nothing has changed yet" in page
    for name, value in (("cache-control", "no-store"), ("referrer-policy", "no-referrer")):
        assert answers[0].headers[name] == value
    assert "default-src 'none'" in answers[0].headers["content-security-policy"]


@pytest.mark.parametrize(
    ("act", "state", "verdict"),
    [
        ("ack", "acknowledged", None),
        ("typo", "explained", "typo"),
        ("close", "closed", None),
    ],
)
def test_the_button_acts(tell: Tell, act: str, state: str, verdict: str | None) -> None:
    """The incident changes; the history says who, when, how and why."""

    async def work(told: Told) -> Any:
        answer = await told.press(await told.link(act), note="the desk\nrang them")
        return answer, await told.incident(), told.time.now

    answer, incident, now = tell(work)
    assert (answer.status_code, incident["state"], incident["verdict"]) == (200, state, verdict)
    step = next(step for step in incident["history"] if step["by"] == READER)
    assert (step["what"], step["how"]) == (state, "link")
    assert "the desk rang them" in step["note"]
    assert step["at"][:16] == now.isoformat()[:16]


def test_a_link_works_once(tell: Tell) -> None:
    """Pressed again, it says when it was used, and leaves alone what happened since."""

    async def work(told: Told) -> Any:
        path = await told.link("ack")
        await told.press(path)
        await told.press(await told.link("snooze_24h"))
        again = await told.press(path)
        return again, await told.browser.get(path), await told.incident()

    again, looked, incident = tell(work)
    assert incident["state"] == "snoozed"
    for answer in (again, looked):
        assert answer.status_code == 200
        assert "by the same link, on 10 Mar 2023 12:00" in answer.text
        assert "<form" not in answer.text


def test_forged_and_expired_links_say_why(tell: Tell) -> None:
    """They change nothing, and tell nothing of what they would have been about."""

    async def work(told: Told) -> Any:
        before = await told.rows(EVERYTHING)
        path = await told.link("ack")
        forged = path[:-3] + ("aaa" if path[-3:] != "aaa" else "bbb")
        bad = [await told.press(forged), await told.browser.get(forged), await told.press("/act/" + "a" * 5000)]
        bad += [
            await told.press(await told.link(UNSUBSCRIBE)),
            await told.browser.post(f"/unsubscribe/{path[5:]}", data={"List-Unsubscribe": "One-Click"}),
        ]
        told.time.forward(LIFE)
        return before, await told.rows(EVERYTHING), bad, await told.press(path)

    before, after, bad, expired = tell(work)
    assert before == after
    assert {answer.status_code for answer in bad} == {403}
    assert all("This link does not work" in answer.text for answer in bad)
    assert (expired.status_code, "has expired" in expired.text) == (410, True)
    assert "personnel" not in (bad[0].text + expired.text).lower()
    assert READER not in bad[0].text + expired.text


def test_what_is_over_stays_over(tell: Tell) -> None:
    """A link of an incident that was closed meanwhile says so kindly."""

    async def work(told: Told) -> Any:
        await told.press(await told.link("close"))
        answer = await told.press(await told.link("ack"))
        return answer, await told.incident()

    answer, incident = tell(work)
    assert (answer.status_code, incident["state"]) == (200, "closed")
    assert f"Incident {incident['id']} was left as it is: closed." in answer.text


def test_abuse_is_answered_cleanly(tell: Tell) -> None:
    """Another method, another kind of body, one that is too large or no text: a 4xx each, and nothing changes."""

    async def work(told: Told) -> Any:
        before = await told.rows(EVERYTHING)
        path, form = await told.link("ack"), {"content-type": "application/x-www-form-urlencoded"}
        browser = told.browser
        answers = [
            await browser.post(path, data={"token": path}),
            await browser.get("/act"),
            await browser.delete(path),
            await browser.post("/act", json={"token": path}),
            await browser.post("/act", content=b"token=" + b"a" * BODY, headers=form),
            await browser.post("/act", content=b"\xff\xfe", headers=form),
            await browser.post("/act", content=b"&".join([b"a=1"] * 100), headers=form),
            await browser.post("/act", content=b"", headers=form),
            await browser.post(await told.link(UNSUBSCRIBE), data={"other": "1"}),
        ]
        return before, await told.rows(EVERYTHING), [answer.status_code for answer in answers]

    before, after, codes = tell(work)
    assert before == after
    assert codes == [405, 405, 405, 415, 413, 400, 400, 403, 400]


def test_a_client_is_bounded(tell: Tell) -> None:
    """Whoever asks too often waits for the next minute."""

    async def work(told: Told) -> Any:
        codes = [(await told.browser.get("/act/forged")).status_code for _ in range(REQUESTS + 1)]
        told.time.forward(timedelta(minutes=1))
        return codes, (await told.browser.get("/act/forged")).status_code

    codes, later = tell(work)
    assert (codes[-2:], later) == ([403, 429], 403)


def test_one_click_ends_the_mails(tell: Tell, settings: dict[str, Any]) -> None:
    """What RFC 8058 sends is enough, in either form; mails that wait are held, the operators are told."""
    settings["mail"]["to"] = [READER, "other@example.org"]

    async def work(told: Told) -> Any:
        path = await told.link(UNSUBSCRIBE)
        told.time.forward(LIFE * 10)
        parts = {"List-Unsubscribe": (None, "One-Click")}
        codes = [(await told.browser.post(path, files=parts)).status_code for _ in range(2)]
        await told.service.teller.tell()
        mails = await told.rows("SELECT recipient, state, held_for FROM mails ORDER BY id")
        raised = await told.rows("SELECT source, state FROM incidents WHERE kind = 'operations.unsubscribed'")
        return codes, mails, raised

    codes, mails, raised = tell(work)
    assert codes == [200, 200]
    mine = [(mail["state"], mail["held_for"]) for mail in mails if mail["recipient"] == READER]
    assert mine == [("held", "unsubscribed")]
    assert raised == [{"source": READER, "state": "open"}]
    assert len([mail for mail in mails if mail["recipient"] == "other@example.org"]) > 1


def test_what_is_snoozed_wakes(tell: Tell) -> None:
    """When its time is over it is open again, and that is told."""

    async def work(told: Told) -> Any:
        await told.press(await told.link("snooze_24h"))
        told.time.forward(timedelta(hours=23))
        await told.service.teller.tell()
        asleep = (await told.incident())["state"]
        told.time.forward(timedelta(hours=1))
        await told.service.teller.tell()
        return asleep, await told.incident(), await told.rows("SELECT subject FROM mails ORDER BY id")

    asleep, incident, mails = tell(work)
    assert (asleep, incident["state"], incident["snoozed_until"]) == ("snoozed", "open", None)
    assert "woken" in [step["what"] for step in incident["history"]]
    assert len(mails) >= 2


def test_pages_speak_the_readers_language(tell: Tell, settings: dict[str, Any]) -> None:
    """A reader of Ukrainian gets Ukrainian; so does who comes with a dead link and a Ukrainian browser."""
    settings["mail"]["to"] = [{"address": READER, "language": "uk"}]

    async def work(told: Told) -> Any:
        live = await told.browser.get(await told.link("typo"))
        return live.text, (await told.browser.get("/act/x", headers={"accept-language": "uk,en"})).text

    live, dead = tell(work)
    assert '<html lang="uk">' in live
    assert "Ще нічого не змінено" in live
    assert "Посилання не діє" in dead


def test_another_secret_ends_all_links(tell: Tell) -> None:
    """A key that leaked is replaced, and what it signed is refused."""

    async def work(told: Told) -> Any:
        path = await told.link("ack")
        await told.rows("UPDATE signing SET key = 'another key, quite as long as the first one' RETURNING key")
        return path

    path = tell(work)

    async def later(told: Told) -> Any:
        return (await told.press(path)).status_code

    assert tell(later) == 403


def test_the_ledger_goes_by_an_explanation(tell: Tell) -> None:
    """What a reader says by a link is followed by the next round, and told in the same thread."""

    async def work(told: Told) -> Any:
        await told.press(await told.link("typo"), note="the ministry says 155,530")
        told.time.forward(timedelta(minutes=20))
        await told.service.judge()
        mails = await told.rows("SELECT content FROM mails ORDER BY id DESC LIMIT 1")
        return await told.incident(), bytes(mails[0]["content"])

    incident, content = tell(work)
    assert (incident["state"], incident["verdict"]) == ("explained", "typo")
    mail = message_from_bytes(content, policy=policy.default)
    body = mail.get_body(("plain",))
    assert body is not None
    assert "the ministry says 155,530" in body.get_content()
    assert f"by {READER}" in " ".join(body.get_content().split())
