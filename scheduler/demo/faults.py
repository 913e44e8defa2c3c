"""The planted faults: what the mirror says instead of the truth, and what must be found of it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from pipelines.metrics import METRICS
from pipelines.records import GENERAL_STAFF
from spiders.items import aware

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

OUTLETS = ("telegram", "ministry", "news")
"""Who publishes in the mirror, in the order in which they do so in the morning."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Saying:
    """One cell that outlets print otherwise than it is."""

    outlets: tuple[str, ...]
    as_of: date
    metric: str
    total: int | None = None  # None: the true one
    daily: int | None = None  # None: the true one
    since: datetime | None = None  # an edit: the truth was printed before

    def __post_init__(self) -> None:
        _known_outlets(self.outlets)
        aware("since", self.since)
        if self.metric not in METRICS:
            raise ValueError(f"faults.toml: {self.metric!r} is not a metric")

    def heard(self, outlet: str, day: date, now: datetime) -> bool:
        """Whether this outlet's report of that day reads so by now."""
        return outlet in self.outlets and day == self.as_of and (self.since is None or self.since <= now)


@dataclass(frozen=True, kw_only=True, slots=True)
class Expectation:
    """What has to be told of a fault: one of these kinds, of this cell."""

    kinds: frozenset[str]
    also: frozenset[str]  # further kinds that may be told of the same cell
    metric: str | None  # None: any of the report, or the report as a whole
    as_of: date

    def covers(self, kind: str, claimant: str, metric: str, as_of: date) -> bool:
        """Whether an incident with this identity tells of the fault."""
        return (
            kind in self.kinds | self.also
            and claimant == GENERAL_STAFF
            and as_of == self.as_of
            and self.metric in (None, metric)
        )

    def met(self, kind: str, claimant: str, metric: str, as_of: date) -> bool:
        """Whether an incident with this identity is the one that has to be there."""
        return kind in self.kinds and self.covers(kind, claimant, metric, as_of)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One planted fault."""

    name: str
    title: str
    planted: str
    expect: Expectation
    says: tuple[Saying, ...] = ()
    repeats: tuple[frozenset[str], date] | None = None  # these outlets print the day before under this date
    silent: date | None = None  # nobody publishes a report


def load() -> Mapping[str, Fault]:
    """Read the table of faults.

    Raises ValueError or KeyError where it is malformed: it ships with the program.
    """
    return {name: _fault(name, row) for name, row in _table("faults.toml").items()}


def genuine() -> tuple[Expectation, ...]:
    """Read the real days that may be told of, though nobody planted them."""
    return tuple(_expectation(row) for row in _table("genuine.toml").values())


def _table(name: str) -> dict[str, Any]:
    return tomllib.loads((files("scheduler.demo") / name).read_text("utf-8"))


def _fault(name: str, row: dict[str, Any]) -> Fault:
    repeats = row.get("repeats")
    return Fault(
        name=name,
        title=row["title"],
        planted=row["planted"],
        expect=_expectation(row["expect"]),
        says=tuple(Saying(**{**cell, "outlets": tuple(cell["outlets"])}) for cell in row.get("says", ())),
        repeats=(_known_outlets(repeats["outlets"]), repeats["as_of"]) if repeats else None,
        silent=row.get("silent"),
    )


def _expectation(row: dict[str, Any]) -> Expectation:
    return Expectation(
        kinds=frozenset(row["kinds"]),
        also=frozenset(row.get("also", ())),
        metric=row.get("metric"),
        as_of=row["as_of"],
    )


def _known_outlets(names: tuple[str, ...] | list[str]) -> frozenset[str]:
    if unknown := set(names) - set(OUTLETS):
        raise ValueError(f"faults.toml: unknown outlets {sorted(unknown)}")
    return frozenset(names)
