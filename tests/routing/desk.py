"""A teller on an empty ledger, incidents made by hand, and what the outbox holds then."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from pipelines.database import Pool, connection, open_pool
from scheduler.mails.view import Language, Series
from scheduler.sections.mail import Mail
from scheduler.telling import Teller

START = datetime(2023, 3, 7, 7, 12, tzinfo=UTC)
DAY = date(2023, 3, 7)
CLAIMANT = "general_staff_ukraine"
Row = dict[str, Any]


@dataclass
class Time:
    """A clock that stands until it is moved."""

    now: datetime = START

    def __call__(self) -> datetime:
        """Tell it."""
        return self.now

    def forward(self, **step: float) -> None:
        """Let time pass."""
        self.now += timedelta(**step)


async def no_chart(_series: Series | None, _language: Language) -> None:
    """Draw nothing: what a mail says does not depend on it."""


@dataclass
class Desk:
    """The teller with its clock."""

    pool: Pool
    mail: Row = field(default_factory=dict)
    clock: Time = field(default_factory=Time)

    async def tell(self, **changed: Any) -> int:
        """Tell, as the daemon does at each turn."""
        given = {"from": "tallywatch@example.org", "to": ["desk@example.org"], "digest": "off"}
        mail = Mail.model_validate(given | self.mail | changed)
        return await Teller(pool=self.pool, clock=self.clock, mail=mail, draw=no_chart).tell(rounds=True)

    async def rows(self, sql: str, *values: Any) -> list[Row]:
        """Return rows."""
        async with connection(self.pool) as conn:
            cursor = await conn.execute(sql.encode(), values)
            return await cursor.fetchall() if cursor.description else []

    async def found(self, *, told: bool = False, **changed: Any) -> int:
        """Open an incident of today, with a first step that nobody has been told of."""
        given: Row = {
            "kind": "contradiction.decrease",
            "claimant": CLAIMANT,
            "metric": "personnel",
            "as_of": DAY,
            "severity": "warning",
            "source": "mod_gov_ua",
            "message": "personnel fell from 153,770 to 145,830 on 2023-03-07",
            "observed": 145830,
        }
        given |= changed
        names = ", ".join(given)
        marks = ", ".join(["%s"] * len(given))
        [row] = await self.rows(
            f"INSERT INTO incidents ({names}, state, known_at, opened_at)"  # noqa: S608 - names of this file
            f" VALUES ({marks}, 'open', %s, %s) RETURNING id",
            *given.values(),
            self.clock.now,
            self.clock.now,
        )
        await self.step(row["id"], "opened", told=told)
        return int(row["id"])

    async def step(self, incident: int, what: str, *, state: str | None = None, told: bool = False) -> None:
        """Let something happen to an incident."""
        await self.rows(
            "INSERT INTO incident_history (incident, step, at, by, what, note, told) SELECT %s,"
            " coalesce(max(step), 0) + 1, %s, 'judge', %s, '', %s FROM incident_history WHERE incident = %s",
            *(incident, self.clock.now, what, told, incident),
        )
        if state:
            await self.rows("UPDATE incidents SET state = %s WHERE id = %s", state, incident)

    async def outbox(self, **where: Any) -> list[Row]:
        """Return the mails of the outbox, those that fit."""
        rows = await self.rows(
            "SELECT m.*, array(SELECT incident FROM mail_incidents WHERE mail = m.id ORDER BY 1) AS incidents"
            " FROM mails m ORDER BY id"
        )
        return [row for row in rows if all(row[name] == value for name, value in where.items())]


def body(row: Row) -> str:
    """Return the text of a mail."""
    mail = message_from_bytes(row["content"], policy=policy.default)
    assert isinstance(mail, EmailMessage)
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def at_desk(conninfo: str, work: Callable[[Desk], Awaitable[None]], **mail: Any) -> None:
    """Run with a teller."""

    async def run() -> None:
        async with open_pool(conninfo) as pool:
            await work(Desk(pool=pool, mail=mail))

    asyncio.run(run())
