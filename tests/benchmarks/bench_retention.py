"""How large the ledger is after five years of polling twelve sources: DAYS days are kept and judged, and projected.

Each source publishes one report a day, on a page of twenty posts that is kept with it, and is polled POLLS times a
day without news, as a dense window and a sparse rest of the day come to. Crawls older than `[retention] runs_days` are
dropped; documents are kept for good. Sizes are those of PostgreSQL after VACUUM, with indexes and TOAST.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import psycopg

from pipelines.store import Keeper, Place
from scheduler.config import Config
from scheduler.loop import run
from scheduler.sections.retention import Retention
from scheduler.service import Service, open_service
from spiders.items import Document, Exchange, Unchanged
from tests.backfill.channel import Channel
from tests.spiders.telegram_pages import page

DAYS = 40
SOURCES = 12
POLLS = 60
FIVE_YEARS = 1826
MB = 1e6


def places() -> list[Place]:
    """Return twelve sources: two official ones, and relays."""
    return [
        Place(name=f"source_{n}", role="official" if n < 2 else "relay", publisher=f"Publisher {n}", claimant=None)
        for n in range(SOURCES)
    ]


def report(place: Place, posts: list[str], number: int, at: datetime) -> Document:
    """Return a report as its source's page of twenty posts brings it."""
    body = page(*posts[max(0, number - 19) : number + 1]).encode() + f"<!-- {place.name} -->".encode()
    url = f"https://{place.name}.example/s"
    return Document(
        source=place.name,
        key=f"{url}/{number}",
        url=f"{url}/{number}",
        content=posts[number].encode(),
        canonical=posts[number].encode(),
        content_type="text/html",
        exchange=Exchange(url=url, status=200, headers=(), body=body, fetched_at=at),
        published_at=at,
    )


async def size(service: Service) -> int:
    """Return the bytes of the database after VACUUM."""
    async with await psycopg.AsyncConnection.connect(service.conninfo, autocommit=True) as conn:
        await conn.execute("VACUUM ANALYZE")
        row = await (await conn.execute("SELECT pg_database_size(current_database())")).fetchone()
    return int(row[0]) if row else 0


async def in_place(service: Service) -> float:
    """Return the share of updates of versions since the last reset that stayed on their page: VACUUM has no work."""
    async with await psycopg.AsyncConnection.connect(service.conninfo, autocommit=True) as conn:
        query = """SELECT n_tup_hot_upd::float / nullif(n_tup_upd, 0) FROM pg_stat_user_tables
                   WHERE relname = 'versions'"""
        row = await (await conn.execute(query)).fetchone()
    return float(row[0] or 0) if row else 0.0


async def reset(service: Service) -> None:
    """Count updates anew."""
    async with await psycopg.AsyncConnection.connect(service.conninfo, autocommit=True) as conn:
        await conn.execute("SELECT pg_stat_reset()")


async def measure(home: Path) -> None:
    """Keep the days, then the polls, and print what each of them takes."""
    first = date(2024, 1, 1)
    channel = Channel(days=DAYS, per_day=1, last=first + timedelta(days=DAYS - 1))
    now = [datetime.combine(first, time(6), UTC)]
    config = Config(home=home, sources={"ukrinform": {"enabled": True}})  # type: ignore[dict-item]
    async with open_service(config, lambda: now[0]) as service:
        empty = await size(service)
        for number in range(DAYS):
            now[0] = datetime.combine(first + timedelta(days=number), time(6), UTC)
            for place in places():
                keeper = await Keeper.begin(service.pool, place, service.clock)
                await keeper.keep(report(place, channel.posts, number, now[0]))
                await keeper.finish("new", None, {})
            await service.court.judge(tell=False)
        days = (await size(service) - empty) / DAYS
        before = await size(service)
        await reset(service)
        for _ in range(POLLS):
            now[0] += timedelta(minutes=20)
            for place in places():
                keeper = await Keeper.begin(service.pool, place, service.clock)
                url = f"https://{place.name}.example/s"
                await keeper.keep(Unchanged(source=place.name, url=url, fetched_at=now[0]))
                await keeper.finish("unchanged", None, {url: ('"etag"', None)})
        polls = float(await size(service) - before)
        limit = Retention().runs_days
        print(f"a day of {SOURCES} reports, kept with their pages and judged  {days / MB:8.3f} MB")
        print(f"a day of {SOURCES * POLLS} polls without news                     {polls / MB:8.3f} MB")
        whole = days * FIVE_YEARS + polls * limit
        print(f"five years, crawls kept {limit} days                   {whole / MB:8.0f} MB")
        print(f"five years, crawls kept for good                   {(days + polls) * FIVE_YEARS / MB:8.0f} MB")
        print(f"updates of last_seen that stayed on their page     {await in_place(service):8.1%}")


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        run(lambda: measure(Path(folder) / "home"))


if __name__ == "__main__":
    main()
