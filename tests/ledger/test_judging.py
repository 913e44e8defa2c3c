from __future__ import annotations

import email
import zlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from email import policy
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.database import connection
from scheduler.fold import KEPT
from scheduler.incidents import Desk
from scheduler.judging import Court
from scheduler.marks import KEPT as MORNINGS
from scheduler.service import Service
from tests.ledger.conftest import NOW, Serve
from tests.ledger.dump import dump
from tests.ledger.reports import FIGURES, MINISTRY, NEWS, PAST, TELEGRAM, Post, keep

WRONG_DAY = date(2023, 3, 8)
SWAPPED = (("155530", "155350"),)

STORY = [
    Post(place=place, day=day, changes=SWAPPED if (place, day) == (NEWS, WRONG_DAY) else ())
    for day in FIGURES
    for place in (TELEGRAM, MINISTRY, NEWS)
] + [
    Post(
        place=TELEGRAM,
        day=date(2023, 3, 7),
        changes=(("2465 (+9)", "2456 (+0)"),),
        edited=True,
        fetched_at=datetime(2023, 3, 9, 12, 0, tzinfo=UTC),
    )
]
"""Six days of three sources; a relay swaps two digits, and a post is edited two days later."""


def test_a_clean_history_is_quiet(serve: Serve) -> None:
    """Real figures from three sources: every cell confirmed, no incident worth a mail, no mail."""

    async def work(service: Service) -> Any:
        await keep(service, *[Post(place=place, day=day) for day in FIGURES for place in (TELEGRAM, NEWS)])
        await service.court.judge(tell=True)
        await service.teller.tell()
        return await dump(service, "figures", "incidents", "mails")

    dumped = serve(work)
    latest = [row for row in dumped["figures"] if row["known_until"] == "infinity"]
    assert len(latest) == 4 * len(FIGURES)
    assert {row["status"] for row in latest} == {"confirmed"}
    assert [row for row in dumped["incidents"] if row["severity"] != "info"] == []
    assert dumped["mails"] == []


def test_a_wrong_relay_is_one_incident_and_one_mail(serve: Serve, home: Path) -> None:
    """The mail names the dissenter, quotes its words, and is sent once however often we look."""

    async def work(service: Service) -> Any:
        for _ in range(2):
            await keep(service, *[post for post in STORY if not post.edited])
            await service.court.judge(tell=True)
            await service.teller.tell()
            await service.deliver()
        return await dump(service, "incidents", "mails")

    dumped = serve(work)
    (incident,) = [row for row in dumped["incidents"] if row["severity"] != "info"]
    assert incident["kind"].startswith("contradiction.")
    assert (incident["metric"], incident["as_of"], incident["source"]) == ("personnel", WRONG_DAY, "ukrinform")
    (file,) = (home / "Maildir" / "new").iterdir()
    mail = email.message_from_bytes(file.read_bytes(), policy=policy.default)
    body = mail.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert "155,530" in text
    assert "155350" in text
    assert "ukrinform" in text


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_order_of_arrival_changes_nothing(serve: Serve, data: st.DataObject) -> None:
    """The same documents in any order, judged at any time between, end in the same figures and incidents."""
    order = data.draw(st.permutations(STORY))
    cuts = data.draw(st.sets(st.integers(1, len(STORY) - 1), max_size=4))
    judges = data.draw(st.lists(st.sampled_from(["same", "restarted", "other"]), min_size=5, max_size=5))

    async def work(service: Service) -> tuple[Any, Any]:
        wanted = await told(service, [STORY])
        edges = [0, *sorted(cuts), len(order)]
        batches = [order[start:end] for start, end in pairwise(edges)]
        return wanted, await told(service, batches, judges)

    wanted, got = serve(work)
    assert wanted["incidents"]
    assert got == wanted


async def told(service: Service, batches: list[list[Post]], judges: Sequence[str] = ("same",)) -> Any:
    """Feed batches into an empty ledger, judging after each; return what it holds in the end.

    The judge is the same process as before, one that was restarted, or another one beside it.
    """
    async with connection(service.pool) as conn:
        await conn.execute("TRUNCATE sources, exchanges, incidents, threads, mails, marks CASCADE")
    service.court.forget()
    other = Court(service.pool, service.clock, budget=12)
    for batch, judge in zip(batches, judges, strict=False):
        await keep(service, *batch)
        if judge == "restarted":
            service.court.forget()
        await (other if judge == "other" else service.court).judge(tell=False)
    return await dump(service, "versions", "claims", "figures", "incidents")


