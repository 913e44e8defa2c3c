"""Writing into the outbox: a mail goes at once, waits for the end of its reader's quiet, or is held by a storm."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any, TypeVar

from pipelines.database import Connection, many, maybe
from pipelines.queries import QUERIES
from scheduler.acting.links import Links
from scheduler.mails.compose import Told, compose, stub
from scheduler.mails.view import Earlier, Recipient
from scheduler.routing import Reader
from scheduler.sections.mail import Mail

Row = Mapping[str, Any]
T = TypeVar("T", bound=Told)
HOUR = timedelta(hours=1)
STORM = "This mail is held back: there were too many at once."


@dataclass(frozen=True, kw_only=True, slots=True)
class Outbox:
    """The outbox within one transaction, and how many mails of reports each reader may still get this hour."""

    conn: Connection
    at: datetime
    sender: str
    room: dict[str, int]
    links: Links | None = None  # signs what readers can answer with
    waiting: list[dict[str, Any]] = field(default_factory=list)  # for `flush`

    @classmethod
    async def open(
        cls, conn: Connection, at: datetime, mail: Mail, everybody: Sequence[Reader], links: Links | None = None
    ) -> Outbox:
        """Count what went out within the hour. The caller holds the lock of the tellers."""
        gone = {row["recipient"]: row["mails"] for row in await many(conn, "mails_this_hour", since=at - HOUR)}
        room = {reader.name: mail.hourly_cap - gone.get(reader.name, 0) for reader in everybody}
        return cls(conn=conn, at=at, sender=mail.sender, room=room, links=links)

    def has_room(self, reader: Reader) -> bool:
        """Whether a reader may get another mail this hour."""
        return self.room[reader.name] > 0

    async def write(
        self,
        mail: EmailMessage,
        told: Told,
        reader: Reader,
        incidents: Collection[int],
        *,
        hold_until: datetime | None = None,
        capped: bool = True,
        held: Row | None = None,
    ) -> int | None:
        """Put a mail into the outbox, in the place of the one that is `held`; return its number if it is new."""
        storm = capped and hold_until is None and not self.has_room(reader)
        goes = hold_until is None and not storm
        values = {
            "transition": told.transition,
            "message_id": mail["Message-ID"],
            "subject": mail["Subject"],
            "content": mail.as_bytes(),
            "incidents": sorted(incidents),
            "at": self.at,
            "state": "queued" if goes else "held",
            "held_for": None if goes else "storm" if storm else "quiet",
            "hold_until": hold_until,
            "released_at": self.at if goes else None,
        }
        place = {"claimant": told.claimant, "as_of": told.as_of, "recipient": reader.name}
        row = (
            await maybe(self.conn, "rewrite_mail", **values, id=held["id"])
            if held
            else await maybe(self.conn, "queue_mail", **values, **place)
        )
        if row is None:
            return None
        if capped and goes:
            self.room[reader.name] -= 1
        return int(row["id"])

    def compose(
        self, told: Told, reader: Reader, earlier: Sequence[Earlier] = (), chart: bytes | None = None
    ) -> EmailMessage:
        """Write a mail to a reader, with what they can answer by."""
        shown, recipient = self._addressed(told, reader)
        return compose(shown, recipient=recipient, sender=self.sender, at=self.at, chart=chart, earlier=earlier)

    def hold(self, told: Told, reader: Reader, incidents: Collection[int]) -> None:
        """Let a storm hold a new mail: no drawing, no gathering, and until `flush` no query."""
        key = self.links.secret if self.links else ""
        recipient = Recipient(address=reader.name, language=reader.language, key=key)
        mail = stub(told, recipient, self.sender, self.at, STORM)
        self.waiting.append(
            {
                "claimant": told.claimant,
                "as_of": told.as_of,
                "recipient": reader.name,
                "transition": told.transition,
                "message_id": mail.message_id,
                "subject": mail.subject,
                "content": mail.content,
                "incidents": sorted(incidents),
                "at": self.at,
                "state": "held",
                "held_for": "storm",
                "hold_until": None,
                "released_at": None,
            }
        )

    async def flush(self) -> int:
        """Write what a storm holds; return how many mails."""
        if self.waiting:
            await self.conn.cursor().executemany(QUERIES["queue_mail"].sql, self.waiting)
        return len(self.waiting)

    def _addressed(self, told: Told, reader: Reader) -> tuple[Told, Recipient]:
        """Return what is told as this reader gets it. A channel has many readers, and nobody's links."""
        recipient = Recipient(address=reader.name, language=reader.language)
        if self.links is None or recipient.channel:
            return told, recipient
        return self.links.dress(told, recipient, self.sender, self.at)
