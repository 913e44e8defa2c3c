"""What the daemon costs while nothing happens, and how soon a mail is there when something does.

Idle: the real command with twelve local sources, in real time. Accelerated time would count the same polls in fewer
heartbeats, so the two parts are measured apart, each for WATCH_S seconds: a daemon that polls nothing, and one that
polls each source every minute. The difference, by poll, times the polls of a real day (the schedule of twelve
declared sources, counted by itself) and the idle part make the figure for an hour. Machines differ in what waking up
costs more than in what is done then, so a bare Python that wakes as often is watched beside the idle daemon.

Latency: from the change of a page to the SMTP server's 250, polling taken out: crawl, judge, draw, write, hand over.
"""

from __future__ import annotations

import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from pipelines import embedded
from pipelines.records import KYIV
from scheduler.artist import Artist
from scheduler.config import Config
from scheduler.daemon import PULSE_S
from scheduler.leader import HEARTBEAT_S
from scheduler.loop import run
from scheduler.schedule import History, Rhythm, next_poll
from scheduler.service import open_service
from spiders.sources import declared
from tests.commands.conftest import publish
from tests.conftest import fresh_database
from tests.daemon.conftest import until
from tests.ledger.reports import FIGURES
from tests.ledger.test_kills import post
from tests.mails.server import Server
from tests.mails.server import serving as smtp
from tests.spiders.site import Site, serving

SOURCES = 12
WATCH_S = 60.0
CHANGES = 40
WRONG = re.compile(r"(?<=близько )\d{6}|\d{6}")
NOW = datetime(2023, 3, 10, 10, 0, tzinfo=UTC)
TICK = os.sysconf("SC_CLK_TCK")
DAYS: list[date] = list(FIGURES)
BARE = f"""
import asyncio, threading, time

def beat():
    while True:
        time.sleep({HEARTBEAT_S})

async def turn():
    while True:
        await asyncio.sleep({PULSE_S})

threading.Thread(target=beat, daemon=True).start()
asyncio.run(turn())
"""


def configuration(site: Site, minutes: int) -> str:
    """Return twelve sources on one local channel."""
    one = '[sources.source{n}]\nenabled = true\nspider = "telegram_general_staff"\nbase_url = "{url}"\n'
    every = f"interval_minutes = {minutes}\n"
    return "".join(one.format(n=n, url=site.url) + every for n in range(SOURCES))


def cpu_s(pid: int) -> float:
    """Return the seconds of processor that a process has used, without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def rests(pid: int) -> bool:
    """Whether a process does next to nothing for a while: the past of its sources is judged."""
    used = cpu_s(pid)
    time.sleep(5)
    return cpu_s(pid) - used < 0.1


def rss_mb(pid: int) -> float:
    """Return the resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 10**6


def watched(pid: int, site: Site) -> tuple[float, int]:
    """Watch a daemon for a while; return its share of a core, and how often it polled."""
    began, used, polled = time.monotonic(), cpu_s(pid), len(site.asked)
    time.sleep(WATCH_S)
    return (cpu_s(pid) - used) / (time.monotonic() - began), len(site.asked) - polled


def polls_of_a_day() -> int:
    """Count the polls of twelve declared sources on a day whose report is there at 07:30."""
    polls = 0
    morning = datetime(2026, 6, 1, tzinfo=KYIV).astimezone(UTC)
    by_default = [spider for spider in declared().values() if spider.by_default]
    for spider in (by_default + list(declared().values()))[:SOURCES]:
        rhythm = Rhythm(cadence=spider.cadence, window=spider.window)
        now, history = morning, History(polled_at=morning, latest=date(2026, 5, 31))
        while (now := next_poll(rhythm, history, now, lambda: 0.5)) < morning + timedelta(days=1):
            there = now >= morning + timedelta(hours=7.5)
            history = History(polled_at=now, latest=date(2026, 6, 1) if there else history.latest)
            polls += 1
    return polls


