"""What a poll of twelve unchanged sources costs: CPU of this process, and rows written. Medians of REPEATS.

Feeds' articles and data sets answer 304 to a conditional request; the others send the same page again. The site
runs in a process of its own: its work is not ours. PostgreSQL's neither.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipelines.database import connection
from scheduler.config import Config
from scheduler.loop import run
from scheduler.service import Service, open_service
from tests.commands.conftest import publish
from tests.ledger.reports import FIGURES, words
from tests.ledger.test_kills import post
from tests.spiders.site import Site, serving

REPEATS = 15
TARGET_S = 0.5
NOW = datetime(2023, 3, 10, 10, 0, tzinfo=UTC)
DAY = max(FIGURES)
FEEDS = {
    "ukrinform": "/rss/block-lastnews",
    "ukrainska_pravda": "/eng/rss/",
    "interfax_ukraine": "/news/last.rss",
    "kyiv_independent": "/news-archive/rss/",
}
FILES = {
    "orc_losses": "/lod-db/orc-losses/main/russian-losses.json",
    "petroivaniuk": "/PetroIvaniuk/2022-Ukraine-Russia-War-Dataset/main/data/russia_losses_equipment.json",
    "petroivaniuk/personnel": "/PetroIvaniuk/2022-Ukraine-Russia-War-Dataset/main/data/russia_losses_personnel.json",
}
OTHERS = ("telegram_general_staff", "mod_gov_ua", "mod_gov_ua_uk", "zsu_gov_ua", "minfin", "russianwarship_rip")
SOURCES = (*FEEDS, "orc_losses", "petroivaniuk", *OTHERS)
ITEM = (
    "<item><title>Russian losses {n}</title><link>{url}</link>"
    "<pubDate>Fri, 10 Mar 2023 06:00:00 +0000</pubDate></item>"
)
FILLER = "слово " * 300


def page(body: str) -> str:
    """Lay out a page with as many words as an article has."""
    return f"<html><body><main><article><h1>Losses</h1>{body}<p>{FILLER}</p></article></main></body></html>"


def fill(site: Site) -> None:
    """Publish what twelve sources have on a morning."""
    publish(site, *(post(day) for day in FIGURES))
    report = page("".join(f"<p>{line}</p>" for line in words(DAY).splitlines()))
    for name, path in FEEDS.items():
        urls = [f"/{name}/losses-{n}" for n in range(3)]
        items = "".join(ITEM.format(n=n, url=site.url + url) for n, url in enumerate(urls))
        tagged(site, path, f"<rss><channel>{items}</channel></rss>", "application/rss+xml")
        for url in urls:
            tagged(site, url, report)
    for path, link in {"/en/news": "/en/news/losses-1", "/news/tag-vidsich-agresoru": "/news/vtrati-1"}.items():
        time_of = f'<time datetime="{NOW.isoformat()}">today</time>'
        site.put(path, f'<html><body><main><div><a href="{link}">losses</a>{time_of}</div></main></body></html>')
        site.put(link, report)
    rows = [{"date": f"{DAY - timedelta(days=back)}", "tanks": 3000 - back, "tank": 3000} for back in range(400)]
    for path in FILES.values():
        tagged(site, path, json.dumps(rows), "application/json")
    record = {"date": f"{DAY}", "day": 1, "resource": "", "stats": {"tanks": 3448}, "increase": {"tanks": 7}}
    site.put("/api/v2/statistics/latest", json.dumps({"data": record}))
    entry = "<li class='gold'><span class='black'>{:%d.%m.%Y}</span><ul><li>Танки &mdash; {}</li></ul></li>"
    days = "".join(entry.format(day, numbers[1][0]) for day, numbers in FIGURES.items())
    site.put("/ua/russian-invading/casualties/", f"<html><body><ul class='see-also'>{days}</ul></body></html>")
    listed = json.dumps({"itemListElement": [{"name": "Танки", "description": "3448 (+7)"}]})
    site.put("/oriientovni-vtraty-protyvnyka", page(f'<script type="application/ld+json">{listed}</script>'))


def tagged(site: Site, path: str, body: str, media: str = "text/html") -> None:
    """Publish a page that is asked for by its ETag."""
    site.put(path, body, headers={"Content-Type": f"{media}; charset=utf-8", "ETag": f'"{len(body)}"'})


def serve() -> None:
    """Serve the site until standard input closes; its address is the first line."""
    with serving() as site:
        fill(site)
        print(site.url, flush=True)
        sys.stdin.read()


async def written(service: Service) -> Counter[str]:
    """Return how many rows were written into each table so far."""
    sql = "SELECT relname AS name, n_tup_ins + n_tup_upd + n_tup_del AS rows FROM pg_stat_user_tables"
    async with connection(service.pool) as conn:
        await conn.execute("SELECT pg_stat_clear_snapshot()")
        return Counter({row["name"]: row["rows"] for row in await (await conn.execute(sql)).fetchall()})


async def polls(url: str, home: Path) -> tuple[list[float], Counter[str], list[Any]]:
    """Return the CPU seconds of each round, the rows of all rounds, and the last round's reports."""
    sources = {name: {"enabled": True, "base_url": url} for name in SOURCES}
    config = Config(home=home, sources=sources)  # type: ignore[arg-type]
    async with open_service(config, lambda: NOW) as service:
        for _ in range(2):
            reports = [await service.crawl(source) for source in service.sources.values()]
        await service.judge()
        time.sleep(1.5)  # noqa: ASYNC251 - the server's counts lag by a second
        before, taken = await written(service), []
        for _ in range(REPEATS):
            began = time.process_time()
            reports = [await service.crawl(source) for source in service.sources.values()]
            taken.append(time.process_time() - began)
        time.sleep(1.5)  # noqa: ASYNC251 - likewise
        return taken, await written(service) - before, reports


def main() -> None:
    """Measure and print; fail above the target."""
    command = [sys.executable, __file__, "serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as site:
        assert site.stdin is not None
        assert site.stdout is not None
        url = site.stdout.readline().strip()
        with tempfile.TemporaryDirectory() as folder:
            taken, rows, reports = run(lambda: polls(url, Path(folder) / "home"))
        site.stdin.close()
    changed = [report for report in reports if report.new or report.changed or report.verdict == "broken"]
    assert not changed, changed
    median = statistics.median(taken)
    print(f"twelve unchanged sources, CPU, median of {REPEATS}    {median * 1000:8.1f} ms  target {TARGET_S} s")
    for name, count in sorted(rows.items()):
        print(f"rows written a round, {name:<24} {count / REPEATS:8.1f}")
    sys.exit(median > TARGET_S)


if __name__ == "__main__":
    serve() if sys.argv[1:] == ["serve"] else main()
