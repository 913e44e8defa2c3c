from __future__ import annotations

import signal
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from scheduler import crawling
from scheduler.backfill import plan as planning
from scheduler.backfill.plan import Plan, Window
from scheduler.backfill.units import claimed, enter
from scheduler.backfill.ways import ITSELF, FromItself, Way
from scheduler.backfill.work import Patience, Rows, Work
from scheduler.crawling import CrawlOutcome, Source
from scheduler.service import Service
from spiders.base import SourceSpider
from spiders.items import Trouble
from tests.backfill.conftest import FIRST, LAST, NOW, Serve, Start
from tests.ledger.reports import FIGURES, TELEGRAM, Post

ASKED = Window(first=FIRST, last=LAST)
HASTY = Patience(attempts=3, first=timedelta(0), look=timedelta(0))


async def plan(service: Service, way: Way) -> Plan:
    """Plan the whole window."""
    return await planning.make(service, service.sources.values(), ASKED, via=ITSELF, way=way)


async def worked(service: Service, way: Way, *, quiet: bool = True) -> Rows:
    """Plan and work, as the command does."""
    made = await plan(service, way)
    return await Work(service=service, plan=made, way=way, sources=service.sources, quiet=quiet, patience=HASTY).run()


@dataclass
class Troubled(FromItself):
    """A way on which June always fails, for one cause."""

    cause: str
    asked: list[date] = field(default_factory=list)

    def months(self, spider: type[SourceSpider]) -> int:
        """Ask for each month by itself."""
        return 1 + 0 * spider.unit_months

    async def fetch(
        self, source: Source, *, keep: crawling.Keeper, clock: Any, since: date, until: date
    ) -> CrawlOutcome:
        """Fail in June."""
        self.asked.append(since)
        if since == FIRST:
            await keep.keep(
                Trouble(source=source.name, url="https://example.org", cause=self.cause, detail="no", at=clock())
            )
            trouble = Trouble(source=source.name, url="https://example.org", cause=self.cause, detail="no", at=clock())
            return CrawlOutcome(
                source=source.name,
                started_at=clock(),
                seconds=0,
                new=0,
                changed=0,
                unchanged=0,
                problems=("it failed",),
                troubles=(trouble,),
                finished=True,
            )
        return await super().fetch(source, keep=keep, clock=clock, since=since, until=until)


def test_a_unit_that_fails_is_tried_a_few_times_and_the_others_go_on(serve: Serve) -> None:
    """Three attempts, then it is left to a person; the other month is filled."""
    way = Troubled(cause="http_error")
    rows = serve(lambda service: worked(service, way))
    assert [(row["state"], row["attempts"], row["problem"]) for row in rows] == [
        ("failed", 3, "it failed"),
        ("done", 0, None),
    ]
    assert way.asked.count(FIRST) == 3


def test_a_source_that_refuses_is_not_asked_again(serve: Serve) -> None:
    """Blocked once, nothing more is asked for in this run: July waits for the next."""
    way = Troubled(cause="blocked")
    rows = serve(lambda service: worked(service, way))
    assert [row["state"] for row in rows] == ["failed", "waiting"]
    assert way.asked == [FIRST]


def test_what_failed_is_tried_again_by_the_next_run(serve: Serve) -> None:
    """And what is done is not: the third run finds nothing to do."""

    async def work(service: Service) -> Any:
        await worked(service, Troubled(cause="http_error"))
        way = FromItself(service.config)
        again = await worked(service, way)
        return again, await plan(service, way)

    again, third = serve(work)
    assert [(row["first"], row["state"]) for row in again] == [(FIRST, "done")]
    assert third.units == ()


def test_windows_of_the_past_say_nothing_of_the_source_now(serve: Serve) -> None:
    """Failed windows are no outage, and done ones no success."""

    async def work(service: Service) -> Any:
        await worked(service, Troubled(cause="http_error"))
        return await service.query("outages"), await service.query("last_runs")

    outages, runs = serve(work)
    assert outages == []
    assert [(row["verdict"], row["last_success"]) for row in runs] == [(None, None)]


