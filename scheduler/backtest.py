"""Streams the observations of a CSV through the judge as if they arrived now. Needs no database."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, get_args

from pipelines.metrics import METRICS
from pipelines.records import GENERAL_STAFF, KYIV, Observation
from scheduler.checks.finding import Finding
from scheduler.checks.judge import Judge
from scheduler.checks.stale import KIND as STALE
from scheduler.exceptions import WrongUse
from spiders.items import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

NEEDED = ("source", "as_of", "metric", "total")
ROLES = frozenset(get_args(Role))
NOON = time(12, tzinfo=KYIV)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One row and what the judge made of it."""

    observation: Observation
    seen_at: str | None  # as the row gives it
    findings: tuple[Finding, ...]


def replay(rows: Iterable[Mapping[str, str]], *, budget: int = 12) -> Iterator[Arrival]:
    """Judge the rows in their order, as if they arrived now."""
    judge = Judge(budget=budget)
    stale: set[tuple[str, str, str, date]] = set()  # numbers that were told before their report was known to repeat
    for number, row in enumerate(rows, 1):
        arrived = observation(row, number)
        said = [event for event in judge.feed(arrived) if isinstance(event, Finding)]
        found = tuple(finding for finding in said if not (finding.whole and (finding.kind, *finding.cell) in stale))
        stale |= {(finding.kind, *finding.cell) for finding in said if finding.kind == STALE}
        yield Arrival(arrived, row.get("seen_at") or None, found)


def rows(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    """Read CSV lines with a header.

    Raises WrongUse when a column that is needed is missing.
    """
    reader = csv.DictReader(lines)
    missing = [name for name in NEEDED if name not in (reader.fieldnames or ())]
    if missing:
        raise WrongUse(f"the header lacks {', '.join(missing)}")
    yield from reader


def observation(row: Mapping[str, str], number: int) -> Observation:
    """One row as an observation.

    Raises WrongUse with the number of a row that cannot be read.
    """
    try:
        as_of = date.fromisoformat(row["as_of"])
        total, daily = _number("total", row["total"]), _number("daily", row.get("daily"))
        _given("neither total nor daily", row["total"] or row.get("daily"))
        return Observation(
            source=_given("source is empty", row["source"]),
            role=_one_of(ROLES, "role", row.get("role") or "mirror"),
            claimant=row.get("claimant") or GENERAL_STAFF,
            metric=_one_of(METRICS, "metric", row["metric"]),
            as_of=as_of,
            total=total,
            daily=daily,
            known_at=_moment(row.get("seen_at"), as_of),
            ref=number,
        )
    except (ValueError, TypeError) as error:
        raise WrongUse(f"row {number}: {error}") from error


def _given(problem: str, value: str | None) -> str:
    if not value:
        raise ValueError(problem)
    return value


def _one_of(known: Any, name: str, value: str) -> Any:
    if value not in known:
        raise ValueError(f"unknown {name} {value!r}")
    return value


def _number(name: str, text: str | None) -> int | None:
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{name} is no whole number: {text!r}") from None


def _moment(text: str | None, as_of: date) -> datetime:
    """When it was seen; without a word of it, noon of the report day. A naive time is Kyiv time."""
    if not text:
        return datetime.combine(as_of, NOON)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=KYIV)


def as_json(finding: Finding, seen_at: str | None) -> dict[str, object]:
    """Return a finding with the public names of its fields."""
    suggestion = finding.suggestion
    return {
        "kind": finding.kind,
        "claimant": finding.claimant,
        "metric": finding.metric,
        "as_of": finding.as_of.isoformat(),
        "source": finding.source,
        "row": finding.ref,
        "seen_at": seen_at,
        "severity": finding.severity,
        "group": finding.group,
        "observed": finding.observed,
        "expected": finding.expected,
        "suggestion": {"field": suggestion.field, "value": suggestion.value, "diagnosis": suggestion.diagnosis}
        if suggestion
        else None,
        "message": finding.message,
    }
