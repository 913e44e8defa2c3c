"""Keeping what was read: readings with their claims and problems, those of many versions at once."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from psycopg.types.range import Int4Range

from pipelines import reading
from pipelines.database import Connection, many, run
from pipelines.records import Claim, Problem, Reading, Span

logger = logging.getLogger(__name__)

LARGEST = 10**12
"""A number beyond it is no tally; what a hostile page prints must still fit the column of its problem."""

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""Characters that PostgreSQL's UTF-8 cannot hold. Replaced one for one, so that spans stay true."""


def read(
    content: bytes, *, content_type: str, url: str, published_at: datetime | None, speaker: str | None
) -> Reading:
    """Read a document. A text that breaks the reader is a problem of that text, told and kept, never a lost one."""
    try:
        return reading.read(content, content_type=content_type, url=url, published_at=published_at, speaker=speaker)
    except Exception as error:  # whatever it is: the document is kept, and the problem beside it
        logger.exception("The reader failed on %s", url, extra={"document": url})
        problem = Problem(problem=f"the reader failed: {type(error).__name__}", span=None, quote="")
        return Reading(text="", extractor="none", reader="none", claims=(), problems=(problem,))


async def keep_readings(conn: Connection, made: Sequence[tuple[int, Reading]], at: datetime) -> None:
    """Make these readings the current ones of their versions (by id), which are different ones.

    One that had been made before of its version is only made current again.
    """
    await run(conn, "retire_readings", versions=[version for version, _ in made])
    rows = await many(
        conn,
        "keep_readings",
        versions=[version for version, _ in made],
        extractors=[each.extractor for _, each in made],
        readers=[each.reader for _, each in made],
        sha256s=[fingerprint(each) for _, each in made],
        texts=[storable(each.text) for _, each in made],
        at=at,
    )
    new = {row["version"]: row["id"] for row in rows if row["new"]}
    read_anew = [(new[version], each) for version, each in made if version in new]
    await _keep_claims(conn, [(number, claim) for number, each in read_anew for claim in each.claims if fits(claim)])
    await _keep_problems(conn, [(number, problem) for number, each in read_anew for problem in problems(each)])


def fits(claim: Claim) -> bool:
    """Whether the numbers of a claim can be those of a tally."""
    return all(abs(number) <= LARGEST for number in (claim.total, claim.daily) if number is not None)


def problems(made: Reading) -> Iterable[Problem]:
    """Yield what could not be read, and what cannot be kept."""
    yield from made.problems
    for claim in made.claims:
        if not fits(claim):
            yield Problem(problem="a number is too large for a tally", span=claim.total_span, quote=claim.quote)


def fingerprint(made: Reading) -> bytes:
    """Hash everything that was read: what decided it (`why`) may be worded anew without a new reading."""
    facts = [made.extractor, made.text]
    facts += [
        repr((c.claimant, c.metric, c.as_of, c.total, c.daily, c.hedge, c.total_span, c.daily_span, c.note))
        for c in made.claims
    ]
    facts += [repr((p.problem, p.span, p.quote)) for p in made.problems]
    return hashlib.sha256("\x1e".join(facts).encode("utf-8", "surrogatepass")).digest()


def storable(text: str) -> str:
    """Replace what the database cannot hold, one character for one."""
    return UNSTORABLE.sub("\ufffd", text)


async def _keep_claims(conn: Connection, claims: Sequence[tuple[int, Claim]]) -> None:
    if claims:
        await run(
            conn,
            "keep_claims",
            readings=[number for number, _ in claims],
            claimants=[claim.claimant for _, claim in claims],
            metrics=[claim.metric for _, claim in claims],
            days=[claim.as_of for _, claim in claims],
            totals=[claim.total for _, claim in claims],
            dailies=[claim.daily for _, claim in claims],
            hedges=[claim.hedge for _, claim in claims],
            total_spans=[_range(claim.total_span) for _, claim in claims],
            daily_spans=[_range(claim.daily_span) for _, claim in claims],
            quotes=[storable(claim.quote) for _, claim in claims],
            notes=[claim.note for _, claim in claims],
        )


async def _keep_problems(conn: Connection, found: Sequence[tuple[int, Problem]]) -> None:
    if found:
        await run(
            conn,
            "keep_problems",
            readings=[number for number, _ in found],
            problems=[storable(problem.problem) for _, problem in found],
            spans=[_range(problem.span) for _, problem in found],
            quotes=[storable(problem.quote) for _, problem in found],
        )


def _range(span: Span | None) -> Int4Range | None:
    return Int4Range(*span) if span else None
