"""What the ledger holds, as values: without numbers and moments that depend on when it was stored."""

from __future__ import annotations

from typing import Any

from pipelines.database import connection
from scheduler.service import Service

DUMPS = {
    "versions": """
        SELECT d.source, d.key, encode(v.sha256, 'hex') AS sha256, v.known_at, v.judged
        FROM versions v JOIN documents d ON d.id = v.document ORDER BY 1, 2, 4, 3""",
    "claims": """
        SELECT d.source, d.key, c.claimant, c.metric, c.as_of, c.total, c.daily, c.total_span, c.daily_span, c.quote
        FROM claims c JOIN readings r ON r.id = c.reading JOIN versions v ON v.id = r.version
        JOIN documents d ON d.id = v.document ORDER BY 1, 2, 4, 6, 7, v.known_at""",
    "figures": """
        SELECT claimant, metric, as_of, known_since, known_until::text, total, daily, status, supports, dissents
        FROM figures ORDER BY 1, 2, 3, 4""",
    "incidents": """
        SELECT kind, claimant, metric, as_of, episode, state, severity, source, message, observed, expected,
               suggestion, known_at
        FROM incidents WHERE state <> 'withdrawn' ORDER BY 1, 2, 3, 4, 5""",
    "mails": """
        SELECT thread_claimant, thread_as_of, transition, recipient, subject, state FROM mails ORDER BY 1, 2, 3, 4""",
}


async def dump(service: Service, *names: str) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of some tables, or of all."""
    async with connection(service.pool) as conn:
        return {name: await (await conn.execute(DUMPS[name])).fetchall() for name in names or DUMPS}
