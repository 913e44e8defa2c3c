"""Silences: what nobody wants to be mailed of for a while. Incidents are recorded all the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pipelines.database import Connection, maybe, one
from scheduler.exceptions import WrongUse
from scheduler.sections.rules import Rule

LONGEST = timedelta(days=90)
"""A silence that outlives the memory of why it was asked for is a hole."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Silence:
    """One silence: what it is about, why, whose it is, and how long it lasts."""

    id: int
    kinds: tuple[str, ...]  # globs; none is any
    metrics: tuple[str, ...]
    sources: tuple[str, ...]
    claimants: tuple[str, ...]
    reason: str
    author: str
    begun_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    ended_by: str | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Silence:
        """Return a row of the table."""
        globs: dict[str, Any] = {name: tuple(row[name]) for name in ("kinds", "metrics", "sources", "claimants")}
        names = ("id", "reason", "author", "begun_at", "expires_at", "ended_at", "ended_by")
        return cls(**globs, **{name: row[name] for name in names})

    @property
    def scope(self) -> tuple[str, ...]:
        """Return all its globs, for a person."""
        return (*self.kinds, *self.metrics, *self.sources, *self.claimants)


async def add(conn: Connection, scope: Rule, *, reason: str, author: str, at: datetime, expires_at: datetime) -> int:
    """Begin a silence; return its number.

    Raises WrongUse for one about everything, without a reason, or of a length that cannot be.
    """
    globs = {name: list(getattr(scope, name)) for name in ("kinds", "metrics", "sources", "claimants")}
    if not any(globs.values()):
        raise WrongUse("a silence needs a scope: --kind, --metric, --source or --claimant")
    if not reason.strip():
        raise WrongUse("a silence needs a reason: those who find it later will ask")
    if not at < expires_at <= at + LONGEST:
        raise WrongUse(f"a silence must end in the future, and within {LONGEST.days} days")
    row = await one(conn, "add_silence", **globs, reason=reason, author=author, at=at, expires_at=expires_at)
    return int(row["id"])


async def end(conn: Connection, silence: int, *, by: str, at: datetime) -> None:
    """End a silence before its time. Raises WrongUse when there is none of that number in force."""
    if await maybe(conn, "end_silence", id=silence, by=by, at=at) is None:
        raise WrongUse(f"there is no silence {silence} in force")