def idle(folder: Path) -> None:
    """Measure and print what an idle daemon costs."""
    home, file, log = folder / "home", folder / "tallywatch.toml", folder / "log"
    with serving() as site, embedded.server(home / "server") as conninfo, log.open("w") as stream:
        publish(site, *(post(day) for day in DAYS))
        file.write_text(configuration(site, 600), "utf-8")
        given = {"TALLYWATCH_HOME": str(home), "TALLYWATCH_CONFIG": str(file), "TALLYWATCH_NOW": "2023-03-10T12:00"}
        environment = os.environ | given | {"TALLYWATCH_DATABASE_URL": conninfo}
        daemon = subprocess.Popen(["tallywatch", "daemon"], env=environment, stderr=stream)
        try:
            until(lambda: log.read_text("utf-8").count("Crawled") >= 2 * SOURCES and rests(daemon.pid), 120)
            with subprocess.Popen([sys.executable, "-c", BARE]) as bare:
                try:
                    time.sleep(1)
                    began = cpu_s(bare.pid)
                    quiet, _ = watched(daemon.pid, site)
                    least = (cpu_s(bare.pid) - began) / WATCH_S
                finally:
                    bare.kill()
            file.write_text(configuration(site, 1), "utf-8")
            daemon.send_signal(signal.SIGHUP)
            until(lambda: "was read again" in log.read_text("utf-8"))
            busy, polls = watched(daemon.pid, site)
            memory = rss_mb(daemon.pid)
        finally:
            daemon.terminate()
            daemon.wait()
    a_poll = max(busy - quiet, 0) * WATCH_S / max(polls, 1)
    hourly = polls_of_a_day() / 24
    print(f"memory with {SOURCES} sources            {memory:8.1f} MB   (aim 120)")
    print(f"processor without polls             {quiet * 100:8.2f} %    (a bare Python {least * 100:.2f} %)")
    print(f"processor of one poll, all included {a_poll * 1000:8.1f} ms   ({polls} polls)")
    print(
        f"processor with {hourly:4.0f} polls an hour     {(quiet + a_poll * hourly / 3600) * 100:8.2f} %    (aim 0.3)"
    )


async def change(site: Site, home: Path, conninfo: str) -> float:
    """Return the seconds from one change of a page to the 250 of its mail, on a new ledger in a warm process."""
    config = {"home": home, "database_url": conninfo, "mail": {"from": "t@example.org", "to": ["desk@example.org"]}}
    source = {"enabled": True, "base_url": site.url}
    publish(site, *(post(day) for day in DAYS[:-1]))
    async with smtp(Server()) as server:
        settings = Config(**config, smtp_url=server.url, sources={"telegram_general_staff": source})  # type: ignore[arg-type, dict-item]
        artist = Artist()
        async with open_service(settings, lambda: NOW, artist) as service:
            await service.crawl(*service.sources.values())
            await service.judge(tell=False)
            last = post(DAYS[-1])
            publish(site, *(post(day) for day in DAYS[:-1]), WRONG.sub(lambda number: number[0][::-1], last, count=1))
            began = time.perf_counter()
            await service.crawl(*service.sources.values())
            async with artist.ready():
                await service.judge()
                await service.deliver()
            taken = time.perf_counter() - began
        (mail, *_) = server.accepted
        assert b"image/png" in bytes(mail.content or b"")
    return taken


async def changes(site: Site, home: Path, server: str) -> list[float]:
    """Return the seconds of many changes; the first two warm the process up."""
    taken = []
    for _ in range(CHANGES + 2):
        with fresh_database(server) as (_, conninfo):
            taken.append(await change(site, home, conninfo))
    return taken[2:]


def latency(folder: Path) -> None:
    """Measure and print how soon a mail is there."""
    with serving() as site, embedded.server(folder / "server") as server:
        taken = sorted(run(lambda: changes(site, folder / "home", server)))
    worst = taken[min(int(len(taken) * 0.99), len(taken) - 1)]
    print(f"page change to the server's 250, chart in the mail, {len(taken)} changes")
    print(f"  median                            {statistics.median(taken):8.2f} s    (aim 1)")
    print(f"  p99                               {worst:8.2f} s    (aim 2)")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        idle(Path(first))
        latency(Path(second))
