"""The reader against texts that it was not made from: `reading_texts/` and what a careful human reads in each.

`truth.jsonl` has one text a line: the file, its language and kind, the report day (`as_of`; `as_of_also` where one
text holds several days), the day of publication where it is another one (`published`), whether the text carries its
full date (`dated`), and the claims. `total` or `daily` is null where the text does not state it, or states it only as
a round floor ("more than 130 thousand").
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from pipelines import reading
from pipelines.records import GENERAL_STAFF, KYIV, Claim

TEXTS = Path(__file__).parent / "reading_texts"
CONTENT_TYPES = {".html": "text/html; charset=utf-8", ".json": "application/json", ".txt": "text/plain; charset=utf-8"}
LATE = timedelta(days=40)  # a text that carries its date keeps its day, whenever it is published

Statement = tuple[str, str, int]  # metric, "total" or "daily", number


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """One text, what is true of it, and what the reader made of it."""

    file: str
    official: bool
    days: frozenset[date]
    dated: bool
    stated: frozenset[Statement]
    read: frozenset[Statement]
    read_days: frozenset[date | None]
    read_days_late: frozenset[date | None]

    @property
    def off(self) -> frozenset[Statement]:
        """What is missed or wrong."""
        return self.stated ^ self.read

    def __str__(self) -> str:
        """One line for a failed test."""
        return f"{self.file}: missed {sorted(self.stated - self.read)}, wrong {sorted(self.read - self.stated)}"


@cache
def texts() -> tuple[Text, ...]:
    """Every text, read."""
    lines = (TEXTS / "truth.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(judged(json.loads(line)) for line in lines)


def judged(truth: dict[str, Any]) -> Text:
    """Read one text at its day, and once more as if published late."""
    day = date.fromisoformat(truth["as_of"])
    published = date.fromisoformat(truth.get("published", truth["as_of"]))
    claims = claims_of(truth["file"], published)
    late = claims_of(truth["file"], published + LATE) if truth.get("dated") else ()
    return Text(
        file=truth["file"],
        official=truth["kind"] != "news",
        days=frozenset({day, *map(date.fromisoformat, truth.get("as_of_also", ()))}),
        dated=truth.get("dated", False),
        stated=statements((c["metric"], c["total"], c["daily"]) for c in truth["claims"]),
        read=statements((c.metric, c.total, c.daily) for c in claims),
        read_days=frozenset(c.as_of for c in claims),
        read_days_late=frozenset(c.as_of for c in late),
    )


def claims_of(file: str, published: date) -> tuple[Claim, ...]:
    """Read a file as if published at noon; what rivals claim is not judged here."""
    path = TEXTS / file
    result = reading.read(
        path.read_bytes(),
        content_type=CONTENT_TYPES[path.suffix],
        url="",
        published_at=datetime.combine(published, time(12), KYIV),
        speaker=None,
    )
    return tuple(c for c in result.claims if c.claimant == GENERAL_STAFF)


def statements(rows: Iterable[tuple[str, int | None, int | None]]) -> frozenset[Statement]:
    """Every number by itself: a total and a change are right or wrong separately."""
    return frozenset(
        (metric, field, number)
        for metric, total, daily in rows
        for field, number in (("total", total), ("daily", daily))
        if number is not None
    )


def f1(chosen: list[Text]) -> float:
    """Harmonic mean of precision and recall over all numbers."""
    right = sum(len(t.stated & t.read) for t in chosen)
    return 2 * right / (2 * right + sum(len(t.off) for t in chosen))


def worst(chosen: list[Text]) -> str:
    """Name the texts that lose most."""
    off = sorted((t for t in chosen if t.off), key=lambda t: len(t.off), reverse=True)
    return "\n".join(map(str, off[:15]))


def test_official_texts_are_read_nearly_without_fault() -> None:
    """Lists, ministry pages, posts and mirrors' JSON: F1 of at least 0.98 over all numbers."""
    chosen = [t for t in texts() if t.official]
    assert f1(chosen) >= 0.98, worst(chosen)


def test_news_in_any_language_are_read_well() -> None:
    """Prose in twenty-four languages, rivals in the same article: F1 of at least 0.93 over all numbers."""
    chosen = [t for t in texts() if not t.official]
    assert f1(chosen) >= 0.93, worst(chosen)


def test_a_text_without_a_tally_yields_no_claim() -> None:
    """Monthly sums, rivals, one night's drones, aid and other wars are never the General Staff's tally."""
    assert [str(t) for t in texts() if not t.stated and t.read] == []


def test_no_claim_is_of_a_wrong_day() -> None:
    """The day is the report's, also where only the loss day or a weekday is written."""
    assert [(t.file, t.read_days - t.days) for t in texts() if t.stated and t.read_days - t.days] == []


def test_a_text_with_its_full_date_keeps_its_day_when_published_late() -> None:
    """A text found 40 days after its date is still of its date."""
    assert [(t.file, t.read_days_late) for t in texts() if t.dated and t.read_days_late != t.days] == []
