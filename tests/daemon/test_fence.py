from __future__ import annotations

import asyncio

import pytest

from pipelines.database import Fenced, Pool, connection, many, one, open_pool, run
from pipelines.exceptions import Deposed
from tests.ledger.conftest import NOW


def test_a_term_that_is_over_has_no_effect(conninfo: str) -> None:
    """What the old leader writes is refused wholly; the new one and whoever works by hand are not."""

    async def two_terms() -> tuple[list[str], int]:
        async with open_pool(conninfo) as pool:

            async def lead(name: str) -> Fenced:
                async with connection(pool) as conn:
                    return Fenced(pool=pool, term=(await one(conn, "lead", name=name, at=NOW))["term"])

            async def write(place: Pool, name: str) -> None:
                async with connection(place) as conn:
                    source = {"role": "official", "publisher": "x", "claimant": None, "at": NOW}
                    await run(conn, "keep_source", name=name, **source)

            old = await lead("old")
            await write(old, "first")
            new = await lead("new")
            with pytest.raises(Deposed):
                await write(old, "second")
            await write(new, "third")
            await write(pool, "by hand")
            async with connection(pool) as conn:
                return [row["source"] for row in await many(conn, "last_runs")], new.term - old.term

    assert asyncio.run(two_terms()) == (["by hand", "first", "third"], 1)


def test_nobody_begins_a_term_in_the_middle_of_a_transaction(conninfo: str) -> None:
    """What was begun by a leader is kept or undone before another leads: nothing falls between two terms."""

    async def overlapping() -> list[str]:
        order: list[str] = []
        async with open_pool(conninfo) as pool:
            async with connection(pool) as conn:
                term = (await one(conn, "lead", name="old", at=NOW))["term"]

            async def follow() -> None:
                async with connection(pool) as conn:
                    await one(conn, "lead", name="new", at=NOW)
                order.append("followed")

            async with connection(Fenced(pool=pool, term=term)) as conn:
                following = asyncio.create_task(follow())
                await asyncio.wait({following}, timeout=0.3)
                order.append("worked")
                await one(conn, "server_version")
            await following
        return order

    assert asyncio.run(overlapping()) == ["worked", "followed"]
