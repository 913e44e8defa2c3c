"""What a mail tells of, gathered from the database: the numbers, who says them, and the words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from pipelines.database import Connection, many, maybe
from pipelines.reading.language import language
from scheduler.checks.finding import Field
from scheduler.evidence.address import address
from scheduler.incidents import suggestion
from scheduler.mails.notices import Dated
from scheduler.mails.series import WINDOW
from scheduler.mails.view import Event, IncidentLine, Point, Quote, Saying, Series

Row = Mapping[str, Any]
OURS = ("judge", "tallywatch")
"""Who writes into the history without being a person."""


def event(row: Row) -> Event:
    """Return a step of an incident's history as a mail shows it."""
    by = "" if row["by"] in OURS else row["by"]
    return Event(what=row["what"], incident=row["incident"], at=row["at"], by=by, note=row["note"] or "")


def bare_line(row: Row) -> IncidentLine:
    """Return an incident with what its own row says."""
    proposed = suggestion(row)
    return IncidentLine(
        id=row["id"],
        kind=row["kind"],
        metric=row["metric"],
        severity=row["severity"],
        state=row["state"],
        message=row["message"],
        opened_at=row["opened_at"],
        field=proposed.field if proposed else "total",
        now=row["observed"],
        expected=row["expected"],
        suggestion=proposed,
        source=row["source"],
        verdict=row["verdict"],
    )


def dated(row: Row) -> Dated:
    """Return an incident as a notice names it."""
    return Dated(claimant=row["claimant"], as_of=row["as_of"], line=bare_line(row))


async def incident_line(conn: Connection, row: Row, public_url: str | None = None) -> IncidentLine:
    """Gather what a person needs to judge an incident: the numbers, who says them, and the words."""
    claims = await many(conn, "claims_with_words", claims=list(row["claims"]))
    cell = {"claimant": row["claimant"], "metric": row["metric"], "as_of": row["as_of"]}
    said = await many(conn, "sayings", **cell)
    before = await maybe(conn, "figure_on", **(cell | {"as_of": row["as_of"] - timedelta(days=1)}))
    blamed = next((saying for saying in said if saying["source"] == row["source"]), None)
    proposed = suggestion(row)
    shown: Field = "daily" if proposed and proposed.field == "daily" else "total"
    return replace(
        bare_line(row),
        before=before["total"] if before else None,
        now=blamed["total"] if blamed else row["observed"],
        printed=blamed["daily"] if blamed else None,
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