def test_judging_again_changes_nothing(serve: Serve) -> None:
    """A judge without memory, over a ledger that was judged, finds what is there already."""

    async def work(service: Service) -> tuple[Any, Any, Any]:
        await keep(service, *STORY)
        await service.court.judge(tell=False)
        before = await dump(service)
        async with connection(service.pool) as conn:
            await conn.execute("TRUNCATE marks")
            await conn.execute("UPDATE versions SET judged = false")
        service.court.forget()
        judged = await service.court.judge(tell=True)
        return before, await dump(service), judged

    before, after, judged = serve(work)
    assert after == before
    assert (judged.figures, judged.incidents) == (0, 0)


def test_a_late_arrival_costs_no_history(serve: Serve) -> None:
    """Sources in the wrong order are judged from that morning on, and old days are let go: the end is the same."""
    days = [*PAST, *FIGURES]

    async def work(service: Service) -> tuple[Any, Any, int, int]:
        court = service.court
        await keep(service, *[Post(place=place, day=day) for day in days[:-10] for place in (TELEGRAM, NEWS)])
        await court.judge(tell=False)
        for day in days[-10:]:
            for place in (NEWS, TELEGRAM):
                await keep(service, *[post for post in story(days) if (post.place, post.day) == (place, day)])
                await court.judge(tell=False)
        assert court.fold is not None
        remembered, kept = len(court.fold.fed), await marks(service)
        return await dump(service), await anew(service), kept, remembered

    dumped, again, kept, remembered = serve(work)
    assert [row["kind"] for row in dumped["incidents"] if row["severity"] != "info"]
    assert again == dumped
    assert len(kept) == MORNINGS
    assert remembered <= KEPT.days + 1 < len(days)


def test_who_starts_anew_goes_on_from_the_morning(serve: Serve) -> None:
    """A restart, and a judge beside another one, begin with what was judged already; the end is the same."""
    days = [*PAST, *FIGURES]

    async def work(service: Service) -> tuple[Any, Any, list[list[int]]]:
        other, seen = Court(service.pool, service.clock, budget=12), []
        await keep(service, *[post for post in story(days) if post.day in days[:-4]])
        await service.court.judge(tell=False)
        for number, post in enumerate(post for post in story(days) if post.day in days[-4:]):
            await keep(service, post)
            if number % 3 == 0:
                service.court.forget()
            await (other if number % 2 else service.court).judge(tell=False)
            seen.append(await marks(service))
        return await dump(service), await anew(service), seen

    dumped, again, seen = serve(work)
    assert [row["kind"] for row in dumped["incidents"] if row["severity"] != "info"]
    assert again == dumped
    assert all(set(before[1:]) <= set(now) for before, now in pairwise(seen)), "none but the oldest is ever dropped"


def test_explaining_what_is_new_costs_no_history(serve: Serve) -> None:
    """A verdict on yesterday's incident is heeded from yesterday morning on; the end is the same."""
    days = [*PAST, *FIGURES]

    async def work(service: Service) -> tuple[Any, Any, list[int], list[int]]:
        for day in days:
            await keep(service, *[post for post in story(days) if post.day == day])
            if day >= days[-5]:
                await service.court.judge(tell=False)
            if day == WRONG_DAY:
                break
        before = await marks(service)
        async with connection(service.pool) as conn:
            await conn.execute(
                "UPDATE incidents SET state = 'explained', verdict = 'typo' WHERE as_of = %s AND metric = 'personnel'",
                [WRONG_DAY],
            )
        judged = await service.court.judge(tell=False)
        assert judged.versions == 0
        after = await marks(service)
        return await dump(service), await anew(service), before, after

    dumped, again, before, after = serve(work)
    assert {row["state"] for row in dumped["incidents"] if row["as_of"] == WRONG_DAY} == {"explained"}
    assert again == dumped
    assert after == before, "it went on from this morning"


