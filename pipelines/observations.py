"""From stored claims to the observations that are judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date
from typing import Any

from pipelines.metrics import METRICS
from pipelines.records import Observation

ROUNDED_FROM = 10_000
"""A relay's total of this size in whole thousands is taken as rounded: prose says "about 150 000"."""


Word = tuple[int | None, int | None]  # total and daily


class Sayings:
    """What every source has said of every cell so far: tells what is new from what is repeated."""

    def __init__(self) -> None:
        self.said: dict[tuple[str, str, str, date], dict[str, Word]] = {}  # of each document, the latest word last

    def observations(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[Observation]:
        """Turn further rows of the query `observations`, in order of knowledge, into observations.

        Left out are rounded numbers, which cannot contradict an exact one, categories outside their validity,
        and repetitions: a source that says nothing new of a cell is one observation, however many documents
        say it. A source that takes its last document on a cell back says neither total nor change of it any more;
        one that has another document still says what stands there.
        """
        for row in rows:
            valid = METRICS[row["metric"]].valid_on(row["as_of"])
            if valid and not is_rounded(row) and (word := self._news(row)) is not None:
                yield from_row(row, word)

    def let_go(self, since: date) -> None:
        """Forget what was said of earlier days."""
        self.said = {place: words for place, words in self.said.items() if place[3] >= since}

    def _news(self, row: Mapping[str, Any]) -> Word | None:
        """Return what a source says of a cell after a row, if that is not what it said before."""
        words = self.said.setdefault((row["source"], row["claimant"], row["metric"], row["as_of"]), {})
        before = next(reversed(words.values()), (None, None))
        of_document = words.pop(row["document"], None)
        if row["last_there"]:
            if of_document is None:
                return None
            now = next(reversed(words.values()), (None, None))
            return now if now != before else None
        stated = (row["total"], row["daily"])
        total, daily = (new if new is not None else old for new, old in zip(stated, before, strict=True))
        words[row["document"]] = (total, daily)
        return stated if (total, daily) != before else None


def is_rounded(row: Mapping[str, Any]) -> bool:
    """Whether a claim's number is a headline's, not the tally's."""
    if row["hedge"] in ("more_than", "less_than"):
        return True
    total = row["total"]
    return row["role"] != "official" and total is not None and total >= ROUNDED_FROM and total % 1000 == 0


def from_row(row: Mapping[str, Any], word: Word) -> Observation:
    """Build an observation from a row of the query `observations` and what it says."""
    return Observation(
        source=row["source"],
        role=row["role"],
        claimant=row["claimant"],
        metric=row["metric"],
        as_of=row["as_of"],
        total=word[0],
        daily=word[1],
        known_at=row["known_at"].astimezone(UTC),
        document=row["document"],
        ref=row["ref"],
        last_there=row["last_there"].astimezone(UTC) if row["last_there"] else None,
    )
