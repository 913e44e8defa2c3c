"""One budget for all requests of this process, however many sources are crawled at once."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Self

from scrapy.exceptions import NotConfigured

from spiders.base import SourceSpider, is_private

if TYPE_CHECKING:
    from collections.abc import Callable

    from scrapy import Request
    from scrapy.crawler import Crawler


class Bucket:
    """A token bucket: so many requests a minute, of which a second's worth may come at once, and at least one."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = monotonic) -> None:
        self.rate = per_minute / 60
        self.size = max(self.rate, 1.0)
        self.clock = clock
        self.tokens = self.size
        self.at = clock()

    def take(self) -> float:
        """Take a token, from the future if need be; return the seconds until it is there."""
        now = self.clock()
        self.tokens = min(self.size, self.tokens + (now - self.at) * self.rate) - 1
        self.at = now
        return max(0.0, -self.tokens / self.rate)


_BUCKETS: dict[int, Bucket] = {}
"""By requests a minute: crawls of one process share one, unless one of them was given another budget."""


class Budget:
    """Lets each request wait for its turn. `TALLYWATCH_REQUESTS_PER_MINUTE` sets the budget.

    Stat: `tallywatch/budget/waited` counts the requests that had to wait.
    """

    def __init__(self, crawler: Crawler, bucket: Bucket) -> None:
        self.crawler = crawler
        self.bucket = bucket

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build it as Scrapy does. Raises NotConfigured for a copy on this machine, which is the user's own."""
        spider = crawler.spider
        if isinstance(spider, SourceSpider) and spider.redirected and is_private(spider.base_url):
            raise NotConfigured
        per_minute = crawler.settings.getint("TALLYWATCH_REQUESTS_PER_MINUTE")
        return cls(crawler, _BUCKETS.setdefault(per_minute, Bucket(per_minute)))

    async def process_request(self, request: Request) -> None:
        """Wait."""
        del request
        seconds = self.bucket.take()
        if seconds:
            self.crawler.stats.inc_value("tallywatch/budget/waited")
            await asyncio.sleep(seconds)
