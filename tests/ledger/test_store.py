from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from pipelines.store import Keeper
from scheduler.service import Service
from spiders.items import Trouble, Unchanged
from tests.ledger.conftest import NOW, Serve
from tests.ledger.dump import dump
from tests.ledger.reports import NEWS, TELEGRAM, Post, keep

DAY = date(2023, 3, 7)


def test_a_number_leads_back_to_its_words(serve: Serve) -> None:
    """The span of a claim, in the stored text, is the number itself."""

    async def work(service: Service) -> list[dict[str, Any]]:
        await keep(service, Post(place=TELEGRAM, day=DAY))
        return await service.query("claims_with_words", claims=list(range(1, 100)))

    claims = serve(work)
    assert len(claims) == 4
    for claim in claims:
        assert claim["text"][claim["total_start"] : claim["total_end"]] == str(claim["total"])
        assert claim["quote"] in claim["text"]
    personnel = next(claim for claim in claims if claim["metric"] == "personnel")
    assert (personnel["total"], personnel["daily"], personnel["hedge"]) == (154830, 1710, "about")


def test_the_same_bytes_again_move_nothing_but_last_seen(serve: Serve) -> None:
    """A second look adds no row to anything but the list of runs."""

    async def work(service: Service) -> tuple[Any, Any, list[str], Any]:
        await keep(service, Post(place=TELEGRAM, day=DAY))
        await service.judge()
        before = await dump(service)
        later = Post(place=TELEGRAM, day=DAY, fetched_at=NOW)
        kept = await keep(service, later)
        await service.judge()
        (claim, *_) = await service.query("claims_with_words", claims=[1])
        return before, await dump(service), kept, claim["last_seen"]

    before, after, kept, last_seen = serve(work)
    assert kept == ["unchanged"]
    assert after == before
    assert last_seen == NOW


def test_an_unmarked_change_is_known_from_when_it_was_seen(serve: Serve) -> None:
    """Publishers do not print when they edit: the first content is known since publication, the next since fetched."""
    seen = datetime(2023, 3, 7, 12, 0, tzinfo=UTC)

    async def work(service: Service) -> tuple[list[str], Any]:
        first = Post(place=TELEGRAM, day=DAY)
        second = Post(place=TELEGRAM, day=DAY, changes=(("154830", "154380"),), fetched_at=seen)
        kept = await keep(service, second, first)
        return kept, await dump(service, "versions")

    kept, dumped = serve(work)
    assert kept == ["new", "changed"]
    assert [row["known_at"] for row in dumped["versions"]] == [datetime(2023, 3, 7, 5, 30, tzinfo=UTC), seen]


def test_a_content_that_comes_back_is_said_again(serve: Serve) -> None:
    """A, then B, then A: the source's last word is A, though A is one version."""
    wrong = (("154830", "154380"),)
    start = datetime(2023, 3, 7, 6, 0, tzinfo=UTC)

    async def work(service: Service) -> Any:
        for hours, changes in enumerate(((), wrong, ())):
            await keep(
                service,
                Post(place=TELEGRAM, day=DAY, changes=changes, fetched_at=start + timedelta(hours=hours)),
            )
            await service.judge()
        return await dump(service, "versions", "figures")

    dumped = serve(work)
    assert len(dumped["versions"]) == 2
    history = [row["total"] for row in dumped["figures"] if row["metric"] == "personnel"]
    assert history == [154830, 154380, 154830]


def test_what_postgresql_cannot_hold_is_replaced_one_for_one(serve: Serve) -> None:
    """A NUL in a post neither loses the post nor moves a span."""

    async def work(service: Service) -> list[dict[str, Any]]:
        await keep(service, Post(place=TELEGRAM, day=DAY, changes=(("орієнтовно", "орієнтовно \x00"),)))
        return await service.query("claims_with_words", claims=[1])

    (claim,) = serve(work)
    assert claim["text"][claim["total_start"] : claim["total_end"]] == "154830"


def test_trouble_is_a_row_with_its_page(serve: Serve) -> None:
    """What a source did to us is kept, with the page that could not be used."""
    exchange = Post(place=NEWS, day=DAY).document().exchange

    async def work(service: Service) -> tuple[Any, Any]:

        keeper = await Keeper.begin(service.pool, NEWS, service.clock)
        trouble = Trouble(
            source=NEWS.name, url="https://example.org", cause="captcha", detail="a puzzle", at=NOW, exchange=exchange
        )
        assert await keeper.keep(trouble) == "problem"
        await keeper.finish("broken", "captcha", {})
        return await service.query("troubles_of_run", run=keeper.run), await service.query("last_runs")

    troubles, runs = serve(work)
    assert [row["cause"] for row in troubles] == ["captcha"]
    assert (runs[0]["verdict"], runs[0]["cause"], runs[0]["last_success"]) == ("broken", "captcha", None)


def test_not_modified_moves_last_seen_of_what_the_page_showed(serve: Serve) -> None:
    """A 304 costs one statement and changes nothing else."""
    later = NOW + timedelta(hours=1)
    document = Post(place=TELEGRAM, day=DAY).document()

    async def work(service: Service) -> Any:

        await keep(service, Post(place=TELEGRAM, day=DAY))
        keeper = await Keeper.begin(service.pool, TELEGRAM, service.clock)
        unchanged = Unchanged(source=TELEGRAM.name, url=document.exchange.url, fetched_at=later)
        assert await keeper.keep(unchanged) == "unchanged"
        (claim, *_) = await service.query("claims_with_words", claims=[1])
        return claim["last_seen"]

    assert serve(work) == later