@pytest.mark.parametrize(
    "kept", [b"rubbish", zlib.compress(b"cos\nsystem\n(S'touch ran'\ntR."), zlib.compress(b"\x80")]
)
def test_a_mark_that_is_none_is_never_run(
    serve: Serve, kept: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever stands in its row: it is dropped with a line in the log, and everything is judged again."""
    monkeypatch.chdir(tmp_path)

    async def work(service: Service) -> tuple[Any, Any]:
        await keep(service, *STORY[:-4])
        await service.court.judge(tell=False)
        async with connection(service.pool) as conn:
            await conn.execute("UPDATE marks SET fold = %s", [kept])
        service.court.forget()
        await keep(service, *STORY)
        await service.court.judge(tell=False)
        return await dump(service), await anew(service)

    dumped, again = serve(work)
    assert again == dumped
    assert "A mark of the judge is unusable" in caplog.text
    assert not (tmp_path / "ran").exists()


def test_another_judge_has_marks_of_its_own(serve: Serve) -> None:
    """With another budget nothing is gone on from: it would tell other breaks of trend."""

    async def work(service: Service) -> tuple[list[int], list[int]]:
        await keep(service, *STORY[:-1])
        await service.court.judge(tell=False)
        before = await marks(service)
        await Court(service.pool, service.clock, budget=4).judge(tell=False)
        return before, await marks(service)

    before, after = serve(work)
    assert before
    assert len(after) == 1
    assert not set(before) & set(after)


def test_a_word_on_a_day_let_go_is_judged(serve: Serve) -> None:
    """An edit of the first report after two months is judged as by somebody who remembers everything."""
    days = [*PAST, *FIGURES]
    edit = Post(
        place=TELEGRAM, day=days[5], changes=(("(+9)", "(+8)"),), edited=True, fetched_at=NOW - timedelta(hours=1)
    )

    async def work(service: Service) -> tuple[Any, Any]:
        await keep(service, *story(days))
        await service.court.judge(tell=False)
        before = await dump(service, "incidents")
        await keep(service, edit)
        await service.court.judge(tell=False)
        return before, (await dump(service), await anew(service))

    before, (dumped, again) = serve(work)
    assert again == dumped
    assert days[5] in {row["as_of"] for row in dumped["incidents"]} - {row["as_of"] for row in before["incidents"]}


def story(days: list[date]) -> list[Post]:
    """Return the reports of two sources, of which one swaps two digits."""
    past = [Post(place=place, day=day) for day in days if day in PAST for place in (TELEGRAM, NEWS)]
    return past + [post for post in STORY if post.place != MINISTRY and not post.edited]


async def anew(service: Service) -> Any:
    """Judge everything with a judge that has no memory, and return what the ledger holds then."""
    async with connection(service.pool) as conn:
        await conn.execute("TRUNCATE marks")
        await conn.execute("UPDATE versions SET judged = false")
    service.court.forget()
    await service.court.judge(tell=False)
    return await dump(service)


async def marks(service: Service) -> list[int]:
    """Return the numbers of the marks that there are."""
    async with connection(service.pool) as conn:
        return [row["id"] for row in await (await conn.execute("SELECT id FROM marks ORDER BY id")).fetchall()]


def test_the_ledger_answers_for_the_past(serve: Serve) -> None:
    """As known before the edit, the figure is the one first published; now it is the edited one."""
    cell = {"metric": "artillery_systems", "claimant": None, "from": date(2023, 3, 7), "to": date(2023, 3, 7)}

    async def work(service: Service) -> tuple[int, int]:
        await keep(service, *[post for post in STORY if post.place == TELEGRAM])
        await service.court.judge(tell=False)
        (then,) = await service.query("figures", known_at=datetime(2023, 3, 8, 12, 0, tzinfo=UTC), **cell)
        (now,) = await service.query("figures", known_at=None, **cell)
        return then["total"], now["total"]

    assert serve(work) == (2465, 2456)


def test_a_persons_word_is_kept_and_told(serve: Serve) -> None:
    """Explaining is a step of the history with who, when and why; the incident is no longer open."""

    async def work(service: Service) -> Any:
        await keep(service, *STORY)
        await service.court.judge(tell=True)
        rows = await service.query("incidents", id=None, states=["open"], claimant=None, as_of=None)
        wrong = next(row for row in rows if row["metric"] == "personnel" and row["as_of"] == WRONG_DAY)
        async with connection(service.pool) as conn:
            desk = Desk(conn=conn, at=NOW, tell=True)
            await desk.act(wrong["id"], "explained", by="olena", note="two digits swapped", verdict="typo")
        await service.court.judge(tell=True)
        return (await service.query("incidents", id=wrong["id"], states=None, claimant=None, as_of=None))[0]

    row = serve(work)
    assert (row["state"], row["verdict"]) == ("explained", "typo")
    step = row["history"][-1]
    assert (step["by"], step["what"], step["note"]) == ("olena", "explained", "typo: two digits swapped")
