"""How long the full history of a channel takes to fetch, read and keep, against only downloading it.

1,600 days of ten posts each, twenty posts on a page, served on loopback by a process of its own; the real spider and
the real store. Baseline: a bare Scrapy spider that follows the same pages and looks at nothing else, in the same
process and with the same settings. Medians of REPEATS; judging is counted apart.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from scrapy import Request, Spider
from scrapy.crawler import AsyncCrawlerRunner
from scrapy.http import Response
from scrapy.settings import Settings

from scheduler.backfill import plan as planning
from scheduler.backfill.ways import ITSELF, way_named
from scheduler.backfill.work import Work
from scheduler.config import Config
from scheduler.loop import run
from scheduler.service import open_service
from tests.backfill.channel import LAST_DAY
from tests.spiders.telegram_pages import CHANNEL

DAYS = 1600
PER_DAY = 10
REPEATS = 3
NOW = datetime(2026, 8, 1, 10, 0, tzinfo=UTC)


class Bare(Spider):
    """Follows the link to older posts."""

    name = "bare"

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.pages = 0

    async def start(self) -> AsyncIterator[Any]:
        """Ask for the latest page."""
        yield Request(f"{self.url}/s/{CHANNEL}")

    def parse(self, response: Response, **_: Any) -> Iterator[Any]:
        """Ask for the page before."""
        self.pages += 1
        before = response.css("a.tme_messages_more::attr(data-before)").get()
        if before is not None:
            yield Request(f"{self.url}/s/{CHANNEL}?before={before}")


async def download(url: str) -> float:
    """Return the seconds of a bare download of all pages."""
    settings = Settings()
    settings.setmodule("spiders.settings", priority="project")
    # What the real spider goes without as well, when it fetches from loopback.
    settings.setdict({"DOWNLOAD_DELAY": 0, "AUTOTHROTTLE_ENABLED": False}, "cmdline")
    settings["DOWNLOADER_MIDDLEWARES"]["spiders.budget.Budget"] = None
    runner = AsyncCrawlerRunner(settings)
    crawler = runner.create_crawler(Bare)
    began = time.perf_counter()
    await runner.crawl(crawler, url=url)
    assert isinstance(crawler.spider, Bare)
    assert crawler.spider.pages == DAYS * PER_DAY // 20
    return time.perf_counter() - began


async def fill(url: str, home: Path) -> tuple[float, float]:
    """Return the seconds of a backfill into an empty ledger, and those of judging it."""
    source = {"enabled": True, "base_url": url}
    config = Config(home=home, sources={"telegram_general_staff": source})  # type: ignore[dict-item]
    async with open_service(config, lambda: NOW) as service:
        asked = planning.window(LAST_DAY - timedelta(days=DAYS - 1), LAST_DAY, date(2026, 8, 1))
        way = way_named(ITSELF, config)
        began = time.perf_counter()
        plan = await planning.make(service, service.sources.values(), asked, via=ITSELF, way=way)
        work = Work(service=service, plan=plan, way=way, sources=service.sources)
        assert all(row["state"] == "done" for row in await work.run())
        kept = time.perf_counter()
        judged = await service.court.judge(tell=True)
        assert judged.versions == DAYS * PER_DAY
        return kept - began, time.perf_counter() - kept


async def measure(url: str) -> list[tuple[float, float, float]]:
    """Return the seconds of download, backfill and judging, REPEATS times by turns."""
    taken = []
    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory() as folder:
            taken.append((await download(url), *await fill(url, Path(folder) / "home")))
    return taken


def main() -> None:
    """Measure and print."""
    command = [sys.executable, "-m", "tests.backfill.channel", str(DAYS), str(PER_DAY)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        taken = run(lambda: measure(url))
        server.kill()
    bare, filled, judged = (statistics.median(column) for column in zip(*taken, strict=True))
    print(f"baseline: {DAYS * PER_DAY // 20} pages, bare Scrapy     {bare:7.1f} s")
    print(f"backfill of {DAYS} days, {DAYS * PER_DAY} posts   {filled:7.1f} s  {filled / bare:6.2f} x baseline")
    print(f"judging them                        {judged:7.1f} s")
    print(f"together                            {filled + judged:7.1f} s")


if __name__ == "__main__":
    main()
