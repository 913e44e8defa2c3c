"""Coverage through the ledger: categories that vanish, labels that nobody knows, sources that break again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from pipelines.database import connection
from pipelines.records import KYIV
from pipelines.store import Keeper, Place
from scheduler.clock import kyiv_day
from scheduler.config import Config
from scheduler.coverage import Silent, newest_reports, to_look_at
from scheduler.service import Service, open_service
from spiders.items import Document, Exchange
from tests.ledger.reports import MINISTRY, NEWS, TELEGRAM
from tests.reactor import Run

FIRST = date(2023, 3, 1)
LINES = (
    "особового складу ‒ близько {} (+800) осіб,",
    "танків ‒ {} (+8) од,",
    "артилерійських систем – {} (+7) од,",
    "РСЗВ – {} (+1) од,",
    "автомобільної техніки та автоцистерн – {} (+10) од,",
)
BEGIN = (150_000, 3_400, 2_400, 480, 5_200)
MOVES = (800, 8, 7, 1, 10)
TANKS, CRAFT = "танків", "космічних апаратів"

Look = Callable[[Callable[["Desk"], Awaitable[Any]]], Any]


class Desk:
    """Publishes reports and looks at the incidents, on days that pass."""

    def __init__(self) -> None:
        self.now = datetime(2023, 3, 1, 10, 0, tzinfo=UTC)
        self.service: Service

    async def publish(
        self, number: int, *, place: Place = TELEGRAM, without: str = "", more: Sequence[str] = (), only: int = 9
    ) -> None:
        """Publish the report of one day, without a category, with more lines, or the first lines only."""
        day = FIRST + timedelta(days=number)
        lines = [line.format(begin + move * number) for line, begin, move in zip(LINES, BEGIN, MOVES, strict=True)]
        lines = [line for line in lines if not (without and without in line)][:only]
        heading = f"Загальні бойові втрати противника з 24.02.22 по {day:%d.%m.%y} орієнтовно склали:"
        published = datetime.combine(day, time(7, 30), KYIV).astimezone(UTC)
        self.now = max(self.now, published + timedelta(hours=2))
        body = "\n".join([heading, *lines, *more]).encode()
        url = f"https://example.org/{place.name}/{day}"
        keeper = await Keeper.begin(self.service.pool, place, self.service.clock)
        await keeper.keep(
            Document(
                source=place.name,
                key=url,
                url=url,
                content=body,
                content_type="text/plain; charset=utf-8",
                canonical=body,
                published_at=published,
                exchange=Exchange(url=url, status=200, headers=(), body=body, fetched_at=self.now),
            )
        )
        await keeper.finish("new", None, {})

    async def look(self) -> list[tuple[str, str, date, str]]:
        """Judge and look; return the incidents about categories."""
        await self.service.court.judge(tell=True)
        await self.service.coverage.look(self.service.sources, tell=True)
        rows = await self.incidents()
        return [
            (row["kind"], row["metric"], row["as_of"], row["state"])
            for row in rows
            if row["kind"].startswith("coverage.metric")
        ]

    async def incidents(self, *states: str) -> list[dict[str, Any]]:
        """Return the incidents in some states, or all."""
        return await self.service.query("incidents", id=None, states=list(states) or None, claimant=None, as_of=None)

    async def message(self) -> str:
        """Return what the only incident about a category says."""
        rows = await self.incidents()
        (row,) = [row for row in rows if row["kind"].startswith("coverage.metric")]
        return str(row["message"])


@pytest.fixture
def look(conninfo: str, tmp_path: Any, run: Run[Any]) -> Look:
    """Run something with a service that polls two official sources and a relay."""
    names = ("telegram_general_staff", "mod_gov_ua", "ukrinform")

    async def with_desk(work: Callable[[Desk], Awaitable[Any]]) -> Any:
        config = Config(home=tmp_path, database_url=conninfo, sources={name: {"enabled": True} for name in names})  # type: ignore[arg-type,misc]
        desk = Desk()
        async with open_service(config, lambda: desk.now) as service:
            desk.service = service
            return await work(desk)

    return lambda work: run(with_desk(work))


def test_a_category_that_vanishes_is_one_incident_until_it_is_back(look: Look) -> None:
    """It is told on the first day, says where and how it was last worded, and closes when it is there again."""

    async def work(desk: Desk) -> None:
        for number in range(7):
            await desk.publish(number)
        assert await desk.look() == []
        await desk.publish(7, without=TANKS)
        told = [("coverage.metric_missing", "tanks", FIRST + timedelta(days=7), "open")]
        assert await desk.look() == told
        message = await desk.message()
        assert "https://example.org/telegram_general_staff/2023-03-08" in message
        assert "“танків ‒ 3448 (+8) од,”" in message
        await desk.publish(8, without=TANKS)
        assert await desk.look() == told
        await desk.publish(9)
        assert await desk.look() == [(*told[0][:3], "closed")]

    look(work)


def test_it_goes_on_however_long_it_lasts(look: Look) -> None:
    """When the reports that had it are out of sight, that is no return."""

    async def work(desk: Desk) -> None:
        for number in range(7):
            await desk.publish(number)
        await desk.publish(7, without=TANKS)
        assert [row[-1] for row in await desk.look()] == ["open"]
        for number in (40, 60, 75):
            await desk.publish(number, without=TANKS)
            assert [row[-1] for row in await desk.look()] == ["open"]

    look(work)


def test_another_official_source_that_has_it_is_enough(look: Look) -> None:
    """The ministry's page lists what the post left out: nothing has vanished."""

    async def work(desk: Desk) -> None:
        for number in range(8):
            await desk.publish(number, without=TANKS if number == 7 else "")
            await desk.publish(number, place=MINISTRY)
        assert await desk.look() == []

    look(work)


