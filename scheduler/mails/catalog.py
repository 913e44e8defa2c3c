"""The words of a mail in the reader's language, and numbers, days and times as that language writes them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, reduce
from importlib.resources import files
from operator import getitem
from string import Formatter
from typing import Any

from pipelines.metrics import METRICS
from pipelines.records import KYIV
from scheduler.mails.quoting import one_line

MINUS = "−"
NAME = 60
"""Bound of a name that no table has."""

HOUR = 60
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Catalog:
    """One language: its table, and how it writes values."""

    language: str
    table: Mapping[str, Any]

    def text(self, path: str, **values: object) -> str:
        """Return the entry at a path like label/now, filled. Raises KeyError for one that does not exist."""
        return str(self.entry(path)).format(**values)

    def entry(self, path: str) -> Any:
        """Return what stands at a path. Raises KeyError."""
        return reduce(getitem, path.split("/"), self.table)

    def has(self, path: str) -> bool:
        """Whether there is an entry."""
        try:
            self.entry(path)
        except (KeyError, TypeError):  # the latter: the path goes on below a word
            return False
        return True

    def first(self, paths: Iterable[str], values: Mapping[str, str | None]) -> str:
        """Return the first entry that exists and whose every placeholder has a value, filled; else ""."""
        for path in filter(self.has, paths):
            entry = str(self.entry(path))
            if all(values.get(name) is not None for name in placeholders(entry)):
                return entry.format_map(values)
        return ""

    def plural(self, path: str, count: int, **values: object) -> str:
        """Return the entry's form for a count: 1 day, 2 days; 1 день, 2 дні, 5 днів."""
        return self.text(f"{path}/{self._form(count)}", n=self.number(count), **values)

    def _form(self, count: int) -> str:
        if self.language == "uk":
            tens, ones = divmod(count % 100, 10)
            if tens == 1 or ones == 0 or ones >= 5:  # noqa: PLR2004 - the rule of the language
                return "many"
            return "one" if ones == 1 else "few"
        return "one" if count == 1 else "many"

    def number(self, value: int | None) -> str:
        """154,830; a total or a count. A number that is not known is a dash, never a zero."""
        if value is None:
            return "–"
        grouped = f"{abs(value):,}".replace(",", self.text("format/thousands"))
        return f"{MINUS}{grouped}" if value < 0 else grouped

    def change(self, value: int | None) -> str:
        """+1,060; a daily change, with its sign."""
        return f"+{self.number(value)}" if value is not None and value >= 0 else self.number(value)

    def day(self, value: date) -> str:
        """8 Mar 2023."""
        return f"{value.day} {self.table['months']['short'][value.month - 1]} {value.year}"

    def short_day(self, value: date) -> str:
        """8 Mar, where the year is plain from what stands around it."""
        return f"{value.day} {self.table['months']['short'][value.month - 1]}"

    def long_day(self, value: date) -> str:
        """8 March 2023."""
        return f"{value.day} {self.table['months']['long'][value.month - 1]} {value.year}"

    def moment(self, value: datetime, year: int | None = None) -> str:
        """8 Mar 2023 09:12, Kyiv time; without the year where that is plain."""
        local = value.astimezone(KYIV)
        day = self.short_day(local.date()) if local.year == year else self.day(local.date())
        return f"{day} {local:%H:%M}"

    def duration(self, value: timedelta) -> str:
        """1 day 4 hours: the two largest units that count."""
        minutes = max(int(value.total_seconds() // 60), 0)
        if minutes >= DAY:
            parts = [("day", minutes // DAY), ("hour", minutes % DAY // HOUR)]
        else:
            parts = [("hour", minutes // HOUR), ("minute", minutes % HOUR)]
        told = [self.plural(f"duration/{unit}", count) for unit, count in parts if count]
        return " ".join(told) or self.plural("duration/minute", 0)

    def metric(self, key: str) -> str:
        """Return the metric's name in this language; a key that is not in the calendar as it stands."""
        return METRICS[key].names[self.language] if key in METRICS else one_line(key.replace("_", " "), NAME)

    def claimant(self, key: str) -> str:
        """Return who vouches for the numbers, by name."""
        return self.text(f"claimant/{key}") if self.has(f"claimant/{key}") else one_line(key, NAME)


def placeholders(entry: str) -> set[str]:
    """Return the names that an entry wants filled."""
    return {name for _, name, _, _ in Formatter().parse(entry) if name}


@cache
def catalog(language: str) -> Catalog:
    """Read a language. Raises FileNotFoundError for one that nobody has written."""
    path = files("scheduler") / "templates" / f"{language}.toml"
    return Catalog(language, tomllib.loads(path.read_text("utf-8")))
