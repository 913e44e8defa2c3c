"""Delivery of the outbox: what is queued is handed over, and marked sent after the server said so."""

from __future__ import annotations

import logging
import zlib
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.parser import BytesHeaderParser
from email.policy import SMTP
from email.utils import parseaddr
from time import monotonic
from typing import Literal

import psycopg
from psycopg.rows import DictRow

from pipelines.database import Connection, Pool, connection, maybe, run
from scheduler import operations
from scheduler.clock import Clock
from scheduler.mails.quoting import one_line
from scheduler.routing import REFUSED
from scheduler.transport import Envelope, PermanentRefusal, ServerUnavailable, TemporaryRefusal, Transport

logger = logging.getLogger(__name__)

FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=2)
"""A mail is never given up for a server that is away: the backlog in `status` tells of it."""

DOUBLINGS = 10
"""Enough to reach the longest wait."""

ROUND_S = 180.0
"""How long a round goes on taking mails in hand: with the last, which may take a minute, and what a round does
before, it ends by itself within the five minutes after which the daemon stops it, perhaps in the middle of DATA."""

REASON = 500
"""Bound of a recorded reason."""

Outcome = Literal["sent", "deferred", "failed", "unavailable"]


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliverySummary:
    """What became of the mails that were due."""

    sent: int = 0
    deferred: int = 0  # to be tried again
    failed: int = 0  # refused for good
    more: bool = False  # a limit was reached: look again at once


async def deliver(
    pool: Pool, transport: Transport, clock: Clock, limit: int = 100, seconds: float = ROUND_S
) -> DeliverySummary:
    """Hand over up to `limit` mails that are due, each in its own transaction; after so many seconds, begin no more.

    Killed at any point, it leaves a mail either queued or sent; one that was taken over just before goes out again
    with the same Message-ID. Stopped before DATA and overtaken by another process, it does not send. A server that
    takes nothing ends the round for mails: they wait, they are not at fault.
    """
    outcomes: Counter[Outcome] = Counter()
    end, more = monotonic() + seconds, True
    try:
        while outcomes.total() < limit and monotonic() < end:
            async with connection(pool) as conn:
                # A server that is away is no reason to keep from a channel that it is.
                outcome = await _next(conn, transport, clock, mail_goes=not outcomes["unavailable"])
            if outcome is None:
                more = False
                break
            outcomes[outcome] += 1
    finally:
        await transport.close()
    return DeliverySummary(
        sent=outcomes["sent"],
        deferred=outcomes["deferred"] + outcomes["unavailable"],
        failed=outcomes["failed"],
        more=more,
    )


async def _next(conn: Connection, transport: Transport, clock: Clock, *, mail_goes: bool) -> Outcome | None:
    """Hand over the next mail that is due, and note in the same transaction what became of it."""
    mail = await maybe(conn, "claim_mail", now=clock(), mail_goes=mail_goes)
    if mail is None:
        return None
    try:
        # The session holds the mail and the term: while it lives, nobody else can send the mail.
        answer = await transport.send(replace(envelope(mail), still_ours=lambda: conn.execute("SELECT")))
    except PermanentRefusal as error:
        logger.error("Mail %s was refused for good: %s", mail["id"], error)  # noqa: TRY400 - the server's words say it all
        await run(conn, "mail_refused", id=mail["id"], error=str(error))
        await _report(conn, mail, error, clock())
        return "failed"
    except psycopg.OperationalError:  # we were stopped or cut off: the mail is not ours any more
        raise
    except Exception as error:
        await _defer(conn, mail, error, clock())
        if not isinstance(error, TemporaryRefusal):
            await conn.commit()  # a mail that breaks us must not stand first in the queue for ever
            raise
        return "unavailable" if isinstance(error, ServerUnavailable) else "deferred"
    logger.info("Mail %s was taken over: %s", mail["id"], answer)
    await run(conn, "mail_sent", id=mail["id"], at=clock())
    await operations.settle(
        conn, kind=REFUSED, subject=mail["recipient"], at=clock(), note=f"mails to {mail['recipient']} are taken again"
    )
    return "sent"


async def _report(conn: Connection, mail: DictRow, error: PermanentRefusal, now: datetime) -> None:
    """Tell the others that a reader cannot be reached: once, until a mail to them is taken again."""
    message = f"mails to {mail['recipient']} are refused for good: {one_line(str(error), REASON)}"
    await operations.report(conn, kind=REFUSED, subject=mail["recipient"], message=message, severity="warning", at=now)


async def _defer(conn: Connection, mail: DictRow, error: Exception, now: datetime) -> None:
    again_at = now + wait(mail["attempts"], mail["message_id"])
    logger.warning("Mail %s waits until %s: %s", mail["id"], again_at, error)
    reason = one_line(f"{error}" if isinstance(error, TemporaryRefusal) else f"{error!r}", REASON)
    await run(conn, "mail_deferred", id=mail["id"], again_at=again_at, error=reason)


def wait(attempts: int, message_id: str) -> timedelta:
    """Return how long a mail waits after so many attempts: doubling, and apart from mails that failed with it.

    The jitter (three quarters to five quarters) comes from the mail's name, so that it can be known beforehand.
    """
    doubled = min(FIRST_WAIT * (1 << min(attempts, DOUBLINGS)), LONGEST_WAIT)
    share = zlib.crc32(f"{message_id} {attempts}".encode()) / 2**32
    return doubled * (0.75 + share / 2)


def envelope(mail: DictRow) -> Envelope:
    """Address a mail by its own From and by the row's recipient."""
    headers = BytesHeaderParser(policy=SMTP).parsebytes(mail["content"])
    return Envelope(
        sender=parseaddr(str(headers["From"]))[1],
        recipient=mail["recipient"],
        message_id=mail["message_id"],
        content=mail["content"],
    )
