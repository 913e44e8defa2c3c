"""From stored claims to the observations that are judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date
from typing import Any

from pipelines.metrics import METRICS
from pipelines.records import Observation

ROUNDED_FROM = 10_000
"""A relay's total of this size in whole thousands is taken as rounded: prose says "about 150 000"."""


def observations(rows: Iterable[Mapping[str, Any]]) -> Iterator[Observation]:
    """Turn rows of the query `observations`, in order of knowledge, into observations.

    Left out are rounded numbers, which cannot contradict an exact one, categories outside their validity, and
    repetitions: a source that says nothing new of a cell is one observation, however many documents say it.
    """
    said: dict[tuple[str, str, str, date], tuple[int | None, int | None]] = {}
    for row in rows:
        if is_rounded(row) or not METRICS[row["metric"]].valid_on(row["as_of"]):
            continue
        cell = (row["source"], row["claimant"], row["metric"], row["as_of"])
        total, daily = said.get(cell, (None, None))
        if row["total"] in (None, total) and row["daily"] in (None, daily):
            continue
        said[cell] = (
            row["total"] if row["total"] is not None else total,
            row["daily"] if row["daily"] is not None else daily,
        )
        yield from_row(row)


def is_rounded(row: Mapping[str, Any]) -> bool:
    """Whether a claim's number is a headline's, not the tally's."""
    if row["hedge"] in ("more_than", "less_than"):
        return True
    total = row["total"]
    return row["role"] != "official" and total is not None and total >= ROUNDED_FROM and total % 1000 == 0


def from_row(row: Mapping[str, Any]) -> Observation:
    """Build an observation from a row of the query `observations`."""
    return Observation(
        source=row["source"],
        role=row["role"],
        claimant=row["claimant"],
        metric=row["metric"],
        as_of=row["as_of"],
        total=row["total"],
        daily=row["daily"],
        known_at=row["known_at"].astimezone(UTC),
        document=row["document"],
        ref=row["ref"],
    )
