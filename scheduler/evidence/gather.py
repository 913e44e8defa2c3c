"""What an incident rests on, out of the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from psycopg.sql import SQL, Composable, Literal

from pipelines.database import Connection, many
from scheduler.exceptions import WrongUse

Row = Mapping[str, Any]

FIGURES = """\
COPY (
    SELECT claimant, metric, as_of, total, daily, status, array_to_string(supports, ' ') AS supports, dissents,
           known_since, CASE WHEN known_until <= {until} THEN known_until END AS known_until
    FROM figures
    WHERE (claimant, metric, as_of) IN ({cells}) AND known_since <= {until}
    ORDER BY claimant, metric, as_of, known_since
) TO STDOUT WITH (FORMAT csv, HEADER true)"""
"""What the ledger held for the cells of an incident, by the moment when the incident was last touched."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """Everything behind one incident, as it was when the incident was last touched."""

    incident: Row
    until: datetime
    claims: tuple[Row, ...]  # rows of `evidence_claims`: of the incident, and of every source on its cell
    deletions: tuple[Row, ...]
    troubles: tuple[Row, ...]  # of a source that could not be read
    responses: tuple[Row, ...]  # rows of `evidence_exchanges`
    figures_sql: str  # for psql
    figures_csv: bytes  # what it printed


async def gather(conn: Connection, incident: int) -> Evidence:
    """Gather the evidence of an incident. Raises WrongUse when there is none of that number."""
    rows = await many(conn, "incidents", id=incident, states=None, claimant=None, as_of=None)
    if not rows:
        raise WrongUse(f"there is no incident {incident}")
    row = rows[0]
    until = max([row["known_at"], *(moment(step["at"]) for step in row["history"])])
    cell = {name: row[name] for name in ("claimant", "metric", "as_of")}
    claims = await many(conn, "evidence_claims", claims=row["claims"], until=until, **cell)
    documents = sorted({claim["document_id"] for claim in claims})
    deletions = await many(conn, "evidence_deletions", documents=documents, until=until)
    troubles = [] if claims else await many(conn, "evidence_troubles", source=row["source"], until=until)
    hashes = {found["exchange"] for found in [*claims, *deletions, *troubles]} - {None}
    cells = sorted({(claim["claimant"], claim["metric"], claim["as_of"]) for claim in claims if claim["as_of"]})
    statement = await _statement(conn, cells or [(row["claimant"], row["metric"], row["as_of"])], until)
    return Evidence(
        incident=row,
        until=until,
        claims=tuple(claims),
        deletions=tuple(deletions),
        troubles=tuple(troubles),
        responses=tuple(await many(conn, "evidence_exchanges", hashes=sorted(hashes))),
        figures_sql=statement,
        figures_csv=await _printed(conn, statement),
    )


def moment(text: str) -> datetime:
    """Return a time that stands in JSON."""
    return datetime.fromisoformat(text).astimezone(UTC)


async def _statement(conn: Connection, cells: list[tuple[str, str, date]], until: datetime) -> str:
    rows: list[Composable] = [SQL("({})").format(SQL(", ").join(map(Literal, cell))) for cell in cells]
    return SQL(FIGURES).format(cells=SQL(", ").join(rows), until=Literal(until.astimezone(UTC))).as_string(conn)


async def _printed(conn: Connection, statement: str) -> bytes:
    await conn.execute("SET LOCAL TIME ZONE 'UTC'")
    async with conn.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        return b"".join([bytes(piece) async for piece in copy])
