"""Readers who want no more mails: recorded, told to those who run tallywatch, and undone by the command line."""

from __future__ import annotations

from datetime import datetime

from pipelines.database import Connection, maybe, run
from scheduler import operations
from scheduler.incidents import How

KIND = "operations.unsubscribed"


async def unsubscribe(conn: Connection, address: str, *, how: How, at: datetime) -> bool:
    """End the mails to an address; those in the outbox stay there, held. Returns whether that is new."""
    if await maybe(conn, "unsubscribe", address=address, how=how, at=at) is None:
        return False
    await run(conn, "hold_mails_of", address=address)
    undo = f"`tallywatch mail subscribe {address}` undoes that"
    message = f"{address} has unsubscribed by {how} and gets no more mails, not even critical ones; {undo}."
    await operations.report(conn, kind=KIND, subject=address.lower(), message=message, severity="warning", at=at)
    return True


async def subscribe(conn: Connection, address: str, *, at: datetime) -> bool:
    """Mail an address again; what was held goes out when a person resends it. Returns whether it had left."""
    if await maybe(conn, "subscribe_again", address=address) is None:
        return False
    await operations.settle(conn, kind=KIND, subject=address.lower(), at=at, note="mails are sent there again")
    return True
