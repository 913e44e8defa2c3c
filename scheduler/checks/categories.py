"""Categories that vanish from the official reports, and labels in them that nobody knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import NamedTuple

from pipelines.metrics import METRICS
from scheduler.checks.finding import Finding

MISSING, NEW = "coverage.metric_missing", "coverage.metric_new"
BEFORE = 7  # reports before, in all of which a category must have been, or in none of which a label was
FEWEST = 5  # of them: a young ledger knows no habit
WHOLE = 2 / 3  # of the categories of the fullest of them: a report with fewer is a headline, and no evidence


class Words(NamedTuple):
    """Where a category was read: there are thousands at each look."""

    claim: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """What one official document listed for one day; or all of them together."""

    source: str
    url: str
    claimant: str
    as_of: date
    metrics: Mapping[str, Words]
    strangers: Mapping[str, str]  # label that is no category -> the line it stands in


def vanished(listings: Iterable[Listing], *, since: date, now: datetime) -> list[Finding]:
    """Return the categories that were in every report and are in none of the latest, whichever source gave it.

    `since` is the day of the installation: what vanished before it is nobody's news.
    """
    days = _whole([_union(list(group)) for _, group in groupby(_by_day(listings), key=lambda one: one.as_of)])
    return [
        _missing(metric, days[first], words, now)
        for metric in dict.fromkeys(name for day in days for name in day.metrics)
        if (first := _first([metric not in day.metrics for day in days])) is not None
        and days[first].as_of >= since
        and METRICS[metric].valid_on(days[-1].as_of)
        and (words := days[first - 1].metrics[metric])
    ]


def strange(listings: Iterable[Listing], *, since: date, now: datetime) -> list[Finding]:
    """Return the labels of one source's latest reports that it never had before, and that are no category."""
    days = _whole(_by_day(listings))
    return [
        _new(label, days[first], now)
        for label in (days[-1].strangers if days else ())
        if (first := _first([label in day.strangers for day in days])) is not None and days[first].as_of >= since
    ]


def lasting(key: tuple[str, str, str, date], listings: Iterable[Listing]) -> bool:
    """Whether what an incident told of is still so in the last whole report: it may have begun long ago."""
    kind, _, name, _ = key
    by_day = _by_day(listings)
    if kind == MISSING:
        days = _whole([_union(list(group)) for _, group in groupby(by_day, key=lambda one: one.as_of)])
        return bool(days) and name not in days[-1].metrics and METRICS[name].valid_on(days[-1].as_of)
    return any(name in _whole(reports)[-1].strangers for reports in _by_source(by_day))


def _by_day(listings: Iterable[Listing]) -> list[Listing]:
    return sorted(listings, key=lambda one: (one.as_of, one.source))


def _by_source(listings: Sequence[Listing]) -> Iterable[list[Listing]]:
    ordered = sorted(listings, key=lambda one: (one.source, one.as_of))
    return [list(group) for _, group in groupby(ordered, key=lambda one: one.source)]


def _union(listings: Sequence[Listing]) -> Listing:
    """Return what the documents of one day list together, under the name of the fullest."""
    fullest = max(listings, key=lambda one: len(one.metrics))
    return Listing(
        source=fullest.source,
        url=fullest.url,
        claimant=fullest.claimant,
        as_of=fullest.as_of,
        metrics={metric: words for one in listings for metric, words in one.metrics.items()},
        strangers={label: line for one in listings for label, line in one.strangers.items()},
    )


def _whole(days: Sequence[Listing]) -> list[Listing]:
    """Leave out reports with far fewer categories than those around them."""
    return [
        day
        for place, day in enumerate(days)
        if len(day.metrics) >= WHOLE * max(len(near.metrics) for near in days[max(0, place - BEFORE) : place + 1])
    ]


def _first(changed: Sequence[bool]) -> int | None:
    """Return where the run of changed reports begins that lasts until the latest, if before it none was."""
    first = len(changed)
    while first and changed[first - 1]:
        first -= 1
    before = changed[max(0, first - BEFORE) : first]
    return first if first < len(changed) and len(before) >= FEWEST and not any(before) else None


def _missing(metric: str, day: Listing, last: Words, now: datetime) -> Finding:
    name = METRICS[metric].names["en"]
    message = (
        f"{name}: not in the report of {day.as_of} ({day.source}, {day.url}), "
        f"though every one before had it, at last as {_quoted(last.text)}"
    )
    claims = sorted(words.claim for words in day.metrics.values())
    return _finding(MISSING, metric, day, message, now=now, claims=(last.claim, claims[0]))


def _new(label: str, day: Listing, now: datetime) -> Finding:
    message = (
        f"{_quoted(label)} is no known category: {day.source} lists it on {day.as_of}, "
        f"in {_quoted(day.strangers[label])} ({day.url})"
    )
    claims = sorted(words.claim for words in day.metrics.values())
    return _finding(NEW, label, day, message, now=now, claims=(claims[0],))


def _quoted(words: str) -> str:
    return f"“{' '.join(words.split())[:120]}”"


def _finding(kind: str, metric: str, day: Listing, message: str, *, now: datetime, claims: tuple[int, ...]) -> Finding:
    return Finding(
        kind=kind,
        claimant=day.claimant,
        metric=metric,
        as_of=day.as_of,
        source=day.source,
        ref=claims[0],
        known_at=now,
        severity="warning",
        group=f"{day.claimant}/{day.as_of}",
        observed=None,
        expected=None,
        suggestion=None,
        message=message,
        against=claims[1:],
    )
