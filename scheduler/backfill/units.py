"""The units of a plan in PostgreSQL: each is worked on by one process at most, and its claim dies with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row

from pipelines.database import Connection, connection, explained, many, maybe, run
from scheduler.backfill.plan import Plan, Window
from scheduler.judging import arrays
from scheduler.service import Service

logger = logging.getLogger(__name__)

HEARTBEAT_S = 2.0
SILENCE_S = 20
"""A claim whose process is stopped, or whose machine is gone, falls after this many seconds."""


class Lost(Exception):  # noqa: N818 - it reads as what it is: `raise Lost`
    """Raised by a claim that fell while we worked (we had been stopped): the unit is somebody else's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """A unit that is ours: its row is locked by a transaction on a connection of its own."""

    id: int
    source: str
    window: Window
    attempts: int  # that failed so far
    conn: Connection

    async def done(self, at: datetime) -> None:
        """Settle it. Raises Lost."""
        await self._settle("unit_done", at=at)

    async def failed(self, problem: str, *, at: datetime, again_at: datetime | None) -> None:
        """Let it be tried again, or by a person (None). Raises Lost."""
        await self._settle("unit_failed", problem=problem, at=at, again_at=again_at)

    async def _settle(self, name: str, **values: Any) -> None:
        try:
            await run(self.conn, name, id=self.id, **values)
            await self.conn.commit()
        except psycopg.OperationalError as error:
            raise Lost(f"the claim on {self.source} since {self.window.first} fell") from error


async def enter(service: Service, plan: Plan) -> list[dict[str, Any]]:
    """Write a plan down; return its units. Whoever plans the same meets the same units."""
    async with connection(service.pool) as conn:
        for unit in plan.units:
            fields = {"source": unit.source, "via": plan.via, "first": unit.window.first, "last": unit.window.last}
            if await maybe(conn, "plan_unit", **fields) is None and unit.finished_at is not None:
                await run(conn, "reopen_unit", **fields, finished_at=unit.finished_at)
        return await _rows(conn, plan)


async def states(service: Service, plan: Plan) -> list[dict[str, Any]]:
    """Return the units of a plan as they are now."""
    async with connection(service.pool) as conn:
        return await _rows(conn, plan)


async def _rows(conn: Connection, plan: Plan) -> list[dict[str, Any]]:
    keys = arrays((unit.key for unit in plan.units), ("sources", "firsts", "lasts"))
    return await many(conn, "units_planned", via=plan.via, **keys)


@asynccontextmanager
async def claimed(service: Service, units: Collection[int]) -> AsyncIterator[Claim | None]:
    """Claim the next free one of some units; None when there is none.

    The claim is a transaction: it falls with the process, and by `SILENCE_S` with a process that is stopped or out
    of reach. It holds back the server's vacuum for as long as the unit takes, which is minutes.
    """
    with explained():
        conn = await _connect(service.conninfo)
    try:
        row = await maybe(conn, "claim_unit", units=list(units), now=service.clock())
        if row is None:
            yield None
            return
        window = Window(first=row["first"], last=row["last"])
        beating = asyncio.create_task(_beat(conn))
        try:
            yield Claim(id=row["id"], source=row["source"], window=window, attempts=row["attempts"], conn=conn)
        finally:
            beating.cancel()
            with suppress(asyncio.CancelledError):
                await beating
    finally:
        await conn.close()


async def _connect(conninfo: str) -> Connection:
    parts = conninfo_to_dict(conninfo)
    options = f"{parts.get('options') or ''} -c idle_in_transaction_session_timeout={SILENCE_S}s".strip()
    return await psycopg.AsyncConnection.connect(make_conninfo(conninfo, options=options), row_factory=dict_row)


async def _beat(conn: Connection) -> None:
    """Show that we live. A claim that fell is found out when it is settled."""
    with suppress(psycopg.OperationalError):
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            await conn.execute("SELECT")
