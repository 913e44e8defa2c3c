"""Any source's past out of the Wayback Machine: by its index, capture by capture, read by the source's own spider."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from scrapy.settings import Settings

from pipelines.database import Pool, connection, opened
from pipelines.store import Keeper, Place
from scheduler.backfill.archives import FromWayback
from scheduler.config import Config
from scheduler.crawling import Source, crawl
from scheduler.exceptions import WrongUse
from scheduler.service import polled
from spiders.sources.telegram_general_staff import TelegramGeneralStaff
from spiders.wayback import HOME, archived
from tests.archive.conftest import NOW
from tests.spiders.telegram_pages import page, post

if TYPE_CHECKING:
    from pathlib import Path

    from tests.archive.conftest import Archive, Fetch
    from tests.reactor import Run
    from tests.spiders.conftest import Memory
    from tests.spiders.site import Site

CHANNEL = "https://t.me/s/GeneralStaffZSU"
FIRST, LAST = date(2023, 3, 7), date(2023, 3, 8)
TALLY = "Загальні бойові втрати противника з 24.02.22 по {}.23: особового складу ‒ близько {} осіб"
SEVENTH = post(10, TALLY.format("07.03", "154830 (+1060)"), "2023-03-07T06:05:00+00:00")
EIGHTH = post(12, TALLY.format("08.03", "155530 (+700)"), "2023-03-08T06:05:00+00:00")


def test_a_channel_out_of_the_archive(archive: Archive, fetched: Fetch, memory: Memory, site: Site) -> None:
    """Posts have the key and URL of the live site, the time of the capture, and the archive's address as evidence."""
    before = "http://t.me:80/s/GeneralStaffZSU?before=11"
    archive.index(
        CHANNEL,
        archive.capture("20230308090000", CHANNEL, page(EIGHTH)),
        archive.capture("20230309100000", before, page(SEVENTH)),
    )
    outcome = fetched("telegram_general_staff", FIRST, LAST)
    assert (outcome.complete, outcome.problems) == (True, ())
    assert memory.keys == ["GeneralStaffZSU/10", "GeneralStaffZSU/12"]
    found = {document.key: document for document in memory.documents}
    assert found["GeneralStaffZSU/12"].url == "https://t.me/GeneralStaffZSU/12"
    assert found["GeneralStaffZSU/12"].source == "telegram_general_staff"
    assert found["GeneralStaffZSU/12"].captured_at == datetime(2023, 3, 8, 9, tzinfo=UTC)
    assert found["GeneralStaffZSU/10"].exchange.url == f"{site.url}/web/20230309100000id_/{before}"
    [asked] = [parse_qs(urlsplit(path).query) for path in site.asked if path.startswith("/cdx/")]
    assert (asked["matchType"], asked["filter"], asked["collapse"]) == (["prefix"], ["statuscode:200"], ["digest"])
    assert (asked["from"], asked["to"]) == (["20230306"], ["20230311"])


def test_the_index_is_read_to_its_end(archive: Archive, fetched: Fetch, memory: Memory) -> None:
    """Its pages are followed by their key."""
    archive.index(CHANNEL, archive.capture("20230307090000", CHANNEL, page(SEVENTH)), resume="t,me)/s 2023+!")
    row = archive.capture("20230308090000", CHANNEL, page(EIGHTH))
    archive.index(CHANNEL, row, key="resumeKey=t,me)/s 2023+!")
    assert fetched("telegram_general_staff", FIRST, LAST).complete
    assert memory.keys == ["GeneralStaffZSU/10", "GeneralStaffZSU/12"]


def test_one_capture_an_hour(archive: Archive, fetched: Fetch, site: Site) -> None:
    """Counters make every capture another one: of one page and hour the first is read."""
    rows = [archive.capture(f"2023030809{minute}00", CHANNEL, page(EIGHTH)) for minute in ("00", "20", "40")]
    archive.index(CHANNEL, *rows, archive.capture("20230308100000", CHANNEL, page(EIGHTH)))
    fetched("telegram_general_staff", FIRST, LAST)
    assert sorted(path[5:17] for path in site.asked if path.startswith("/web/")) == ["202303080900", "202303081000"]


