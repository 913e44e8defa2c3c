"""Telling: the untold news of a report becomes mails in the outbox."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pipelines.database import Connection, Pool, connection, many, maybe, one, run
from pipelines.reading.language import language
from scheduler import charts
from scheduler.acting.links import Links
from scheduler.checks.finding import Field
from scheduler.clock import Clock
from scheduler.evidence.address import address
from scheduler.incidents import Desk, suggestion
from scheduler.mails.catalog import catalog
from scheduler.mails.compose import compose
from scheduler.mails.headline import worst_first
from scheduler.mails.series import WINDOW
from scheduler.mails.view import (
    Earlier,
    Event,
    IncidentLine,
    Language,
    Point,
    Quote,
    Recipient,
    Saying,
    Series,
    Thread,
)
from scheduler.sections.mail import Mail

Row = Mapping[str, Any]
Draw = Callable[[Series | None, Language], Awaitable[bytes | None]]
"""Draws a mail's chart: the daemon in a child, which keeps its memory small; a command here, which is quicker."""


async def draw_here(series: Series | None, language: Language) -> bytes | None:
    """Draw a chart in this process."""
    return charts.series_chart(series, language) if series else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Teller:
    """Writes mails into the outbox: to whom, from whom."""

    pool: Pool
    clock: Clock
    mail: Mail
    draw: Draw
    public_url: str | None = None  # how readers reach our pages, the kept copies among them
    links: Links | None = None  # signs what readers can answer with

    async def tell(self) -> int:
        """Write the mails that are due, one transaction for each thread; return how many."""
        now = self.clock()
        async with connection(self.pool) as conn:
            await Desk(conn=conn, at=now, tell=True).wake()
        quiet_since = now - timedelta(minutes=self.mail.follow_up_minutes)
        async with connection(self.pool) as conn:
            threads = await many(conn, "threads_with_news", quiet_since=quiet_since)
        return sum([await self._tell(row["claimant"], row["as_of"]) for row in threads])

    async def _tell(self, claimant: str, as_of: date) -> int:
        now = self.clock()
        async with connection(self.pool) as conn:
            # The row of the thread is the lock: a second teller waits here and then finds no news.
            transition = (await one(conn, "advance_thread", claimant=claimant, as_of=as_of, at=now))["mails"]
            news = await many(conn, "take_news", claimant=claimant, as_of=as_of)
            if not news:
                await conn.rollback()
                return 0
            thread = await self._thread(conn, claimant, as_of, transition, news)
            left = {row["address"] for row in await many(conn, "unsubscribed")}
            for reader in (one for one in self.mail.readers if one.address.lower() not in left):
                await self._queue(conn, thread, Recipient(address=reader.address, language=reader.language))
        return len(self.mail.readers)

    async def _queue(self, conn: Connection, thread: Thread, reader: Recipient) -> None:
        now = self.clock()
        if self.links is not None:
            thread, reader = self.links.dress(thread, reader, self.mail.sender, now)
        place = {"claimant": thread.claimant, "as_of": thread.as_of, "recipient": reader.address}
        sent = await many(conn, "thread_mails", **place)
        message = compose(
            thread,
            recipient=reader,
            sender=self.mail.sender,
            at=now,
            chart=await self.draw(thread.series, reader.language),
            earlier=[Earlier(message_id=row["message_id"], subject=row["subject"]) for row in sent],
        )
        row = await maybe(
            conn,
            "queue_mail",
            **place,
            transition=thread.transition,
            message_id=message["Message-ID"],
            subject=message["Subject"],
            content=message.as_bytes(),
            at=now,
        )
        if row is not None:
            told = sorted({line.id for line in thread.incidents})
            await run(conn, "tie_mail", mail=row["id"], incidents=told)

    async def _thread(
        self, conn: Connection, claimant: str, as_of: date, transition: int, news: Sequence[Row]
    ) -> Thread:
        rows = await many(conn, "incidents", id=None, states=None, claimant=claimant, as_of=as_of)
        subject = {row["incident"] for row in news}
        lines = [
            await incident_line(conn, row, self.public_url)
            for row in rows
            if row["id"] in subject or (row["severity"] != "info" and row["state"] != "withdrawn")
        ]
        worst = worst_first(lines, catalog("en"))[0]
        return Thread(
            claimant=claimant,
            as_of=as_of,
            transition=transition,
            incidents=tuple(lines),
            news=tuple(event(row) for row in sorted(news, key=lambda row: (row["incident"], row["step"]))),
            series=await recent(conn, claimant, worst.metric, as_of) if worst.metric else None,
        )


def event(row: Row) -> Event:
    """Return a step of an incident's history as a mail shows it."""
    by = "" if row["by"] == "judge" else row["by"]
    return Event(what=row["what"], incident=row["incident"], at=row["at"], by=by, note=row["note"] or "")


async def incident_line(conn: Connection, row: Row, public_url: str | None = None) -> IncidentLine:
    """Gather what a person needs to judge an incident: the numbers, who says them, and the words."""
    claims = await many(conn, "claims_with_words", claims=list(row["claims"]))
    cell = {"claimant": row["claimant"], "metric": row["metric"], "as_of": row["as_of"]}
    said = await many(conn, "sayings", **cell)
    before = await maybe(conn, "figure_on", **(cell | {"as_of": row["as_of"] - timedelta(days=1)}))
    blamed = next((saying for saying in said if saying["source"] == row["source"]), None)
    proposed = suggestion(row)
    shown: Field = "daily" if proposed and proposed.field == "daily" else "total"
    return IncidentLine(
        id=row["id"],
        kind=row["kind"],
        metric=row["metric"],
        severity=row["severity"],
        state=row["state"],
        message=row["message"],
        opened_at=row["opened_at"],
        field=proposed.field if proposed else "total",
        before=before["total"] if before else None,
        now=blamed["total"] if blamed else row["observed"],
        printed=blamed["daily"] if blamed else None,
        expected=row["expected"],
        suggestion=proposed,
        source=row["source"],
        verdict=row["verdict"],
        sayings=tuple(saying(one_said) for one_said in said),
        quotes=tuple(quote(claim, shown, public_url) for claim in claims),
    )


def saying(row: Row) -> Saying:
    """Return what one source says of a cell."""
    return Saying(
        source=row["source"], role=row["role"], total=row["total"], daily=row["daily"], since=row["known_at"]
    )


def quote(claim: Row, field: Field, public_url: str | None) -> Quote:
    """Return the words of a claim with the blamed number marked; the change where no total is stated."""
    shown = field if claim[f"{field}_start"] is not None else ("daily" if field == "total" else "total")
    start, end = claim[f"{shown}_start"], claim[f"{shown}_end"]
    return Quote(
        source=claim["source"],
        text=claim["text"],
        marked=None if start is None else (start, end),
        language=next(iter(language(claim["text"])), ""),  # as the reader took it
        url=claim["url"],
        archived=address(public_url, claim["version"], claim["sha256"]),
        published_at=claim["published_at"],
    )


async def recent(conn: Connection, claimant: str, metric: str, as_of: date) -> Series:
    """Return the days around a report that a chart shows, with those that an incident blames."""
    span = {"from": as_of - timedelta(days=WINDOW), "to": as_of + timedelta(days=1)}
    cell = {"claimant": claimant, "metric": metric}
    rows = await many(conn, "figures", **cell, **span, known_at=None)
    flagged = await many(conn, "flagged_days", **cell, **span)
    return Series(
        metric=metric,
        points=tuple(Point(day=row["as_of"], total=row["total"], daily=row["daily"]) for row in rows),
        flagged=tuple(row["as_of"] for row in flagged),
    )
