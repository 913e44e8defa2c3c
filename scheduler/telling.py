"""Telling: the untold news of a report becomes mails in the outbox, for those who want it, when they want it."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import psycopg

from pipelines.database import Connection, Pool, connection, many, run
from pipelines.exceptions import PipelineError
from scheduler import charts, operations
from scheduler.acting.links import Links
from scheduler.clock import Clock
from scheduler.gathering import bare_line, event, incident_line, recent
from scheduler.incidents import Desk
from scheduler.mails.headline import SETTLED
from scheduler.mails.view import Earlier, IncidentLine, Language, Series, Thread
from scheduler.notifying import Notifier
from scheduler.outbox import Outbox
from scheduler.routing import SEVERITIES, Reader, in_scope, readers, told
from scheduler.sections.mail import Mail
from scheduler.silences import Silence

logger = logging.getLogger(__name__)

Row = Mapping[str, Any]
Place = tuple[str, date]
Draw = Callable[[Series | None, Language], Awaitable[bytes | None]]
"""Draws a mail's chart: the daemon in a child, which keeps its memory small; a command here, which is quicker."""

SINGLY = 50
CHUNK = 500
"""Reports are told of in a transaction each; in a storm, those after the first so many in one."""

IN_FULL = 24
"""Incidents of a report that are told with their words and who says so: more than a mail shows."""

FAILED = "operations.telling_failed"


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

    async def tell(self, *, rounds: bool = False) -> int:
        """Write everything that is due: news, what was put off, what quiet hours held, ends of silences.

        With `rounds` also what only the clock makes due, reminders and digests: who polls by hand wants neither.
        Returns how many mails, held ones too. What cannot be told is told to the operators, and
        tried again at the next turn.
        """
        everybody = await self._everybody()
        await self._wake()
        if rounds:
            await self._remind()
        written = await self._news(everybody)
        written += await self._release(everybody)
        notifier = Notifier(pool=self.pool, clock=self.clock, mail=self.mail, links=self.links)
        return written + await notifier.notify(everybody, digests=rounds)

    async def _everybody(self) -> list[Reader]:
        async with connection(self.pool) as conn:
            gone = {row["address"] for row in await many(conn, "unsubscribed")}
        return [reader for reader in readers(self.mail) if reader.name.lower() not in gone]

    async def _wake(self) -> None:
        """Make news of what was put off until now."""
        async with connection(self.pool) as conn:
            await run(conn, "lock_tellers")
            await Desk(conn=conn, at=self.clock(), tell=True).wake()

    async def _remind(self) -> None:
        """Make news of what nobody has answered for long."""
        now = self.clock()
        async with connection(self.pool) as conn:
            await run(conn, "lock_tellers")
            before = now - timedelta(hours=self.mail.reminder_hours)
            due = await many(conn, "reminders_due", before=before, most=self.mail.reminders)
            await run(conn, "remind", incidents=[row["id"] for row in due], at=now)

    async def _news(self, everybody: Sequence[Reader]) -> int:
        now = self.clock()
        quiet_since = now - timedelta(minutes=self.mail.follow_up_minutes)
        async with connection(self.pool) as conn:
            rows = await many(conn, "threads_with_news", quiet_since=quiet_since, now=now)
        places = [(row["claimant"], row["as_of"]) for row in rows]
        rest = range(SINGLY, len(places), CHUNK)
        chunks = [*([place] for place in places[:SINGLY]), *(places[start : start + CHUNK] for start in rest)]
        return sum([await self._contained(chunk, everybody) for chunk in chunks])

    async def _outbox(self, conn: Connection, everybody: Sequence[Reader]) -> Outbox:
        await run(conn, "lock_tellers")
        return await Outbox.open(conn, self.clock(), self.mail, everybody, self.links)

    async def _contained(self, places: Sequence[Place], everybody: Sequence[Reader]) -> int:
        """Tell of some reports in one transaction. One that breaks us stays untold, and holds up no other.

        Raises PipelineError when the database is away.
        """
        subject = f"{places[0][0]}/{places[0][1]}"
        try:
            async with connection(self.pool) as conn:
                written = await self._tell(await self._outbox(conn, everybody), places, everybody)
                await operations.settle(conn, kind=FAILED, subject=subject, at=self.clock())
                return written
        except (PipelineError, psycopg.OperationalError):
            raise
        except Exception as error:
            if len(places) > 1:
                return sum([await self._contained([place], everybody) for place in places])
            logger.exception("The news of %s could not be told", subject)
            message = f"the news of {subject} could not be told ({type(error).__name__}); it is tried again"
            async with connection(self.pool) as conn:
                at = self.clock()
                await operations.report(
                    conn, kind=FAILED, subject=subject, message=message, severity="critical", at=at
                )
            return 0

    async def _tell(self, outbox: Outbox, places: Sequence[Place], everybody: Sequence[Reader]) -> int:
        """Take the news of some reports and write it to everybody who wants it."""
        conn = outbox.conn
        taken = await many(conn, "take_news", **arrays(places))
        news = by_place(await _unsilenced(conn, taken, outbox.at))
        advanced = await many(conn, "advance_threads", **arrays(news), at=outbox.at)
        transitions = {(row["claimant"], row["as_of"]): row["mails"] for row in advanced}
        steps = [(row["id"], row["step"], transitions[place]) for place, rows in news.items() for row in rows]
        await run(conn, "tell_steps", **columns(steps, "incidents", "steps", "transitions"))
        mails = by_place(await many(conn, "mails_of_threads", **arrays(news)))
        written = 0
        for place, rows in news.items():
            story = Story(teller=self, outbox=outbox, place=place, transition=transitions[place], mails=mails[place])
            for reader in everybody:
                mine = [row for row in rows if reader in told(row, everybody)]
                if reader.at_once and mine:
                    written += await story.write(reader, mine)
        return written + await outbox.flush()

    async def _release(self, everybody: Sequence[Reader]) -> int:
        """Send what quiet hours held: one mail for each thread, as it stands now."""
        now = self.clock()
        async with connection(self.pool) as conn:
            ended = await many(conn, "quiet_ended", now=now)
        written = 0
        known = {reader.name: reader for reader in everybody}
        for row in ended:
            async with connection(self.pool) as conn:
                outbox = await self._outbox(conn, everybody)
                place = (row["claimant"], row["as_of"])
                mails = await many(conn, "mails_of_threads", **arrays([place]))
                held = next((mail for mail in mails if mail["id"] == row["id"] and mail["state"] == "held"), None)
                reader = known.get(row["recipient"])
                if held is None:
                    continue
                if reader is None:
                    await run(conn, "keep_held", id=row["id"])
                    continue
                if row["claimant"].startswith(":"):
                    written += await run(conn, "release_mail", id=row["id"], at=now)
                    continue
                incidents = await many(conn, "incidents_of_mail", mail=row["id"])
                story = Story(teller=self, outbox=outbox, place=place, transition=held["transition"], mails=mails)
                written += await story.write(reader, incidents, quiet=False)
        return written


