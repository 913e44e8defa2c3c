"""JSON of those who copy the tally: russianwarship.rip, the PetroIvaniuk files, orc-losses; and posts as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from pipelines.metrics import METRICS
from pipelines.reading.mention import Trouble, metric_on
from pipelines.records import GENERAL_STAFF, Claim, Span

_QUOTE = 200
_POST_TEXTS = ("text", "full_text", "message", "story", "caption")
_POST_TIMES = ("created_at", "created_time", "date", "timestamp", "published_at", "publishedAt", "time")
_META = frozenset({"date", "day", "personnel*", "source", "sourceUri", "resource", "greatest losses direction", "url"})


@dataclass(frozen=True, slots=True)
class Post:
    """Return a post kept as JSON: its text, where the text's characters stand in the JSON is not told."""

    text: str
    published_at: datetime | None


def loads(text: str) -> Any:
    """JSON or JSON lines; None when it is neither."""
    stripped = text.strip()
    if stripped[:1] not in {"{", "["}:
        return None
    try:
        return json.loads(stripped)
    except ValueError:
        pass
    except RecursionError:
        return None
    rows = []
    for line in stripped.split("\n"):
        try:
            rows.append(json.loads(line)) if line.strip() else None
        except (ValueError, RecursionError):
            return None
    return rows


def posts(data: Any) -> list[Post]:
    """Return the posts in a JSON document: objects with a text, and no record of figures."""
    rows = data if isinstance(data, list) else data.get("data", [data]) if isinstance(data, dict) else []
    rows = rows if isinstance(rows, list) else [rows]
    found = []
    for row in rows:
        if isinstance(row, dict):
            text = next((row[key] for key in _POST_TEXTS if isinstance(row.get(key), str)), None)
            if text and not _record(row):
                found.append(Post(text, _time(row)))
    return found


def _time(row: dict[str, Any]) -> datetime | None:
    for key in _POST_TIMES:
        value = row.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 10**9:
            seconds = value / 1000 if value > 10**11 else value
            if seconds < 10**10:
                return datetime.fromtimestamp(seconds, UTC)
        if isinstance(value, str):
            try:
                return datetime.fromisoformat(value)
            except ValueError:
                continue
    return None


@cache
def _names() -> dict[str, str]:
    """Return what the mirrors call a category. Their vocabularies do not contradict each other."""
    return {name: metric.key for metric in METRICS.values() for name in metric.known_as.values()}


def records(data: Any) -> list[dict[str, Any]]:
    """Return the records of figures in a JSON document, at any of the places where the mirrors keep them."""
    return list(_find(data, 0))


def _find(data: Any, depth: int) -> Iterator[dict[str, Any]]:
    if depth > 4:  # noqa: PLR2004 - data.records[].stats is the deepest
        return
    if isinstance(data, list):
        for row in data:
            yield from _find(row, depth + 1)
    elif isinstance(data, dict):
        if _record(data):
            yield data
        elif "stats" not in data:
            for value in data.values():
                if isinstance(value, dict | list):
                    yield from _find(value, depth + 1)


def _record(row: dict[str, Any]) -> bool:
    stats = row.get("stats")
    figures = stats if isinstance(stats, dict) else row
    return "date" in row and any(name in figures for name in _names())


@dataclass(frozen=True, slots=True)
class _Record:
    """One record: its day, its figures, and where in the text it stands."""

    row: dict[str, Any]
    day: date
    text: str
    spot: int
    reader: str

    @property
    def figures(self) -> dict[str, Any]:
        """The totals, wherever the mirror keeps them."""
        stats = self.row.get("stats")
        return stats if isinstance(stats, dict) else self.row

    @property
    def changes(self) -> dict[str, Any]:
        """The changes, if the mirror has any."""
        increase = self.row.get("increase")
        return increase if isinstance(increase, dict) else {}

    def span(self, section: str, name: str, value: Any) -> Span | None:
        """Return where a number stands: the first such pair behind the name of its section."""
        start = self.text.find(f'"{section}"', self.spot) if section in self.row else self.spot
        pair = re.compile(rf'"{re.escape(name)}"\s*:\s*({re.escape(str(value))})')
        match = pair.search(self.text, max(0, start))
        return match.span(1) if match else None


def read_records(rows: list[dict[str, Any]], text: str, reader: str) -> tuple[list[Claim], list[Trouble]]:
    """Read the claims of each record. The spans point into the JSON text."""
    claims: list[Claim] = []
    troubles: list[Trouble] = []
    spot = 0
    for row in rows:
        spot = max(spot, text.find(str(row["date"]), spot))
        day = _day(row["date"])
        if day is None:
            said = str(row["date"])[:40]
            troubles.append(Trouble(f"a record without a readable date: {said!r}", None, str(row)[:_QUOTE]))
            continue
        claims += _claims(_Record(row, day, text, spot, reader), troubles)
    return claims, troubles


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def _claims(record: _Record, troubles: list[Trouble]) -> Iterator[Claim]:
    for name, value in record.figures.items():
        if name in _META or value is None or isinstance(value, str | dict | list | bool):
            continue
        key = _names().get(name)
        total = _count(value)
        if key is None:
            if record.figures is not record.row:  # a flat record has counters and notes of its own
                troubles.append(Trouble(f"unknown label {name!r}", None, f"{name}: {value}"))
        elif total is None:
            troubles.append(Trouble("a number that cannot be read", None, f"{name}: {value}"[:_QUOTE]))
        elif not METRICS[metric_on(key, record.day)].valid_on(record.day):
            _outside(metric_on(key, record.day), record.day, total, name, troubles)
        elif total or record.changes.get(name):  # zero: a category that the publisher has not reported yet
            yield _claim(record, name, metric_on(key, record.day), total)


def _claim(record: _Record, name: str, metric: str, total: int) -> Claim:
    change = record.changes.get(name)
    daily = _count(change)
    return Claim(
        claimant=GENERAL_STAFF,
        metric=metric,
        as_of=record.day,
        total=total,
        daily=daily,
        hedge=None,
        total_span=record.span("stats", name, total),
        daily_span=record.span("increase", name, change) if daily is not None else None,
        quote=f"{name}: {total}"[:_QUOTE],
        reader=record.reader,
        note=None,
        why=(
            "total: a mirror's record",
            f"metric: {name!r}",
            f"claimant: {GENERAL_STAFF}",
            f"day: date {record.row['date']!r}",
        ),
    )


def _outside(metric: str, day: date, total: int, name: str, troubles: list[Trouble]) -> None:
    """Report a category outside its time: mirrors print zero before it began, and its last total after it ended."""
    until = METRICS[metric].valid_until
    if total and not (until and day > until):
        troubles.append(Trouble(f"{metric} was not reported on {day}", None, f"{name}: {total}"))


def _count(value: Any) -> int | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value if isinstance(value, int) and abs(value) < 10**9 else None
