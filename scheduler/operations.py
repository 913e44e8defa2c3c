"""What the daemon has to say of itself: incidents of the kind operations.*, one for each subject while it lasts."""

from __future__ import annotations

from datetime import datetime

from pipelines.database import Connection, many, maybe, one, run
from scheduler.checks.finding import Severity
from scheduler.clock import kyiv_day

BY = "tallywatch"
WORKS_AGAIN = "it works again"
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")


async def report(
    conn: Connection, *, kind: str, subject: str, message: str, severity: Severity, at: datetime
) -> int | None:
    """Tell the operators that something of ours fails, in the caller's transaction.

    `kind` is operations.SOMETHING, `subject` what it happened to (a job, an address, a file). While the incident of
    a kind and subject runs, reporting it again keeps its last words and tells nobody, unless it has become worse.
    Returns the incident's number when it is new.
    """
    await run(conn, "lock_operations")
    what = {"kind": kind, "subject": subject, "message": message}
    running = await maybe(conn, "running_operation", kind=kind, subject=subject)
    if running is None:
        row = await one(conn, "open_operation", **what, severity=severity, as_of=kyiv_day(at), at=at)
        await _step(conn, row["id"], at, "opened", message, told=severity == "info")
        return int(row["id"])
    worst = max(severity, running["severity"], key=SEVERITIES.index)
    if worst != running["severity"]:
        await _step(conn, running["id"], at, "updated", message, told=False)
    await run(conn, "update_operation", id=running["id"], message=message, severity=worst, at=at)
    return None


async def settle(conn: Connection, *, kind: str, subject: str, at: datetime, note: str = WORKS_AGAIN) -> bool:
    """Close what was reported of a kind and subject; return whether anything was."""
    closed = False
    for row in await many(conn, "running_operation", kind=kind, subject=subject):
        if await maybe(conn, "end_incident", id=row["id"], state="closed", at=at) is not None:
            await _step(conn, row["id"], at, "resolved", note, told=row["severity"] == "info")
            closed = True
    return closed


async def running(conn: Connection, kind: str) -> list[str]:
    """Return the subjects of which something of a kind runs."""
    return [row["source"] for row in await many(conn, "running_operations", kind=kind)]


async def _step(conn: Connection, incident: int, at: datetime, what: str, note: str, *, told: bool) -> None:
    await run(conn, "keep_step", incident=incident, at=at, by=BY, what=what, note=note, told=told)
