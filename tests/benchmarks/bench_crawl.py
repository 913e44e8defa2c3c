"""How long a poll of an unchanged page takes, through the real spider and the real store.

Baseline: the same page fetched by urllib, nothing else, in the same run. Medians of REPEATS.
"""

from __future__ import annotations

import statistics
import tempfile
import time
import urllib.request
from datetime import UTC, date, datetime
from pathlib import Path

from scheduler.config import Config
from scheduler.loop import run
from scheduler.service import open_service
from tests.commands.conftest import publish
from tests.ledger.reports import FIGURES
from tests.ledger.test_kills import post
from tests.spiders.site import Site, serving

REPEATS = 30
NOW = datetime(2023, 3, 10, 10, 0, tzinfo=UTC)
DAYS: list[date] = list(FIGURES)


async def polls(site: Site, home: Path) -> tuple[float, list[float]]:
    """Return the seconds of the first poll, which keeps and judges, and those of polls that change nothing."""
    source = {"enabled": True, "base_url": site.url}
    config = Config(home=home, sources={"telegram_general_staff": source})  # type: ignore[dict-item]
    async with open_service(config, lambda: NOW) as service:
        taken = []
        for _ in range(REPEATS + 1):
            began = time.perf_counter()
            await service.crawl(*service.sources.values())
            await service.judge()
            taken.append(time.perf_counter() - began)
    return taken[0], taken[1:]


def fetches(url: str) -> list[float]:
    """Return the seconds of bare fetches."""
    taken = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        with urllib.request.urlopen(url) as answer:  # noqa: S310 - our own page on loopback
            answer.read()
        taken.append(time.perf_counter() - began)
    return taken


def main() -> None:
    """Measure and print."""
    with serving() as site, tempfile.TemporaryDirectory() as folder:
        publish(site, *(post(day) for day in DAYS))
        first, repeats = run(lambda: polls(site, Path(folder) / "home"))
        bare = statistics.median(fetches(f"{site.url}/s/GeneralStaffZSU"))
    repeat = statistics.median(repeats)
    print(f"first poll, {len(DAYS)} new posts, kept and judged  {first * 1000:8.1f} ms")
    print(
        f"poll of an unchanged page, median of {REPEATS}     {repeat * 1000:8.1f} ms  {repeat / bare:6.1f} x baseline"
    )
    print(f"baseline: the page by urllib, median of {REPEATS}  {bare * 1000:8.1f} ms")


if __name__ == "__main__":
    main()