WALL = "<html><body><form><input name=email><input type=password name=p></form>Log in to continue</body></html>"
CAPTCHA = "<html><head><title>Just a moment...</title></head><body><div id=cf-challenge></div></body></html>"


@pytest.mark.parametrize(("body", "cause"), [(WALL, "login_wall"), (CAPTCHA, "captcha"), ("<p></p>", "empty_page")])
def test_a_page_archived_as_a_wall_is_no_page(
    archive: Archive, fetched: Fetch, memory: Memory, body: str, cause: str
) -> None:
    """It is recorded with its cause and its bytes; asking again would not change it, so the unit is done."""
    archive.index(
        CHANNEL,
        archive.capture("20230307090000", CHANNEL, body),
        archive.capture("20230308090000", CHANNEL, page(EIGHTH)),
    )
    outcome = fetched("telegram_general_staff", FIRST, LAST)
    assert memory.keys == ["GeneralStaffZSU/12"]
    [trouble] = memory.troubles
    assert trouble.cause == cause
    assert trouble.exchange is not None
    assert trouble.exchange.body == body.encode()
    assert outcome.complete
    assert len(outcome.problems) == 1


def test_an_archive_without_a_copy_says_so(archive: Archive, fetched: Fetch) -> None:
    """A window of which nothing was captured is done, because asking again would not help, but not in silence."""
    del archive
    outcome = fetched("telegram_general_staff", FIRST, LAST)
    assert outcome.complete
    assert "the archive has no copy" in outcome.problems[0]


ARTICLE = """<html><head><meta property="article:published_time" content="2023-03-08T07:35:00+00:00">
<title>Losses</title></head><body><article><h1>Russia's losses as of March 8</h1><p>155,530 (+700) troops</p>
</article></body></html>"""
LIST = """<?xml version="1.0"?><rss version="2.0"><channel><item><title>Russia's losses as of March 8</title>
<link>https://www.ukrinform.net/rubric-ato/2-war.html</link><pubDate>Wed, 08 Mar 2023 07:35:00 GMT</pubDate></item>
<item><title>Enemy losses</title><link>https://www.ukrinform.net/rubric-ato/3-gone.html</link>
<pubDate>Wed, 08 Mar 2023 07:35:00 GMT</pubDate></item></channel></rss>"""


def test_articles_out_of_the_archive(archive: Archive, fetched: Fetch, memory: Memory, site: Site) -> None:
    """Found by their URL in the index, and by archived lists; one that a list names may never have been captured."""
    feed = "https://www.ukrinform.net/rss/block-lastnews"
    archive.index(feed, archive.capture("20230308080000", feed, LIST, headers={"Content-Type": "application/xml"}))
    own = "http://ukrinform.net:80/rubric-ato/1-russia-losses.html"
    archive.index("ukrinform.net", archive.capture("20230310080000", own, ARTICLE))
    archive.capture("20230308080000", "https://www.ukrinform.net/rubric-ato/2-war.html", ARTICLE)
    outcome = fetched("ukrinform", FIRST, LAST)
    assert (outcome.complete, outcome.problems) == (True, ())
    assert memory.keys == [
        "https://www.ukrinform.net/rubric-ato/1-russia-losses.html",
        "https://www.ukrinform.net/rubric-ato/2-war.html",
    ]
    [domain] = [parse_qs(urlsplit(path).query) for path in site.asked if "matchType=domain" in path]
    assert domain["filter"] == ["statuscode:200", "original:.*(losses|loses|has.lost|casualties|invaders).*"]


def test_too_many_requests_are_waited_out(archive: Archive, fetched: Fetch, memory: Memory, site: Site) -> None:
    """The archive names a delay, is left alone for it, and asked again."""
    row = archive.capture("20230308090000", CHANNEL, page(EIGHTH))
    archive.index(CHANNEL, row)
    path = f"/web/{row[0]}id_/{row[1]}"
    kept = site.pages.pop(path)
    busy = archive.answer
    site.find = lambda asked: _busy(site, path, kept) if asked == path else busy(asked)
    outcome = fetched("telegram_general_staff", FIRST, LAST)
    assert outcome.complete
    assert outcome.seconds >= 1
    assert memory.keys == ["GeneralStaffZSU/12"]
    assert site.times(path) == 2