@dataclass(kw_only=True, slots=True)
class Story:
    """One report while its mails are written: what is gathered for the first reader serves the others too."""

    teller: Teller
    outbox: Outbox
    place: Place
    transition: int
    mails: Sequence[Row]
    rows: list[Row] = field(default_factory=list)
    lines: dict[int, IncidentLine] = field(default_factory=dict)
    series: dict[str, Series] = field(default_factory=dict)
    charts: dict[tuple[str, Language], bytes | None] = field(default_factory=dict)

    async def write(self, reader: Reader, mine: Sequence[Row], *, quiet: bool = True) -> int:
        """Write the news to one reader; what was held from them before is told along. Returns how many mails."""
        theirs = [mail for mail in self.mails if mail["recipient"] == reader.name]
        held = next((mail for mail in theirs if mail["state"] == "held"), None)
        earlier = [mail for mail in theirs if mail["state"] != "held"]
        grave = any(row["severity"] == "critical" and row["state"] not in SETTLED for row in mine)
        until = reader.quiet_until(self.outbox.at) if quiet and not grave else None
        before = [Earlier(message_id=mail["message_id"], subject=mail["subject"]) for mail in earlier]
        told_of = {row["id"] for row in mine}
        if until is None and held is None and not self.outbox.has_room(reader):
            self.outbox.hold(self._thread([bare_line(row) for row in mine], []), reader, told_of)
            return 0
        thread = await self._gathered(reader, earlier[-1]["transition"] if earlier else 0, mine)
        mail = self.outbox.compose(thread, reader, before, await self._chart(thread.series, reader))
        incidents = told_of | {event.incident for event in thread.news}
        number = await self.outbox.write(mail, thread, reader, incidents, hold_until=until, held=held)
        return number is not None

    def _thread(self, lines: Sequence[IncidentLine], steps: Sequence[Row], series: Series | None = None) -> Thread:
        claimant, as_of = self.place
        return Thread(
            claimant=claimant,
            as_of=as_of,
            transition=self.transition,
            incidents=tuple(lines),
            news=tuple(event(row) for row in steps),
            series=series,
        )

    async def _gathered(self, reader: Reader, since: int, mine: Sequence[Row]) -> Thread:
        """Gather what a reader may know: the incidents that they want, and what happened since their last mail."""
        conn = self.outbox.conn
        claimant, as_of = self.place
        if not self.rows:
            self.rows = worst(await many(conn, "thread_incidents", claimant=claimant, as_of=as_of))
        told_of = {row["id"] for row in mine}
        wanted = [
            row
            for row in self.rows
            if row["id"] in told_of
            or (row["severity"] != "info" and row["state"] != "withdrawn" and reader.wants(row))
        ]
        lines = [await self._line(row, full=number < IN_FULL) for number, row in enumerate(wanted)]
        known = {row["id"] for row in wanted}
        steps = await many(conn, "thread_steps", claimant=claimant, as_of=as_of, since=since)
        metric = wanted[0]["metric"]
        if metric and metric not in self.series:
            self.series[metric] = await recent(conn, claimant, metric, as_of)
        series = self.series.get(metric)
        return self._thread(lines, [step for step in steps if step["incident"] in known], series)

    async def _line(self, row: Row, *, full: bool) -> IncidentLine:
        if row["id"] not in self.lines:
            line = await incident_line(self.outbox.conn, row, self.teller.public_url) if full else bare_line(row)
            self.lines[row["id"]] = line
        return self.lines[row["id"]]

    async def _chart(self, series: Series | None, reader: Reader) -> bytes | None:
        """Draw the chart once for each language; a mail without its picture is better than none."""
        if series is None or reader.name.startswith("channel:"):
            return None
        drawn = series.metric, reader.language
        if drawn not in self.charts:
            try:
                self.charts[drawn] = await self.teller.draw(series, reader.language)
            except (RuntimeError, OSError):
                logger.exception("The chart of %s could not be drawn", series.metric)
                self.charts[drawn] = None
        return self.charts[drawn]


