from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from pipelines.database import connection
from pipelines.rereading import Difference, reread
from scheduler.service import Service
from tests.ledger.conftest import Serve
from tests.ledger.dump import dump
from tests.ledger.reports import FIGURES, TELEGRAM, Post, keep

LOST = ("general_staff_ukraine", "tanks", "2023-03-07", 3423, 9)


async def differences(service: Service, *, apply: bool) -> list[Difference]:
    """Return what is read differently."""
    found = reread(service.pool, service.clock, source=None, apply=apply)
    return [difference async for difference in found if difference is not None]


async def as_an_earlier_reader(service: Service) -> None:
    """Make the ledger that of a reader which did not know tanks on one day."""
    await keep(service, *[Post(place=TELEGRAM, day=day) for day in FIGURES])
    async with connection(service.pool) as conn:
        await conn.execute("DELETE FROM claims WHERE metric = 'tanks' AND as_of = %s", [date(2023, 3, 7)])
        await conn.execute(
            "UPDATE readings SET sha256 = '\\x00' WHERE version IN"
            " (SELECT v.id FROM versions v JOIN documents d ON d.id = v.document WHERE d.key LIKE '%%2023-03-07')"
        )
    await service.court.judge(tell=False)


def test_the_same_reader_reads_the_same(serve: Serve) -> None:
    """Reading again changes nothing as long as the reader is the same."""

    async def work(service: Service) -> Any:
        await keep(service, *[Post(place=TELEGRAM, day=day) for day in FIGURES])
        await service.court.judge(tell=False)
        before = await dump(service)
        return await differences(service, apply=True), before, await dump(service)

    found, before, after = serve(work)
    assert found == []
    assert after == before


def test_a_dry_run_shows_and_changes_nothing(serve: Serve) -> None:
    """What the reader has learned is shown: one claim gained, none lost."""

    async def work(service: Service) -> Any:
        await as_an_earlier_reader(service)
        before = await dump(service)
        return await differences(service, apply=False), before, await dump(service)

    (difference,), before, after = serve(work)
    assert (difference.gained, difference.lost) == ((LOST,), ())
    assert after == before


def test_what_was_learned_reaches_the_figures(serve: Serve) -> None:
    """Applied, the claim is an observation of the same version: known since the report was published."""

    async def work(service: Service) -> Any:
        await as_an_earlier_reader(service)
        await differences(service, apply=True)
        await service.court.judge(tell=False)
        return await dump(service, "figures"), await differences(service, apply=True)

    dumped, again = serve(work)
    (row,) = [row for row in dumped["figures"] if (row["metric"], row["as_of"]) == ("tanks", date(2023, 3, 7))]
    assert (row["total"], row["known_since"].isoformat()) == (3423, "2023-03-07T05:30:00+00:00")
    assert again == []


@pytest.mark.parametrize("restarted", [False, True])
def test_what_was_never_said_leaves_the_ledger(serve: Serve, *, restarted: bool) -> None:
    """A number that an earlier reader invented goes from the figures and the incidents when it is read again."""

    async def work(service: Service) -> tuple[Any, Any, Any]:
        await keep(service, *[Post(place=TELEGRAM, day=day) for day in FIGURES])
        await service.court.judge(tell=False)
        right = await dump(service, "figures", "incidents")
        async with connection(service.pool) as conn:
            await conn.execute(INVENTED)
            await conn.execute("UPDATE readings SET sha256 = '\\x00' WHERE id IN (SELECT max(id) FROM readings)")
            await conn.execute("UPDATE versions SET judged = false; TRUNCATE marks")
        service.court.forget()
        await service.court.judge(tell=False)
        wrong = await dump(service, "figures", "incidents")
        if restarted:
            service.court.forget()
        await differences(service, apply=True)
        await service.court.judge(tell=False)
        return right, wrong, await dump(service, "figures", "incidents")

    right, wrong, mended = serve(work)
    assert len(wrong["figures"]) == len(right["figures"]) + 1
    assert mended == right


INVENTED = """
    INSERT INTO claims (reading, claimant, metric, as_of, total, daily, total_span, quote)
    SELECT reading, claimant, 'aircraft', as_of, 302, 1, total_span, quote
    FROM claims WHERE metric = 'tanks' ORDER BY id DESC LIMIT 1"""
