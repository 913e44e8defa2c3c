"""Retention: what is dropped, and what never is."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.database import connection, many
from pipelines.store import Keeper, Place
from scheduler.config import Config
from scheduler.evidence.gather import gather
from scheduler.sections.retention import Retention
from scheduler.service import Service, open_service
from spiders.items import Document, Exchange, Trouble
from tests.commands.conftest import channel as channel  # noqa: PLC0414 - a fixture
from tests.ledger.dump import dump
from tests.reactor import Run, loop, run
from tests.spiders.site import Site

__all__ = ["loop", "run"]

NOW = datetime(2023, 3, 8, 10, 0, tzinfo=UTC)
PLACE = Place(name="telegram_general_staff", role="official", publisher="General Staff", claimant=None)


async def count(service: Service, what: str) -> int:
    """Return the number that a query gives."""
    async with connection(service.pool) as conn:
        row = await (await conn.execute(f"SELECT count(*) AS n FROM {what}")).fetchone()  # type: ignore[call-overload] # noqa: S608 - tests name them
    return int(row["n"]) if row else 0


def exchange(words: bytes) -> Exchange:
    """Return a response of the day."""
    return Exchange(url="https://t.me/s/x", status=200, headers=(), body=words, fetched_at=NOW)


@pytest.fixture
def later(conninfo: str, tmp_path: Path, channel: Site, run: Run[Any]) -> Any:
    """Keep three reports, tell of them, keep a chat and two troubles, the latter told; then do something later."""
    moment = [NOW]
    config = Config(
        home=tmp_path / "home",
        database_url=conninfo,  # type: ignore[arg-type]
        sources={"telegram_general_staff": {"enabled": True, "base_url": channel.url}},  # type: ignore[dict-item]
        retention=Retention(barren_days=500),
    )

    async def two_years_later(work: Any) -> Any:
        async with open_service(config, lambda: moment[0]) as service:
            for _ in range(3):
                await service.crawl(*service.sources.values())
            await service.judge()
            await service.deliver()
            keeper = await Keeper.begin(service.pool, PLACE, lambda: NOW)
            words = b"<p>Good morning, Kyiv.</p>"
            await keeper.keep(
                Document(
                    source=PLACE.name,
                    key="chat",
                    url="https://t.me/x/1",
                    content=words,
                    canonical=words,
                    content_type="text/html",
                    exchange=exchange(words),
                    published_at=NOW,
                )
            )
            for cause, at in (("http_error", NOW - timedelta(days=2)), ("login_wall", NOW)):
                page = exchange(cause.encode())
                await keeper.keep(
                    Trouble(source=PLACE.name, url=page.url, cause=cause, detail="", at=at, exchange=page)
                )
            await keeper.finish("broken", "login_wall", {})
            await service.judge()
            moment[0] = NOW + timedelta(days=730)
            return await work(service)

    return lambda work: run(two_years_later(work))


def test_evidence_outlives_every_limit(later: Any) -> None:
    """Figures, claims, versions with claims, incidents and their responses are as they were."""

    async def compare(service: Service) -> None:
        kept = ("claims", "figures", "incidents")
        before = await dump(service, *kept)
        told = await count(service, "versions v JOIN readings r ON r.version = v.id JOIN claims c ON c.reading = r.id")
        dropped = await service.retain()
        assert dropped["drop_runs"] > 0
        assert await dump(service, *kept) == before
        assert (
            await count(service, "versions v JOIN readings r ON r.version = v.id JOIN claims c ON c.reading = r.id")
            == told
            > 0
        )
        assert await count(service, "exchanges e JOIN versions v ON v.exchange = e.sha256") == await count(
            service, "versions"
        )

    later(compare)


def test_what_is_no_evidence_goes(later: Any) -> None:
    """The chat, a trouble that nobody was told of, their pages, idle crawls; a second turn finds nothing left."""

    async def drop(service: Service) -> None:
        assert await count(service, "documents WHERE key = 'chat'") == 1
        dropped = await service.retain()
        assert dropped["drop_barren_documents"] == 1
        assert dropped["drop_troubles"] == 1
        assert dropped["drop_exchanges"] == 2
        assert await count(service, "documents WHERE key = 'chat'") == 0
        assert await count(service, "troubles WHERE cause = 'http_error'") == 0
        assert sum((await service.retain()).values()) == 0

    later(drop)


def test_what_an_incident_without_claims_rests_on_is_kept(later: Any) -> None:
    """The evidence of a source that cannot be read is as it was, while the incident is open and after it."""

    async def drop(service: Service) -> None:
        (broken,) = await service.query("incidents", id=None, states=["open"], claimant=PLACE.name, as_of=None)
        async with connection(service.pool) as conn:
            evidence = await gather(conn, broken["id"])
        assert [trouble["cause"] for trouble in evidence.troubles] == ["login_wall"]
        assert len(evidence.responses) == 1
        for _ in ("open", "closed"):
            await service.retain()
            async with connection(service.pool) as conn:
                assert await gather(conn, broken["id"]) == evidence
                await conn.execute("UPDATE incidents SET state = 'closed', closed_at = opened_at")
                evidence = await gather(conn, broken["id"])

    later(drop)


def test_a_source_keeps_its_last_crawl_and_last_success(later: Any) -> None:
    """`status` says the same before and after."""

    async def look(service: Service) -> None:
        before = await service.query("last_runs")
        await service.retain()
        assert await service.query("last_runs") == before

    later(look)


def test_a_mail_that_was_sent_is_known_without_its_words(later: Any) -> None:
    """Its row stays, so that nobody is told twice; one that waits keeps its words."""

    async def look(service: Service) -> None:
        mails = await count(service, "mails")
        await service.retain()
        assert await count(service, "mails") == mails
        assert await count(service, "mails WHERE state = 'sent' AND content <> ''") == 0
        assert await count(service, "mails WHERE state <> 'sent' AND content = ''") == 0

    later(look)


def test_a_backfill_does_not_stand_for_the_last_crawl(later: Any) -> None:
    """What it could read of the past says nothing of the source today."""

    async def look(service: Service) -> None:
        for clock, past in ((lambda: NOW, False), (service.clock, True)):
            keeper = await Keeper.begin(service.pool, PLACE, clock, past=past, quiet=past)
            await keeper.finish("unchanged", None, {})
        before = await service.query("last_runs")
        assert any(row["last_success"] for row in before)
        await service.retain()
        assert await service.query("last_runs") == before

    later(look)


def test_an_outage_that_lasts_keeps_its_beginning(later: Any) -> None:
    """However old: it is what the incident is known by."""

    async def look(service: Service) -> None:
        async with connection(service.pool) as conn:
            for day in (1, 2, 3):
                await conn.execute(
                    "INSERT INTO runs (source, started_at, finished_at, verdict, cause, past, quiet)"
                    " SELECT source, %(at)s, %(at)s, 'broken', 'timeout', false, false FROM runs LIMIT 1",
                    {"at": NOW + timedelta(days=day)},
                )
        before = await service.query("outages")
        assert before
        await service.retain()
        assert await service.query("outages") == before

    later(look)


def test_a_mail_that_is_sent_again_meanwhile_keeps_its_words(later: Any) -> None:
    """Retention has chosen it already, and waits for its row."""

    async def look(service: Service) -> None:
        async with connection(service.pool) as conn:
            await conn.execute("UPDATE mails SET state = 'sent', sent_at = %s", [NOW])
        async with connection(service.pool) as conn:
            (mail,) = await many(conn, "resend_mail", id=1, at=service.clock())
            retaining = asyncio.create_task(service.retain())
            await asyncio.sleep(0.5)
            assert not retaining.done()
        await retaining
        assert await count(service, f"mails WHERE id = {mail['id']} AND state = 'queued' AND content <> ''") == 1

    later(look)