async def _unsilenced(conn: Connection, news: Sequence[Row], now: datetime) -> list[Row]:
    """Keep back what a silence is about; it stays recorded, with the silence that kept it."""
    silences = [Silence.from_row(row) for row in await many(conn, "silences", all=False, now=now)]
    kept: list[tuple[int, int, int]] = []
    rest: list[Row] = []
    for row in news:
        silence = next((one for one in silences if in_scope(one, row, blank=False)), None)
        if silence is None:
            rest.append(row)
        else:
            kept.append((row["id"], row["step"], silence.id))
    await run(conn, "silence_steps", **columns(kept, "incidents", "steps", "silences"))
    return rest


def worst(rows: Sequence[Row]) -> list[Row]:
    """Order incidents by what needs no table of words: what stands first, then the gravest."""
    return sorted(
        rows, key=lambda row: (row["state"] in SETTLED, -SEVERITIES.index(row["severity"]), row["kind"], row["id"])
    )


def by_place(rows: Sequence[Row]) -> dict[Place, list[Row]]:
    """Group rows by report."""
    grouped: dict[Place, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row["claimant"], row["as_of"]].append(row)
    return grouped


def arrays(places: Sequence[Place] | Mapping[Place, Any]) -> dict[str, list[Any]]:
    """Return reports as the parallel arrays that queries take."""
    return columns(list(places), "claimants", "days")


def columns(rows: Sequence[tuple[Any, ...]], *names: str) -> dict[str, list[Any]]:
    """Turn rows into named columns."""
    return {name: [row[number] for row in rows] for number, name in enumerate(names)}
