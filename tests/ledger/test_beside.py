"""What others commit while the judge judges: a crawl, a backfill, `reread`. Nothing of it is lost, or told amiss."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from pipelines import rereading
from pipelines.database import connection, run
from pipelines.reading import read
from pipelines.store import Keeper
from scheduler import judging
from scheduler.judging import Court
from scheduler.service import Service
from tests.ledger.conftest import NOW, Serve
from tests.ledger.dump import dump
from tests.ledger.reports import FIGURES, MINISTRY, NEWS, TELEGRAM, Post, keep

DAY, WRONG_DAY = date(2023, 3, 7), date(2023, 3, 8)
WRONG, SWAPPED = (("154830", "154380"),), (("155530", "155350"),)
MORNING = datetime(2023, 3, 7, 6, 0, tzinfo=UTC)
PLACES = (TELEGRAM, MINISTRY, NEWS)
SLIP = Post(place=NEWS, day=WRONG_DAY, changes=SWAPPED)
RIGHT = [Post(place=place, day=day) for day in FIGURES for place in PLACES if (place, day) != (NEWS, WRONG_DAY)]
Between = Callable[[str, Callable[[], Awaitable[None]]], None]


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Between:
    """Give a way to let another process do something once, right after the judge has run a query."""
    real = judging.many

    def arrange(name: str, work: Callable[[], Awaitable[None]]) -> None:
        waiting = [work]

        async def many(conn: Any, query: str, /, **values: Any) -> Any:
            rows = await real(conn, query, **values)
            if query == name and waiting:
                await waiting.pop()()
            return rows

        monkeypatch.setattr(judging, "many", many)

    return arrange


async def keep_quietly(service: Service, *posts: Post) -> None:
    """Keep what a backfill brings."""
    for post in posts:
        keeper = await Keeper.begin(service.pool, post.place, service.clock, past=True, quiet=True)
        await keeper.keep(post.document())
        await keeper.finish("new", None, {})


async def rounds(service: Service) -> None:
    """Judge and tell three times."""
    for _ in range(3):
        await service.court.judge(tell=True)
        await service.teller.tell()


async def grave(service: Service) -> tuple[int, int]:
    """Return how many incidents and how many mails there are, of what a person has to look at."""
    kept = await dump(service, "incidents", "mails")
    return len([row for row in kept["incidents"] if row["severity"] != "info"]), len(kept["mails"])


async def personnel(service: Service) -> list[int]:
    """Return every total that was believed of the day, in its order."""
    return [row["total"] for row in (await dump(service, "figures"))["figures"] if row["metric"] == "personnel"]


def test_news_that_come_while_the_past_is_judged_are_told(serve: Serve, between: Between) -> None:
    """The judge that has begun with the past does not swallow them."""

    async def work(service: Service) -> tuple[int, int]:
        await keep_quietly(service, *RIGHT)
        between("unjudged", lambda: keep(service, SLIP))
        await rounds(service)
        assert await service.query("unjudged") == []
        return await grave(service)

    assert serve(work) == (1, 1)


def test_a_past_that_comes_while_news_are_judged_is_not_told(serve: Serve, between: Between) -> None:
    """It waits for its own turn."""

    async def work(service: Service) -> tuple[int, int]:
        async with connection(service.pool) as conn:
            for place in PLACES:
                words = {"name": place.name, "role": place.role, "publisher": place.publisher}
                await run(conn, "keep_source", **words, claimant=place.claimant, at=NOW)
        await keep(service, *RIGHT)
        await service.court.judge(tell=True)
        async with connection(service.pool) as conn:
            await conn.execute("TRUNCATE marks")
        service.court.forget()
        between("last_words", lambda: keep_quietly(service, SLIP))
        await rounds(service)
        return await grave(service)

    assert serve(work) == (1, 0)


def test_a_return_while_it_is_judged_is_not_lost(serve: Serve, between: Between) -> None:
    """The publisher goes back to what it said first while its second word is judged."""

    async def work(service: Service) -> list[int]:
        await keep(service, Post(place=TELEGRAM, day=DAY, fetched_at=MORNING))
        await keep(service, Post(place=TELEGRAM, day=DAY, changes=WRONG, fetched_at=MORNING + timedelta(hours=1)))
        back = Post(place=TELEGRAM, day=DAY, fetched_at=MORNING + timedelta(hours=2))
        between("figures_of_cells", lambda: keep(service, back))
        await rounds(service)
        return await personnel(service)

    assert serve(work) == [154830, 154380, 154830]


def test_an_older_capture_that_comes_while_it_is_judged_dates_the_figures(serve: Serve, between: Between) -> None:
    """They are known since the first of both."""
    early = MORNING - timedelta(hours=3)

    async def work(service: Service) -> set[datetime]:
        await keep(service, Post(place=TELEGRAM, day=DAY, fetched_at=MORNING, edited=True))
        older = Post(place=TELEGRAM, day=DAY, fetched_at=early, edited=True)
        between("figures_of_cells", lambda: keep_quietly(service, older))
        await rounds(service)
        return {row["known_since"] for row in (await dump(service, "figures"))["figures"]}

    assert serve(work) == {early}


def test_what_is_said_again_and_again_has_its_last_word(serve: Serve) -> None:
    """A publisher may change its mind as often as it likes; who is asked now hears what it says now."""

    async def work(service: Service) -> tuple[list[int], int]:
        for hours, changes in enumerate(((), WRONG, (), WRONG)):
            fetched_at = MORNING + timedelta(hours=hours)
            await keep(service, Post(place=TELEGRAM, day=DAY, changes=changes, fetched_at=fetched_at))
            await service.court.judge(tell=True)
            cell = {"claimant": "general_staff_ukraine", "metric": "personnel", "as_of": DAY}
            (said,) = await service.query("sayings", **cell)
            assert said["total"] == (await personnel(service))[-1]
        return await personnel(service), said["known_at"].hour

    assert serve(work) == ([154830, 154380, 154830, 154380], MORNING.hour + 3)


def test_what_is_read_again_mails_nobody_whoever_judges_it(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon may judge before the command that reads again does."""

    def unlearned(content: bytes, **more: Any) -> Any:
        return read(content.replace(b"155350", b"155530"), **more)

    async def work(service: Service) -> tuple[int, int]:
        with monkeypatch.context() as before:
            before.setattr("pipelines.documents.read", unlearned)
            await keep(service, *RIGHT, SLIP)
        await service.court.judge(tell=True)
        read_again = [
            one async for one in rereading.reread(service.pool, service.clock, source=None, apply=True) if one
        ]
        assert len(read_again) == 1
        await Court(service.pool, service.clock, budget=12).judge(tell=True)
        await service.teller.tell()
        return await grave(service)

    assert serve(work) == (1, 0)


def test_what_was_mailed_is_not_mailed_again_beside_a_backfill(serve: Serve) -> None:
    """The past that comes first knows nothing yet of the news that are judged anew: it withdraws nothing."""
    at = datetime(2023, 3, 8, 12, 0, tzinfo=UTC)

    def slip(hours: int) -> Post:
        return Post(place=NEWS, day=WRONG_DAY, changes=SWAPPED, edited=True, fetched_at=at - timedelta(hours=hours))

    async def work(service: Service) -> list[Any]:
        await keep(service, *RIGHT, slip(0))
        await rounds(service)
        await keep(service, slip(2))
        await keep_quietly(service, Post(place=TELEGRAM, day=min(FIGURES) - timedelta(days=1)))
        async with connection(service.pool) as conn:
            await conn.execute("TRUNCATE marks")
            await conn.execute("UPDATE threads SET told_at = told_at - interval '1 hour'")
        service.court.forget()
        await rounds(service)
        return (await dump(service, "mails"))["mails"]

    assert len(serve(work)) == 1
