"""What a source, or somebody who answers in its place, may send: bounded, kept or refused, always recorded."""

from __future__ import annotations

import gzip
import tracemalloc
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest
from scrapy import Request, signals
from scrapy.crawler import AsyncCrawlerRunner, Crawler
from scrapy.http import Response
from scrapy.settings import Settings

from spiders.exceptions import Blocked
from spiders.middlewares import PublicAddresses
from spiders.sources.telegram_general_staff import TelegramGeneralStaff
from tests.reactor import Run, loop, run
from tests.spiders.conftest import Crawl, Memory, crawled, memory, site
from tests.spiders.telegram_pages import CHANNEL, page, post

if TYPE_CHECKING:
    from tests.spiders.site import Site

__all__ = ["crawled", "loop", "memory", "run", "site"]

NAME = "telegram_general_staff"
LATEST = f"/s/{CHANNEL}"
MORNING = "2023-03-08T06:05:11+00:00"
MIB = 1024 * 1024
REPORT = "танків ‒ 3441 (+18) од"


def bomb(size: int) -> bytes:
    """Return a gzip member of spaces that unpacks to so many bytes."""
    return gzip.compress(b" " * size)


HUGE = {
    "50 MB, announced": {"body": b" " * MIB, "repeat": 50},
    "50 MB, unannounced": {"body": b" " * MIB, "repeat": 50, "announced": False},
    "a gzip bomb": {"body": bomb(64 * MIB), "headers": {"Content-Encoding": "gzip"}},
    "a bomb in a bomb": {"body": gzip.compress(bomb(64 * MIB)), "headers": {"Content-Encoding": "gzip, gzip"}},
}


@pytest.mark.parametrize("name", HUGE)
def test_more_than_a_page_is_refused(site: Site, crawled: Crawl, memory: Memory, name: str) -> None:
    """Neither what arrives nor what it unpacks to is held beyond the limit."""
    site.put(LATEST, **HUGE[name])
    tracemalloc.start()
    try:
        outcome = crawled(NAME)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [trouble.cause for trouble in memory.troubles] == ["parse_error"]
    assert outcome.cause == "parse_error"
    assert peak < 40 * MIB


def test_ten_thousand_posts_on_one_page(site: Site, crawled: Crawl, memory: Memory) -> None:
    """Telegram shows twenty. The newest are kept, and that there were more is recorded."""
    site.put(LATEST, page(*(post(number, REPORT, MORNING) for number in range(10_000))))
    outcome = crawled(NAME)
    assert len(memory.documents) == 100
    assert f"{CHANNEL}/9999" in memory.keys
    assert outcome.cause == "layout_changed"
    assert "10000 posts" in outcome.problems[0]


def test_a_post_of_a_megabyte(site: Site, crawled: Crawl, memory: Memory) -> None:
    """Nobody can post that: it is recorded instead of read, and the posts beside it are kept."""
    site.put(LATEST, page(post(1, REPORT, MORNING), post(2, "9" * MIB, MORNING)))
    crawled(NAME)
    assert memory.keys == [f"{CHANNEL}/1"]
    assert "GeneralStaffZSU/2: not kept" in memory.troubles[0].detail


def test_ten_thousand_layers_of_markup(site: Site, crawled: Crawl) -> None:
    """Markup as deep as a page allows ends in an outcome, not in a crash."""
    site.put(LATEST, page(post(1, "<b>" * 10_000 + REPORT, MORNING)))
    assert crawled(NAME).finished


@pytest.mark.timeout(20)
def test_markup_that_never_closes(site: Site, crawled: Crawl) -> None:
    """A page made to keep a pattern busy is looked at for no longer than any other."""
    site.put(LATEST, "<input " * MIB)
    assert crawled(NAME).cause in {"layout_changed", "empty_page"}


def test_bytes_that_are_not_utf8(site: Site, crawled: Crawl, memory: Memory) -> None:
    """What can be read is kept, with a mark for what cannot; the evidence has the bytes as they came."""
    body = page(post(1, "танків ‒ BROKEN 3441 (+18) од", MORNING)).encode().replace(b"BROKEN", b"\xff\xfe\x80")
    site.put(LATEST, body)
    crawled(NAME)
    [document] = memory.documents
    text = document.content.decode()
    assert "танків" in text
    assert "3441 (+18)" in text
    assert "\ufffd" in text
    assert document.exchange.body == body


def test_characters_that_no_text_may_hold(site: Site, crawled: Crawl, memory: Memory) -> None:
    """A NUL, half a surrogate pair and control characters do not stop a crawl."""
    site.put(LATEST, page(post(1, f"{REPORT}\x00\x07&#xD800;&#0;", MORNING)))
    assert crawled(NAME).problems == ()
    assert "3441" in memory.documents[0].content.decode()


def test_a_redirect_loop(site: Site, crawled: Crawl, memory: Memory) -> None:
    """A page that sends us in a circle is an HTTP error after a few rounds."""
    site.put(LATEST, status=302, headers={"Location": "/b"})
    site.put("/b", status=302, headers={"Location": LATEST})
    assert crawled(NAME).cause == "http_error"
    assert len(site.asked) < 10
    assert len(memory.troubles) == 1