def test_a_headline_and_a_relay_are_no_evidence(look: Look) -> None:
    """A report of two numbers is a headline; a news item leaves out what it likes."""

    async def work(desk: Desk) -> None:
        for number in range(8):
            await desk.publish(number, only=2 if number == 7 else 9)
            await desk.publish(
                number, place=NEWS, without=TANKS if number == 7 else "", more=(f"{CRAFT} – 5 (+1) од",)
            )
        assert await desk.look() == []

    look(work)


def test_a_young_ledger_knows_no_habit(look: Look) -> None:
    """After four reports nobody can say what every report has."""

    async def work(desk: Desk) -> None:
        for number in range(5):
            await desk.publish(number, without=TANKS if number == 4 else "")
        assert await desk.look() == []

    look(work)


def test_a_new_label_is_one_incident_until_it_is_known(look: Look) -> None:
    """It is told with its line and its document, once for as long as it lasts."""

    async def work(desk: Desk) -> None:
        for number in range(7):
            await desk.publish(number)
        for number in (7, 8):
            await desk.publish(number, more=(f"{CRAFT} – {5 + number} (+1) од",))
            told = [("coverage.metric_new", CRAFT, FIRST + timedelta(days=7), "open")]
            assert await desk.look() == told
        message = await desk.message()
        assert f"“{CRAFT} – 12 (+1) од”" in message
        assert "https://example.org/telegram_general_staff/2023-03-08" in message
        await desk.publish(9)
        assert await desk.look() == [(*told[0][:3], "closed")]

    look(work)


def test_a_line_that_was_always_there_is_not_new(look: Look) -> None:
    """A telephone number below every list is no category."""

    async def work(desk: Desk) -> None:
        for number in range(9):
            await desk.publish(number, more=("гаряча лінія: 1516",))
        assert await desk.look() == []

    look(work)


def test_a_source_that_is_switched_off_is_not_said_to_be_mended(look: Look) -> None:
    """The incident of its outage ends, with a true word."""

    async def work(desk: Desk) -> None:
        keeper = await Keeper.begin(desk.service.pool, TELEGRAM, desk.service.clock)
        await keeper.finish("broken", "layout_changed", {})
        await desk.service.coverage.look(desk.service.sources, tell=True)
        rest = {name: source for name, source in desk.service.sources.items() if name != TELEGRAM.name}
        await desk.service.coverage.look(rest, tell=True)
        rows = await desk.incidents()
        (row,) = [row for row in rows if row["kind"] == "coverage.broken"]
        assert (row["state"], row["history"][-1]["note"]) == ("closed", "the source is not polled any more")

    look(work)


