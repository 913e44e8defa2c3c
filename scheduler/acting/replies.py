"""Answers by mail: read, done once, then marked as read; killed anywhere, it can be done again.

A reply proves itself twice: it names a mail of ours by its Message-ID, which only who holds the mail can know (it is
keyed with the secret that signs links), and it comes from that mail's reader, or from a person who may answer for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pipelines.database import Connection, Pool, connection, maybe, run
from scheduler.acting.acts import NOTE, answer
from scheduler.acting.mailbox import Mailbox
from scheduler.acting.reading import Reply, Unreadable, read, understand
from scheduler.acting.unsubscribing import unsubscribe
from scheduler.clock import Clock

logger = logging.getLogger(__name__)

AT_ONCE = 100
"""Messages of one poll; the others stay for the next."""

LEAVE = ("unsubscribe", "відписатися")

Verdict = Literal["done", "over", "again", "left", "automatic", "unreadable", "stranger", "forged", "unknown"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Clerk:
    """Does what replies say."""

    pool: Pool
    clock: Clock
    people: Collection[str] = ()  # who may answer beside a mail's reader

    async def poll(self, mailbox: Mailbox) -> Counter[Verdict]:
        """Do what the unread messages say. Raises MailboxUnavailable; what was done until then stays done."""
        verdicts: Counter[Verdict] = Counter()
        await asyncio.to_thread(mailbox.open)
        try:
            for uid in (await asyncio.to_thread(mailbox.unseen))[:AT_ONCE]:
                raw = await asyncio.to_thread(mailbox.fetch, uid)
                async with connection(self.pool) as conn:
                    verdict = await self.do(conn, raw)
                await asyncio.to_thread(mailbox.mark, uid)  # killed before this, it is done "again": not at all
                verdicts[verdict] += 1
        finally:
            await asyncio.to_thread(mailbox.close)
        return verdicts

    async def do(self, conn: Connection, raw: bytes) -> Verdict:
        """Do what one message says, in the caller's transaction; say what became of it."""
        try:
            reply = read(raw)
        except Unreadable as error:
            logger.warning("A reply cannot be read: %s", error)
            return "unreadable"
        if reply.automatic:
            return "automatic"
        mail = await maybe(conn, "answered_mail", message_ids=list(reply.answers)) if reply.answers else None
        if mail is None:
            logger.warning("A message from %r names no mail of ours; nothing was done", reply.sender)
            return "stranger"
        if not self._may(reply.sender, mail["recipient"]):
            logger.warning("A reply from %r answers a mail to %r; nothing was done", reply.sender, mail["recipient"])
            return "forged"
        return await self._obey(conn, reply, mail, self.clock())

    def _may(self, sender: str, recipient: str) -> bool:
        return sender == recipient.casefold() or sender in {person.casefold() for person in self.people}

    async def _obey(self, conn: Connection, reply: Reply, mail: dict[str, Any], at: datetime) -> Verdict:
        if _leaves(reply) and reply.sender == mail["recipient"].casefold():
            await unsubscribe(conn, mail["recipient"], how="reply", at=at)
            return "left"
        said = understand(reply.line)
        if said is None:
            return await self._note(conn, reply, mail, at)
        named = [incident for incident in said.incidents if incident in mail["incidents"]]
        outcome = await answer(
            conn,
            key=reply.key,
            act=said.act,
            incidents=named or mail["incidents"],
            by=reply.sender,
            how="reply",
            note=said.note,
            at=at,
        )
        if outcome.before is not None:
            return "again"
        for refused in outcome.refused:
            logger.info("A reply from %r came too late: %s", reply.sender, refused)
        return "done" if outcome.done else "over"

    async def _note(self, conn: Connection, reply: Reply, mail: dict[str, Any], at: datetime) -> Verdict:
        """Keep what was not understood where people will see it; nobody is mailed, so that no loop can begin."""
        logger.warning("A reply from %r was not understood: %r", reply.sender, reply.line)
        if await maybe(conn, "keep_answer", key=reply.key, at=at, how="reply", by=reply.sender, act=None) is None:
            return "again"
        step = {"at": at, "by": reply.sender, "how": "reply", "what": "replied", "told": True}
        for incident in mail["incidents"][:1]:
            await run(conn, "keep_act", incident=incident, note=f"not understood: {reply.line}"[:NOTE], **step)
        return "unknown"


def _leaves(reply: Reply) -> bool:
    return any(text.casefold().startswith(LEAVE) for text in (reply.line, reply.subject))