@pytest.mark.parametrize("target", ["https://parking.example/", "http://127.0.0.1:9/", "http://169.254.169.254/meta"])
def test_a_redirect_out_of_the_source(site: Site, crawled: Crawl, memory: Memory, target: str) -> None:
    """No redirect leads us to another host, least of all into our own network."""
    site.put(LATEST, status=301, headers={"Location": target})
    assert crawled(NAME).cause == "blocked"
    assert target in memory.troubles[0].detail


@pytest.mark.parametrize("scheme", ["file:///etc/passwd", "data:text/html,x", "gopher://127.0.0.1/"])
def test_a_redirect_out_of_the_web(site: Site, crawled: Crawl, scheme: str) -> None:
    """A redirect to anything but a page is not followed."""
    site.put(LATEST, status=301, headers={"Location": scheme})
    assert crawled(NAME).cause in {"blocked", "http_error"}


def test_entities_that_multiply(site: Site, crawled: Crawl) -> None:
    """A feed whose entities unpack to gigabytes, or to our own files, unpacks to nothing."""
    lol = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    site.put(
        "/rss/block-lastnews",
        f'<!DOCTYPE x [<!ENTITY l0 "lol">{lol}<!ENTITY f SYSTEM "file:///etc/passwd">]>'
        "<rss><channel><item><title>losses &l11; &f;</title><link>https://www.ukrinform.net/1</link></item></channel></rss>",
        headers={"Content-Type": "application/xml"},
    )
    site.put("/1", "<article><p>" + "word " * 30 + "</p></article>")
    assert crawled("ukrinform").finished


def test_a_feed_of_a_thousand_articles(site: Site, crawled: Crawl, memory: Memory) -> None:
    """A feed in which everything is about the tally does not make us fetch a whole site; that is recorded."""
    item = "<item><title>losses</title><link>https://www.ukrinform.net/{}</link></item>"
    feed = f"<rss><channel>{''.join(item.format(number) for number in range(1000))}</channel></rss>"
    site.put("/rss/block-lastnews", feed, headers={"Content-Type": "application/xml"})
    for number in range(1000):
        site.put(f"/{number}", "<article><p>" + "word " * 30 + "</p></article>")
    assert crawled("ukrinform").cause == "layout_changed"
    assert len(memory.documents) == 30


def test_a_script_in_a_post_stays_a_text_to_us(site: Site, crawled: Crawl, memory: Memory) -> None:
    """It is kept as it was posted and is no word of the post; whoever shows it must escape it."""
    site.put(LATEST, page(post(1, f"{REPORT}<script>танків ‒ 1111</script>", MORNING)))
    crawled(NAME)
    assert "1111" not in memory.documents[0].canonical.decode()


def test_a_header_that_is_not_one(site: Site, crawled: Crawl, memory: Memory) -> None:
    """A line break smuggled into what a server says does not reach the detail of a trouble."""
    site.put(LATEST, status=301, headers={"Location": "https://x.example/%0d%0aBcc:%20all@example.org"})
    crawled(NAME)
    assert "\n" not in memory.troubles[0].detail
    assert "\r" not in memory.troubles[0].detail


def test_a_public_name_with_a_private_address(site: Site, run: Run[Any]) -> None:
    """A source whose name leads into our own network is not asked anything, unless the configuration says so."""
    site.put(LATEST, page(post(1, REPORT, MORNING)))

    class Rebound(TelegramGeneralStaff):
        name = "rebound"
        home = site.url.replace("127.0.0.1", "localhost")
        hosts = ("localhost",)

    found: list[Any] = []

    async def crawl() -> None:
        settings = Settings()
        settings.setmodule("spiders.settings", priority="project")
        settings.set("DOWNLOAD_DELAY", 0, priority="cmdline")
        runner = AsyncCrawlerRunner(settings)
        crawler = runner.create_crawler(Rebound)
        crawler.signals.connect(
            lambda item: found.append(item),  # noqa: PLW0108 -- a built-in cannot be connected
            signals.item_scraped,
            weak=False,
        )
        await runner.crawl(crawler)

    run(crawl())
    assert [item.cause for item in found] == ["blocked"]
    assert site.asked == []


@pytest.mark.parametrize("address", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "::1", "fe80::1", "100.64.0.1"])
def test_an_answer_from_a_private_address(address: str) -> None:
    """A name server that answers differently the second time gains nothing: the answer is thrown away."""
    crawler = Crawler(TelegramGeneralStaff)
    crawler.spider = TelegramGeneralStaff()
    guard = PublicAddresses(crawler)
    request = Request("https://t.me/s/x")
    with pytest.raises(Blocked, match="not a public address"):
        guard.process_response(request, Response("https://t.me/s/x", ip_address=ip_address(address)))
    assert guard.process_response(request, Response("https://t.me/s/x", ip_address=ip_address("149.154.167.99")))