def test_a_source_that_breaks_again_on_one_day_is_told_again(look: Look) -> None:
    """It was readable in between, so its incident was closed; what broke then must not stay untold for ever."""

    async def work(desk: Desk) -> None:
        async def crawl(verdict: str, cause: str | None) -> list[tuple[str, int]]:
            keeper = await Keeper.begin(desk.service.pool, TELEGRAM, desk.service.clock)
            await keeper.finish(verdict, cause, {})
            desk.now += timedelta(minutes=20)
            await desk.service.coverage.look(desk.service.sources, tell=True)
            rows = await desk.incidents()
            return [(row["state"], len(row["history"])) for row in rows if row["kind"] == "coverage.broken"]

        assert await crawl("broken", "layout_changed") == [("open", 1)]
        assert await crawl("unchanged", None) == [("closed", 2)]
        ((state, _),) = await crawl("broken", "layout_changed")
        assert state == "open"
        ((state, steps),) = await crawl("broken", "layout_changed")
        assert state == "open"
        assert await crawl("broken", "layout_changed") == [("open", steps)]

    look(work)


def test_a_report_that_comes_long_afterwards_ends_the_silence_of_its_day(look: Look) -> None:
    """Forty days later, and at the next look: only the last days and those that are silent are looked at again."""

    async def work(desk: Desk) -> None:
        async def silent() -> set[date]:
            await desk.service.coverage.look(desk.service.sources, tell=True)
            rows = await desk.incidents("open")
            return {row["as_of"] for row in rows if row["kind"] in ("coverage.late", "coverage.missing")}

        await desk.publish(0)
        desk.now += timedelta(days=40)
        every = {FIRST + timedelta(days=number) for number in range(1, 41)}
        assert await silent() == every
        for number in (1, 2, 40):
            await desk.publish(number)
            assert await silent() == every - {FIRST + timedelta(days=number)}
            every.remove(FIRST + timedelta(days=number))

    look(work)


def test_the_newest_report_of_a_source_is_known_however_old_it_is(look: Look) -> None:
    """One source has stopped; one never had a report."""

    async def work(desk: Desk) -> None:
        await desk.publish(0, place=MINISTRY)
        await desk.publish(60)
        async with connection(desk.service.pool) as conn:
            newest = await newest_reports(conn, desk.service.sources, kyiv_day(desk.now))
        assert newest == {"mod_gov_ua": FIRST, "telegram_general_staff": FIRST + timedelta(days=60)}

    look(work)


def test_each_day_is_looked_at_once_a_day_and_what_may_change_always() -> None:
    """A new installation date and a new Kyiv day are reasons to look at all of them."""
    last, today = FIRST + timedelta(days=99), FIRST + timedelta(days=100)
    every = [FIRST + timedelta(days=number) for number in range(100)]
    found = Silent(days=frozenset({every[3], every[98]}), since=FIRST, looked=today)
    assert to_look_at(None, FIRST, last, today) == every
    assert to_look_at(found, FIRST, last, today) == [every[3], *every[69:]]
    assert to_look_at(found, FIRST, last, today + timedelta(days=1)) == every
    assert to_look_at(found, FIRST - timedelta(days=1), last, today) == [FIRST - timedelta(days=1), *every]
    assert to_look_at(found, FIRST, FIRST - timedelta(days=1), today) == []


def test_a_report_is_not_said_to_have_come_when_nobody_looks_for_it_any_more(look: Look) -> None:
    """A day is missing; then the sources that would bring it are switched off."""

    async def work(desk: Desk) -> None:
        await desk.publish(0)
        desk.now += timedelta(days=40)
        await desk.service.coverage.look(desk.service.sources, tell=True)
        await desk.service.coverage.look({}, tell=True)
        rows = await desk.incidents("closed")
        ended = {row["history"][-1]["note"] for row in rows if row["kind"] in ("coverage.late", "coverage.missing")}
        assert ended == {"the source is not polled any more"}

    look(work)
