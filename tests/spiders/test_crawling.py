"""The runner: what a crawl does when its time, its keeper or its caller ends, and the verdict on it."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from scheduler.crawling import CrawlOutcome, Source, crawl, verdict
from spiders.base import Window
from spiders.items import Trouble
from tests.spiders.telegram_pages import CHANNEL, page, post

if TYPE_CHECKING:
    from tests.reactor import Run
    from tests.spiders.conftest import Crawl, Memory
    from tests.spiders.site import Site

NAME = "telegram_general_staff"
LATEST = f"/s/{CHANNEL}"
MORNING = "2023-03-08T06:05:11+00:00"
QUICK = {"DOWNLOAD_TIMEOUT": 0.3, "RETRY_ENABLED": False}


def test_a_deadline_ends_a_crawl(site: Site, crawled: Crawl, memory: Memory) -> None:
    """What was kept before is kept; the outcome is not finished, so the work is not done."""
    site.put(LATEST, page(post(5, "п'ять", MORNING), before=5))
    site.put(f"{LATEST}?before=5", held=True)
    settings = QUICK | {"DOWNLOAD_TIMEOUT": 2.5}  # after the deadline, which leaves the first page its time
    outcome = crawled(NAME, since=date(2022, 2, 24), deadline=2.0, source={"settings": settings})
    assert memory.keys == [f"{CHANNEL}/5"]
    assert not outcome.finished
    assert not outcome.complete
    assert outcome.seconds < 5


def test_a_keeper_that_fails_stops_the_crawl(site: Site, crawled: Crawl, memory: Memory) -> None:
    """The database is away: nothing more is asked for or handed over, and the failure is told."""
    memory.fails_at = 1
    site.put(LATEST, page(*(post(number, f"пост {number}", MORNING) for number in range(5, 25)), before=5))
    site.put(f"{LATEST}?before=5", page(post(4, "чотири", MORNING), before=4))
    outcome = crawled(NAME, since=date(2022, 2, 24))
    assert len(memory.items) == 1
    assert isinstance(outcome.failure, ConnectionError)
    assert not outcome.finished
    assert outcome.problems == ("not kept: ConnectionError: the database is away",)
    assert site.times(f"{LATEST}?before=4") == 0


def test_a_cancelled_caller_leaves_nothing_behind(site: Site, memory: Memory, run: Run[Any]) -> None:
    """A crawl whose caller is cancelled ends before the caller does."""
    site.put(LATEST, held=True)

    async def cancelled() -> bool:
        source = Source(name=NAME, base_url=site.url, settings=QUICK)
        task = asyncio.create_task(crawl(source, keep=memory, clock=lambda: datetime.now(UTC), deadline=30))
        while not site.asked:  # noqa: ASYNC110 -- the site is in another thread
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        return task.cancelled()

    assert run(cancelled())  # which fails when a task is left


def test_crawls_run_side_by_side(site: Site, memory: Memory, run: Run[Any]) -> None:
    """One process crawls all its sources in one loop."""
    for number in range(8):
        site.put(f"/s/c{number}", page(post(number, "слово", MORNING)).replace(CHANNEL, f"c{number}"))

    async def together() -> list[CrawlOutcome]:
        sources = [
            Source(name=f"channel_{number}", spider=NAME, base_url=site.url, options={"channel": f"c{number}"})
            for number in range(8)
        ]
        now = datetime(2023, 3, 8, 7, 30, tzinfo=UTC)
        return await asyncio.gather(*(crawl(one, keep=memory, clock=lambda: now, deadline=30) for one in sources))

    assert [outcome.new for outcome in run(together())] == [1] * 8
    assert {document.source for document in memory.documents} == {f"channel_{number}" for number in range(8)}


def test_an_option_that_a_source_does_not_have(crawled: Crawl) -> None:
    """A misspelt option of the configuration is refused, not ignored."""
    with pytest.raises(ValueError, match="telegram_general_staff has no option chanel"):
        crawled(NAME, source={"options": {"chanel": "x"}})


def test_a_source_that_is_not_declared(crawled: Crawl) -> None:
    """Likewise the name of a source."""
    with pytest.raises(KeyError, match="telegram_nobody"):
        crawled("telegram_nobody")


WINDOW = Window(opens=time(6), closes=time(10), grace=timedelta(hours=2))
YESTERDAY, TODAY = date(2023, 3, 7), date(2023, 3, 8)


def outcome(*, new: int = 0, causes: tuple[str, ...] = (), **facts: Any) -> CrawlOutcome:
    """Return an outcome of 8 March 2023."""
    at = datetime(2023, 3, 8, tzinfo=UTC)
    troubles = tuple(Trouble(source="x", url="", cause=cause, detail="", at=at) for cause in causes)
    counts = {"new": new, "changed": 0, "unchanged": 1, **facts}
    known = {"seconds": 0.1, "problems": (), "finished": True, **counts}
    return CrawlOutcome(source="x", started_at=at, troubles=troubles, **known)


@pytest.mark.parametrize(
    ("kyiv", "latest", "new", "expected"),
    [
        ("03:00", YESTERDAY, 0, "unchanged"),  # today's is not expected yet
        ("03:00", YESTERDAY, 2, "new"),  # posts, but no report: nobody waits for one
        ("03:00", date(2023, 3, 6), 0, "late"),  # yesterday's never came
        ("07:00", YESTERDAY, 0, "not_published_yet"),
        ("07:00", YESTERDAY, 2, "not_published_yet"),  # other posts are no report
        ("11:59", YESTERDAY, 0, "not_published_yet"),  # past the window, within its grace
        ("12:00", YESTERDAY, 0, "late"),
        ("12:00", TODAY, 0, "unchanged"),
        ("08:00", TODAY, 1, "new"),
        ("08:00", None, 1, "late"),  # nothing was ever read from this source
    ],
)
def test_verdict(kyiv: str, latest: date | None, new: int, expected: str) -> None:
    """A crawl that brought what there is, is judged by the day of the newest report and the time in Kyiv."""
    now = datetime.fromisoformat(f"2023-03-08T{kyiv}+02:00")
    assert verdict(outcome(new=new), WINDOW, now, latest) == (expected, None)


def test_a_source_without_a_window_is_never_late() -> None:
    """A relay may skip a day."""
    now = datetime.fromisoformat("2023-03-08T23:00+02:00")
    assert verdict(outcome(), None, now, date(2023, 2, 1)) == ("unchanged", None)


def test_a_source_that_reports_once_in_a_while() -> None:
    """With seven days between two reports, the eighth is the first on which one is missed."""
    weekly = Window(opens=time(6), closes=time(10), grace=timedelta(hours=2), every=7)
    now = datetime.fromisoformat("2023-03-08T12:00+02:00")
    assert verdict(outcome(), weekly, now, date(2023, 3, 2)) == ("unchanged", None)
    assert verdict(outcome(), weekly, now, date(2023, 3, 1)) == ("late", None)


NOW = datetime.fromisoformat("2023-03-08T08:00+02:00")


def test_broken_comes_before_late() -> None:
    """A source that cannot be read is not called silent."""
    assert verdict(outcome(causes=("captcha",)), WINDOW, NOW, date(2023, 1, 1)) == ("broken", "captcha")


def test_one_page_of_many_does_not_break_a_source() -> None:
    """An HTTP error beside pages that could be read says nothing of the source; a login wall does."""
    assert verdict(outcome(causes=("http_error",)), WINDOW, NOW, TODAY) == ("unchanged", None)
    assert verdict(outcome(causes=("http_error", "login_wall")), WINDOW, NOW, TODAY) == ("broken", "login_wall")
    assert verdict(outcome(causes=("http_error",), unchanged=0), WINDOW, NOW, TODAY) == ("broken", "http_error")


def test_our_own_failure_has_no_cause_in_the_list() -> None:
    """When the keeper failed, the source is not to blame."""
    ours = outcome(finished=False, failure=ConnectionError())
    assert verdict(ours, WINDOW, NOW, TODAY) == ("broken", None)
