"""A post that is not between its neighbours any more was deleted: a fact, a withdrawn number, a mail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from itertools import permutations
from typing import Any

import pytest

from pipelines.database import connection
from pipelines.store import Keeper, Place
from scheduler.service import Service
from spiders.items import Absent, Document, Exchange
from tests.ledger.conftest import Serve
from tests.ledger.dump import dump
from tests.ledger.reports import MINISTRY, TELEGRAM, Post

DAY = date(2023, 3, 7)
START = datetime(2023, 3, 7, 6, 0, tzinfo=UTC)


def at(minutes: int) -> datetime:
    """Return a moment of the morning."""
    return START + timedelta(minutes=minutes)


def there(minutes: int, place: Place = TELEGRAM, **post: Any) -> Document:
    """Return the report as it was seen at a moment."""
    return Post(place=place, day=DAY, fetched_at=at(minutes), **post).document()


def gone(minutes: int, place: Place = TELEGRAM) -> Absent:
    """Return a look at the channel that does not show it."""
    key = Post(place=place, day=DAY).document().key
    page = Exchange(
        url="https://t.me/s/x", status=200, headers=(), body=b"neighbours %d" % minutes, fetched_at=at(minutes)
    )
    return Absent(source=place.name, keys=(key, "never-a-post"), looks=2, exchange=page)


async def keep(service: Service, *items: Document | Absent, judge: bool = True) -> list[str]:
    """Keep items, each by a crawl of its own, and judge after each."""
    kept = []
    for item in items:
        place = next(place for place in (TELEGRAM, MINISTRY) if place.name == item.source)
        keeper = await Keeper.begin(service.pool, place, service.clock)
        kept.append(str(await keeper.keep(item)))
        await keeper.finish("new", None, {})
        if judge:
            await service.judge()
    return kept


async def rows(service: Service, sql: str) -> list[dict[str, Any]]:
    """Return what a statement finds."""
    async with connection(service.pool) as conn:
        return await (await conn.execute(sql)).fetchall()


def tanks(dumped: dict[str, list[dict[str, Any]]]) -> list[tuple[Any, ...]]:
    """Return the history of one cell."""
    return [
        (row["total"], row["status"], row["supports"], row["known_since"])
        for row in dumped["figures"]
        if row["metric"] == "tanks"
    ]


def test_a_deleted_post_withdraws_its_numbers_since_we_noticed(serve: Serve) -> None:
    """Missed at two looks, it was deleted, known since the second: its figures are withdrawn, its words are kept."""

    async def work(service: Service) -> tuple[Any, ...]:
        kept = await keep(service, there(0), gone(5), gone(10), gone(15))
        deletions = await rows(service, "SELECT known_at, last_there FROM deletions")
        return kept, await dump(service, "figures", "versions"), deletions

    kept, dumped, deletions = serve(work)
    assert kept == ["new", "nothing", "deleted", "nothing"]
    assert tanks(dumped) == [
        (3423, "reported", [TELEGRAM.name], datetime(2023, 3, 7, 5, 30, tzinfo=UTC)),
        (None, "withdrawn", [], at(10)),
    ]
    assert len(dumped["versions"]) == 1
    assert deletions == [{"known_at": at(10), "last_there": at(0)}]


def test_a_deletion_is_one_incident_and_one_mail_with_the_words(serve: Serve) -> None:
    """The mail says which post, when it was last seen, and quotes it."""

    async def work(service: Service) -> tuple[Any, ...]:
        await keep(service, there(0), gone(5), gone(10))
        incidents = await service.query("incidents", id=None, states=["open"], claimant=None, as_of=None)
        return incidents, await rows(service, "SELECT content FROM mails")

    incidents, mails = serve(work)
    [incident] = [row for row in incidents if row["kind"] == "contradiction.revised"]
    key = there(0).key
    assert (
        incident["message"]
        == f"telegram_general_staff deleted {key}, its report of {DAY}, last seen 2023-03-07 06:00 UTC"
    )
    assert (incident["metric"], incident["severity"], len(incident["claims"])) == ("", "warning", 4)
    [mail] = mails
    message = message_from_bytes(bytes(mail["content"]), policy=policy.default)
    text = message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "telegram_general_staff deleted its report" in message["Subject"]
    assert "deleted" in text
    assert "last seen" in text
    assert "154830" in text


def test_one_look_is_no_proof(serve: Serve) -> None:
    """A server that lags behind drops a post once, and once more the next day: nobody is told."""

    async def work(service: Service) -> Any:
        await keep(service, there(0), gone(5), there(10), there(1400), gone(1440), there(1445))
        return await rows(service, "SELECT * FROM deletions"), await dump(service, "figures", "incidents")

    deletions, dumped = serve(work)
    assert deletions == []
    assert [row[1] for row in tanks(dumped)] == ["reported"]
    assert [row for row in dumped["incidents"] if row["kind"] == "contradiction.revised"] == []


def test_a_post_that_comes_back_is_no_longer_deleted(serve: Serve) -> None:
    """Its numbers stand again since then, and the incident is closed."""

    async def work(service: Service) -> Any:
        await keep(service, there(0), gone(5), gone(10), there(20))
        return await dump(service, "figures", "incidents")

    dumped = serve(work)
    assert [(total, status, since) for total, status, _, since in tanks(dumped)][1:] == [
        (None, "withdrawn", at(10)),
        (3423, "reported", at(20)),
    ]
    [incident] = [row for row in dumped["incidents"] if row["kind"] == "contradiction.revised"]
    assert incident["state"] == "closed"


@pytest.mark.parametrize("order", list(permutations(range(4)))[1::5])
def test_the_order_of_arrival_does_not_matter(serve: Serve, order: Sequence[int]) -> None:
    """A post, two looks without it, its return: whatever is learned first, the ledger is the same."""
    items = (there(0), gone(5), gone(10), there(20))

    async def work(service: Service) -> Any:
        await keep(service, *(items[place] for place in order))
        return await dump(service, "figures", "incidents")

    dumped = serve(work)
    assert [(total, status, since) for total, status, _, since in tanks(dumped)] == [
        (3423, "reported", datetime(2023, 3, 7, 5, 30, tzinfo=UTC)),
        (None, "withdrawn", at(10)),
        (3423, "reported", at(20)),
    ]
    assert [row["state"] for row in dumped["incidents"] if row["kind"] == "contradiction.revised"] == ["closed"]


def test_what_another_source_still_says_stands(serve: Serve) -> None:
    """One source's deletion leaves the figure to those who still say it; a second one's makes it grave."""

    async def work(service: Service) -> Any:
        await keep(service, there(0), there(1, MINISTRY), gone(5), gone(10))
        first = await dump(service, "figures", "incidents")
        await keep(service, gone(15, MINISTRY), gone(20, MINISTRY))
        return first, await dump(service, "figures", "incidents")

    first, second = serve(work)
    assert tanks(first)[-1][:3] == (3423, "reported", [MINISTRY.name])
    assert tanks(second)[-1][:3] == (None, "withdrawn", [])
    [incident] = [row for row in second["incidents"] if row["kind"] == "contradiction.revised"]
    assert incident["severity"] == "critical"


def test_a_wrong_post_replaced_by_a_right_one_withdraws_nothing(serve: Serve) -> None:
    """A publisher who posts again and then deletes the first post still says what the second one says."""

    async def work(service: Service) -> Any:
        wrong = there(0, changes=(("3423", "3432"),))
        right = there(3)
        again = Document(
            source=right.source, key="again", url=right.url, content=right.content, content_type=right.content_type,
            canonical=right.canonical, published_at=at(2), exchange=right.exchange,
        )  # fmt: skip
        await keep(service, wrong, again, gone(5), gone(10))
        return await dump(service, "figures", "incidents")

    dumped = serve(work)
    assert [row[0] for row in tanks(dumped)] == [3432, 3423]
    assert not any("deleted" in row["message"] for row in dumped["incidents"])


def test_a_deletion_after_a_quiet_refill_is_news(serve: Serve) -> None:
    """That a backfill brought the post without a word does not silence what happens to it afterwards."""
    later = 5 * 24 * 60  # after the refill, which ends at the service's time

    async def work(service: Service) -> Any:
        refill = await Keeper.begin(service.pool, TELEGRAM, service.clock, past=True, quiet=True)
        await refill.keep(there(0))
        await refill.finish("new", None, {})
        await service.judge()
        before = await rows(service, "SELECT 1 FROM mails")
        await keep(service, gone(later), gone(later + 5))
        return before, await rows(service, "SELECT subject FROM mails")

    before, mails = serve(work)
    assert before == []
    assert ["deleted" in mail["subject"] for mail in mails] == [True]


def test_numbers_that_were_never_posts_cost_no_page(serve: Serve) -> None:
    """The further pictures of an album are missing on every page: noted twice, without the page, and never again."""

    async def work(service: Service) -> Any:
        await keep(service, gone(0), gone(5), gone(10), judge=False)
        return await rows(service, "SELECT key, exchange FROM absences"), await rows(
            service, "SELECT 1 FROM exchanges"
        )

    absences, exchanges = serve(work)
    assert len(absences) == 4
    assert [row["exchange"] for row in absences] == [None] * 4
    assert exchanges == []
