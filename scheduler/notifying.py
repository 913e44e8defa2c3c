"""Notices: what is told that is no report. Digests, storms and ends of silences, each once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pipelines.database import Connection, Pool, connection, many, one, run
from pipelines.records import KYIV
from scheduler.acting.links import Links
from scheduler.clock import Clock, kyiv_day
from scheduler.coverage import newest_reports
from scheduler.gathering import dated
from scheduler.mails.notices import SHOWN, Came, Digest, Notice, SilenceEnded, Storm
from scheduler.outbox import HOUR, Outbox
from scheduler.routing import Reader
from scheduler.sections.mail import Mail
from scheduler.silences import Silence

Row = Mapping[str, Any]
DAY = timedelta(days=1)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, kw_only=True, slots=True)
class Notifier:
    """Writes notices into the outbox."""

    pool: Pool
    clock: Clock
    mail: Mail
    links: Links | None = None  # signs what readers can answer with

    async def notify(self, everybody: Sequence[Reader], *, digests: bool) -> int:
        """Write the notices that are due; return how many mails."""
        written = 0
        for write in (self._silences, *((self._digests,) if digests else ()), self._storms):
            async with connection(self.pool) as conn:
                await run(conn, "lock_tellers")
                outbox = await Outbox.open(conn, self.clock(), self.mail, everybody, self.links)
                written += await write(outbox, everybody)
        return written

    async def _write(self, outbox: Outbox, notice: Notice, reader: Reader, incidents: Sequence[int]) -> int | None:
        """Write a notice, unless the reader has it: its place in the outbox is its identity."""
        hold_until = reader.quiet_until(outbox.at) if isinstance(notice, SilenceEnded) else None
        mail = outbox.compose(notice, reader)
        return await outbox.write(mail, notice, reader, incidents, hold_until=hold_until, capped=False)

    async def _storms(self, outbox: Outbox, everybody: Sequence[Reader]) -> int:
        known = {reader.name: reader for reader in everybody}
        written = 0
        for row in await many(outbox.conn, "storm_held", since=outbox.at - HOUR):
            if row["recipient"] not in known:
                continue
            worst = await many(outbox.conn, "storm_worst", mails=row["mails"], limit=SHOWN)
            as_of, transition = await self._advance(outbox.conn, ":storm", outbox.at)
            notice = Storm(
                claimant=":storm",
                as_of=as_of,
                transition=transition,
                at=outbox.at,
                held=len(row["mails"]),
                cap=self.mail.hourly_cap,
                worst=tuple(dated(incident) for incident in worst),
            )
            number = await self._write(outbox, notice, known[row["recipient"]], [])
            await run(outbox.conn, "summarise", summary=number, mails=row["mails"])
            written += 1
        return written

    async def _silences(self, outbox: Outbox, everybody: Sequence[Reader]) -> int:
        written = 0
        for row in await many(outbox.conn, "take_ended_silences", now=outbox.at):
            silence = Silence.from_row(row)
            kept = await many(outbox.conn, "silenced", silence=silence.id)
            claimant = f":silence {silence.id}"
            as_of, transition = await self._advance(outbox.conn, claimant, silence.begun_at)
            for reader in everybody:
                mine = [incident for incident in kept if reader.wants(incident)]
                if not reader.at_once or (kept and not mine):
                    continue
                notice = SilenceEnded(
                    claimant=claimant,
                    as_of=as_of,
                    transition=transition,
                    number=silence.id,
                    scope=silence.scope,
                    reason=silence.reason,
                    author=silence.author,
                    begun_at=silence.begun_at,
                    ended_at=silence.ended_at or outbox.at,
                    ended_by=silence.ended_by or "",
                    silenced=len(mine),
                    incidents=tuple(dated(incident) for incident in mine[:SHOWN]),
                )
                written += await self._write(outbox, notice, reader, [one["id"] for one in mine]) is not None
        return written

    async def _digests(self, outbox: Outbox, everybody: Sequence[Reader]) -> int:
        """Write each reader's digest of the last period that has ended; one for several that nobody could write."""
        installed = (await one(outbox.conn, "watched_since"))["since"]
        today = kyiv_day(outbox.at)
        had = {row["recipient"]: row["last"] for row in await many(outbox.conn, "digests_written", day=today)}
        written = 0
        for reader in everybody:
            period = reader.rule.digest or self.mail.digest
            if period == "off":
                continue
            day = self._last(period, outbox.at)
            last = had.get(reader.name)
            if installed is None or self._moment(day) < installed or (last is not None and last >= day):
                continue
            step = 7 * DAY if period == "weekly" else DAY
            since = max(self._moment(last or day - step), installed)
            await run(outbox.conn, "found_thread", claimant=":digest", as_of=day)
            notice = await self._digest(outbox.conn, reader, day, since)
            incidents = {one.line.id for one in (*notice.standing, *notice.strange, *notice.milestones)}
            written += await self._write(outbox, notice, reader, sorted(incidents)) is not None
        return written

    def _moment(self, day: date) -> datetime:
        """Return when the digest of a Kyiv day is due. A time that a change of clocks skips is the one before it."""
        return datetime.combine(day, self.mail.digest_at, KYIV).astimezone(UTC)

    def _last(self, period: str, now: datetime) -> date:
        """Return the last day whose digest is due."""
        day = kyiv_day(now)
        while self._moment(day) > now or (period == "weekly" and WEEKDAYS[day.weekday()] != self.mail.digest_on):
            day -= DAY
        return day

    async def _digest(self, conn: Connection, reader: Reader, day: date, since: datetime) -> Digest:
        until = self._moment(day)
        span = {"since": since, "until": until}
        found = [row for row in await many(conn, "found_in", **span) if reader.concerns(row)]
        strange = [row for row in found if not row["kind"].startswith("milestone.")]
        standing = [row for row in await many(conn, "standing") if reader.concerns(row)]
        undelivered = {row["recipient"]: row for row in await many(conn, "undelivered", **span)}
        silences = await many(conn, "silences", all=False, now=until)
        return Digest(
            claimant=":digest",
            as_of=day,
            transition=1,
            period="weekly" if (reader.rule.digest or self.mail.digest) == "weekly" else "daily",
            since=since,
            until=until,
            came=await _came(conn, since, until),
            strange=tuple(dated(row) for row in strange[:SHOWN]),
            standing=tuple(dated(row) for row in standing[: 2 * SHOWN]),
            milestones=tuple(dated(row) for row in found if row["kind"].startswith("milestone."))[:SHOWN],
            found=len(strange),
            open=len(standing),
            held=undelivered.get(reader.name, {"held": 0})["held"],
            failed=sum(row["failed"] for row in undelivered.values()),
            silences=tuple(row["reason"] for row in silences),
        )

    async def _advance(self, conn: Connection, claimant: str, at: datetime) -> tuple[date, int]:
        as_of = kyiv_day(at)
        [row] = await many(conn, "advance_threads", claimants=[claimant], days=[as_of], at=at)
        return as_of, int(row["mails"])


async def _came(conn: Connection, since: datetime, until: datetime) -> tuple[Came, ...]:
    rows = await many(conn, "came", since=since, until=until)
    latest = await newest_reports(conn, (row["source"] for row in rows), kyiv_day(until))
    return tuple(
        Came(
            source=row["source"],
            documents=row["documents"],
            latest=latest.get(row["source"]),
            success=row["success"],
        )
        for row in rows
    )