def test_nobody_claims_what_is_claimed(serve: Serve) -> None:
    """Two claims are two units; a third finds none; what falls is free again."""

    async def work(service: Service) -> Any:
        units = [row["id"] for row in await enter(service, await plan(service, FromItself(service.config)))]
        async with claimed(service, units) as one:
            async with claimed(service, units) as two, claimed(service, units) as three:
                assert three is None
            async with claimed(service, units) as again:
                return [claim.window.first if claim else None for claim in (one, two, again)]

    june, july = FIRST, date(2026, 7, 1)
    assert serve(work) == [june, july, july]


def test_a_daemon_mails_nobody_of_what_a_backfill_brought(serve: Serve) -> None:
    """Whoever judges it first: the wrong digits of June are found, and no mail is written."""

    async def work(service: Service) -> Any:
        await worked(service, FromItself(service.config))
        await service.judge()
        found = await service.query("would_have_told", first=FIRST, last=LAST)
        return found, await service.query("mails", id=None, state=None)

    found, mails = serve(work)
    assert found
    assert mails == []


def test_with_mail_it_is_told(serve: Serve) -> None:
    """The same, when it is asked for."""

    async def work(service: Service) -> Any:
        await worked(service, FromItself(service.config), quiet=False)
        await service.judge()
        return await service.query("mails", id=None, state=None)

    assert serve(work)


def test_a_backfill_swallows_no_news(serve: Serve) -> None:
    """A live report that waits to be judged while the past is judged is told all the same."""
    wrong = Post(place=TELEGRAM, day=max(FIGURES), changes=(("156990", "159690"),))
    before = Post(place=TELEGRAM, day=max(FIGURES) - timedelta(days=1))

    async def work(service: Service) -> Any:
        past = await service.keeper(service.sources["telegram_general_staff"], past=True, quiet=True)
        await past.keep(before.document())
        live = await service.keeper(service.sources["telegram_general_staff"])
        await live.keep(wrong.document())
        await service.court.judge(tell=True)
        await service.teller.tell()
        return await service.query("mails", id=None, state=None)

    assert len(serve(work)) >= 1


def test_todays_report_is_news_even_if_a_backfill_came_first(serve: Serve) -> None:
    """Installed before it was published, and seen the same morning: it is told."""
    wrong = Post(place=TELEGRAM, day=max(FIGURES), changes=(("156990", "159690"),))
    before = Post(place=TELEGRAM, day=max(FIGURES) - timedelta(days=1))
    evening = datetime(2023, 3, 9, 20, 0, tzinfo=UTC)

    async def work(service: Service) -> Any:
        source = service.sources["telegram_general_staff"]
        moved = [evening]
        past = await type(await service.keeper(source)).begin(
            service.pool, TELEGRAM, lambda: moved[0], past=True, quiet=True
        )
        async with service.pool.connection() as conn:
            await conn.execute("UPDATE sources SET installed_at = %s", [evening])
        await past.keep(before.document())
        await past.keep(wrong.document())
        await service.court.judge(tell=True)
        await service.teller.tell()
        return await service.query("mails", id=None, state=None)

    assert len(serve(work)) >= 1


def test_the_command_fills_then_finds_nothing_missing(start: Start) -> None:
    """The second time it says so, changes nothing and shows the same."""
    first = start("--json")
    found, said = first.communicate(timeout=60)
    assert first.returncode == 0, said
    assert "2 of 2 units" in said
    second = start("--json")
    again, said = second.communicate(timeout=60)
    assert second.returncode == 0
    assert "Nothing is missing" in said
    assert again == found
    assert NOW.date() > LAST


def test_told_to_stop_it_leaves_and_says_how_to_go_on(start: Start, serve: Serve) -> None:
    """SIGTERM after the first of two units: the second is let go of, and the same command fills it."""
    process = start()
    assert process.stderr is not None
    assert "1 of 2 units" in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "the same command goes on where this one ended" in said
    left = serve(lambda service: plan(service, FromItself(service.config)))
    assert [unit.window.first for unit in left.units] == [date(2026, 7, 1)]


def test_a_named_source_out_of_reach_is_told(start: Start) -> None:
    """What was asked for by name and cannot be had is not passed over."""
    process = start("--source", "mediazona")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Out of reach: mediazona 2026-06-01 to 2026-07-31 (61 days): it shows the latest only" in said
