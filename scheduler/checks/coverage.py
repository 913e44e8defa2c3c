"""Coverage: a report that did not come, a source that can no longer be read. Depends on when we look."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from scheduler.checks.finding import Finding

AT_ONCE = frozenset({"login_wall", "captcha", "layout_changed", "blocked", "frozen_page", "parse_error", "empty_page"})
"""Causes that do not pass by themselves: told at the first crawl."""

FAILURES = 3
"""Crawls in a row that fail for another cause before anybody is told: networks fail now and then."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outage:
    """A source whose last crawls all failed."""

    source: str
    cause: str
    began: datetime  # of the first of them
    crawls: int


def silences(claimant: str, days: Iterable[date], *, today: date, now: datetime) -> list[Finding]:
    """Return what to say of days for which no official report came: late while the day lasts, missing after it.

    The days are those from the installation on, before which silence is nobody's fault, up to the last one whose
    report every official source should have had by now.
    """
    return [_silence(claimant, day, now, late=day >= today) for day in days]


def outages(runs: Iterable[Outage], now: datetime, day_of: dict[str, date]) -> list[Finding]:
    """Return the sources that a person must look at; `day_of` is the Kyiv day on which each outage began."""
    return [_outage(run, now, day_of[run.source]) for run in runs if run.cause in AT_ONCE or run.crawls >= FAILURES]


def _silence(claimant: str, day: date, now: datetime, *, late: bool) -> Finding:
    message = (
        f"the report of {day} has not come in its window from any official source"
        if late
        else f"no official source has published a report for {day}"
    )
    return _finding(
        "coverage.late" if late else "coverage.missing", claimant, day, source="", now=now, message=message
    )


def _outage(run: Outage, now: datetime, day: date) -> Finding:
    crawls = "the last crawl" if run.crawls == 1 else f"{run.crawls} crawls in a row"
    message = f"{run.source} cannot be read since {run.began:%Y-%m-%d %H:%M} UTC: {run.cause} in {crawls}"
    return _finding("coverage.broken", run.source, day, source=run.source, now=now, message=message)


def _finding(kind: str, claimant: str, day: date, *, source: str, now: datetime, message: str) -> Finding:
    return Finding(
        kind=kind,
        claimant=claimant,
        metric="",
        as_of=day,
        source=source,
        ref=0,
        known_at=now,
        severity="warning",
        group=f"{claimant}/{day}",
        observed=None,
        expected=None,
        suggestion=None,
        message=message,
    )
