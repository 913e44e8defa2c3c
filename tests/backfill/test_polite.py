from __future__ import annotations

import brotli
import pytest
from scrapy.crawler import Crawler
from scrapy.exceptions import NotConfigured

from scheduler.config import Config
from scheduler.service import source_of
from spiders.base import SourceSpider
from spiders.budget import Bucket, Budget
from spiders.sources import declared
from tests.reactor import loop, run
from tests.spiders.conftest import Crawl, Memory, crawled, memory, site
from tests.spiders.site import Site
from tests.spiders.telegram_pages import CHANNEL, page, post

__all__ = ["crawled", "loop", "memory", "run", "site"]


def test_requests_wait_for_their_turn() -> None:
    """At sixty a minute the first goes at once, each further one a second later; a pause earns no more than one."""
    now = [0.0]
    bucket = Bucket(60, clock=lambda: now[0])
    assert [bucket.take() for _ in range(3)] == [0, 1, 2]
    now[0] = 100.0
    assert [bucket.take() for _ in range(2)] == [0, 1]


def test_a_large_budget_lets_a_seconds_worth_go_at_once() -> None:
    """Two hundred and forty a minute are four a second."""
    bucket = Bucket(240, clock=lambda: 0.0)
    assert [bucket.take() for _ in range(5)] == [0, 0, 0, 0, 0.25]


def budget(spider: type[SourceSpider], per_minute: int, **arguments: str) -> Budget:
    """Return the budget that a crawl of a source gets."""
    crawler = Crawler(spider, {"TALLYWATCH_REQUESTS_PER_MINUTE": per_minute})
    crawler.spider = spider.from_crawler(crawler, **arguments)
    return Budget.from_crawler(crawler)


def test_all_crawls_of_a_process_share_one_budget() -> None:
    """However many sources are polled at once."""
    one, two = (budget(declared()[name], 60) for name in ("minfin", "mediazona"))
    assert one.bucket is two.bucket


def test_a_copy_on_this_machine_costs_nobody_anything() -> None:
    """It is the user's own: no budget, as there is no delay."""
    with pytest.raises(NotConfigured):
        budget(declared()["minfin"], 60, base_url="http://127.0.0.1:1")


def test_the_budget_is_configured() -> None:
    """`[crawl] requests_per_minute`."""
    source = source_of("minfin", Config(crawl={"requests_per_minute": 30}))  # type: ignore[arg-type]
    assert source.settings["TALLYWATCH_REQUESTS_PER_MINUTE"] == 30


def test_brotli_is_read(site: Site, crawled: Crawl, memory: Memory) -> None:
    """A server that answers in br is understood, and told that we take it."""
    body = page(post(5, "п'ять", "2023-03-08T06:05:11+00:00")).encode()
    site.put(f"/s/{CHANNEL}", brotli.compress(body), headers={"Content-Encoding": "br"})
    crawled("telegram_general_staff")
    assert memory.keys == [f"{CHANNEL}/5"]
    assert memory.documents[0].exchange.body == body
    assert "br" in site.headers[f"/s/{CHANNEL}"]["Accept-Encoding"]