def _busy(site: Site, path: str, kept: Any) -> Any:
    site.pages[path] = kept
    return type(kept)(status=429, headers={"Retry-After": "1"})


def test_an_archive_that_wants_hours_is_left_alone(archive: Archive, fetched: Fetch, site: Site) -> None:
    """The unit is not done and says why; nobody sleeps for hours in it."""
    archive.index(CHANNEL, ["20230308090000", CHANNEL])
    path = f"/web/20230308090000id_/{CHANNEL}"
    site.put(path, status=503, headers={"Retry-After": "7200"})
    outcome = fetched("telegram_general_staff", FIRST, LAST)
    assert not outcome.complete
    assert "7200 s" in outcome.problems[0]
    assert site.times(path) == 1


def test_the_pace() -> None:
    """The public archive is asked at most 24 times a minute, one thing at a time."""
    from scrapy.crawler import Crawler  # noqa: PLC0415 -- after the reactor that tests install

    settings = Settings()
    settings.setmodule("spiders.settings", priority="project")
    crawler = Crawler(archived(TelegramGeneralStaff), settings)
    spider = crawler.spidercls.from_crawler(crawler)
    assert spider.archive == HOME
    assert crawler.settings.getfloat("DOWNLOAD_DELAY") == 2.5
    assert crawler.settings.getfloat("DOWNLOAD_DELAY_JITTER") == 0
    assert crawler.settings.getint("CONCURRENT_REQUESTS") == 1


def test_the_archive_is_configured_beside_the_sources_and_is_none() -> None:
    """`[sources.wayback]` names an archive; it is never polled, and a setting that it does not know is refused."""
    config = Config(sources={"wayback": {"base_url": "http://127.0.0.1:1"}})  # type: ignore[dict-item]
    assert "wayback" not in polled(config)
    with pytest.raises(WrongUse, match=r"sources\.wayback\.pace"):
        FromWayback(Config(sources={"wayback": {"pace": 3}}))  # type: ignore[dict-item]


def test_the_same_post_from_the_site_and_the_archive_is_one_document(
    archive: Archive, site: Site, conninfo: str, run: Run[Any], tmp_path: Path
) -> None:
    """What was kept live is known since its capture once the archive shows that it stood there earlier."""
    edited = post(12, TALLY.format("08.03", "155530 (+700)"), "2023-03-08T06:05:00+00:00", mark="edited ")
    site.put("/s/GeneralStaffZSU", page(edited))
    archive.index(CHANNEL, archive.capture("20230308090000", CHANNEL, page(edited)))
    way = FromWayback(Config(home=tmp_path, sources={"wayback": {"base_url": site.url}}))  # type: ignore[dict-item]
    place = Place(name="telegram_general_staff", role="official", publisher="General Staff", claimant=None)

    async def main() -> list[list[datetime]]:
        async with opened(conninfo, tmp_path) as pool:
            live = Source(name=place.name, base_url=site.url)
            keeper = await Keeper.begin(pool, place, lambda: NOW)
            await crawl(live, keep=keeper, clock=lambda: NOW, deadline=30, since=LAST)
            first = await _known(pool)
            past = await Keeper.begin(pool, place, lambda: NOW, past=True)
            await way.fetch(Source(name=place.name), keep=past, clock=lambda: NOW, since=FIRST, until=LAST)
            return [first, await _known(pool)]

    assert run(main()) == [[NOW], [datetime(2023, 3, 8, 9, tzinfo=UTC)]]


async def _known(pool: Pool) -> list[datetime]:
    async with connection(pool) as conn:
        rows = await (await conn.execute("SELECT known_at FROM versions ORDER BY id")).fetchall()
    return [row["known_at"] for row in rows]
