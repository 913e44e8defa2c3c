"""The calendar of metrics: what is counted, since when, until when, and under which names."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from types import MappingProxyType
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """One category of the tally."""

    key: str
    unit: str  # "people" or "items"
    step: int  # reported in whole multiples of it
    valid_from: date | None  # first report day; None: since the first report
    valid_until: date | None  # last report day, inclusive; None: still reported
    into: str | None  # key of the metric that continues it
    names: Mapping[str, str]  # reader's language -> name for people
    known_as: Mapping[str, str]  # API or data set -> its name there

    def valid_on(self, day: date) -> bool:
        """Whether reports of that day have this category."""
        return (self.valid_from is None or day >= self.valid_from) and (
            self.valid_until is None or day <= self.valid_until
        )


def load() -> Mapping[str, Metric]:
    """Read the table.

    Raises ValueError for an unknown key or a successor that does not exist: the table ships with the
    program, so a mistake in it must stop the start.
    """
    table = tomllib.loads((files("pipelines") / "vocabulary" / "metrics.toml").read_text("utf-8"))
    metrics = {key: _metric(key, row) for key, row in table.items()}
    for metric in metrics.values():
        if metric.into is not None and metric.into not in metrics:
            raise ValueError(f"metrics.toml: {metric.key} continues as {metric.into}, which is not a metric")
    return MappingProxyType(metrics)


def _metric(key: str, row: dict[str, object]) -> Metric:
    unknown = row.keys() - {"unit", "step", "from", "until", "into", "names", "known_as"}
    if unknown:
        raise ValueError(f"metrics.toml: {key} has unknown keys {sorted(unknown)}")
    return Metric(
        key=key,
        unit=str(row["unit"]),
        step=_of(int, row.get("step", 1)),
        valid_from=_of(date, row["from"]) if "from" in row else None,
        valid_until=_of(date, row["until"]) if "until" in row else None,
        into=_of(str, row["into"]) if "into" in row else None,
        names=_of(dict, row["names"]),
        known_as=_of(dict, row.get("known_as", {})),
    )


def _of(kind: type[T], value: object) -> T:
    if not isinstance(value, kind):
        raise TypeError(f"metrics.toml: {value!r} is not a {kind.__name__}")
    return value


METRICS: Mapping[str, Metric] = load()
