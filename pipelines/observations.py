"""From stored claims to the observations that are judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date
from typing import Any

from pipelines.metrics import METRICS
from pipelines.records import Observation

ROUNDED_FROM = 10_000
"""A relay's total of this size in whole thousands is taken as rounded: prose says "about 150 000"."""


class Sayings:
    """What every source has said of every cell so far: tells what is new from what is repeated."""

    def __init__(self) -> None:
        self.said: dict[tuple[str, str, str, date], tuple[int | None, int | None]] = {}

    def observations(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[Observation]:
        """Turn further rows of the query `observations`, in order of knowledge, into observations.

        Left out are rounded numbers, which cannot contradict an exact one, categories outside their validity,
        and repetitions: a source that says nothing new of a cell is one observation, however many documents
        say it.
        """
        for row in rows:
            valid = METRICS[row["metric"]].valid_on(row["as_of"])
            if valid and not is_rounded(row) and self._is_news(row):
                yield from_row(row)

    def _is_news(self, row: Mapping[str, Any]) -> bool:
        cell = (row["source"], row["claimant"], row["metric"], row["as_of"])
        before = self.said.get(cell, (None, None))
        said = tuple(row[field] for field in ("total", "daily"))
        now = tuple(new if new is not None else old for new, old in zip(said, before, strict=True))
        self.said[cell] = (now[0], now[1])
        return now != before


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
