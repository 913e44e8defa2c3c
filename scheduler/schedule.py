"""When a source is polled next: values in, a moment out. No clock, no database, no randomness of its own.

Dense while the report of the day is awaited, sparse otherwise; later and later while the source fails; at once when
another source has the report. Moments are compared in UTC: Python compares two times of one zone by the hands of the
clock, which on the last Sunday of October show the same hour twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from pipelines.records import KYIV
from spiders.base import Window

Random = Callable[[], float]
"""Gives a number from 0 up to 1, as `random.random` does."""

DENSE = (timedelta(minutes=2), timedelta(minutes=5))
"""Between two polls while the report is awaited: soon enough for a newsroom, and no burden for a site."""

CADENCE_SHARE = 12
"""So many times as often as its cadence a source is polled at most: one that is due for days is not besieged."""

SPREAD = 0.1
"""Share of a cadence by which a poll comes earlier or later, so that twelve sources are not polled in one second."""

LONGEST_PAUSE = timedelta(hours=1)
"""Of a source that fails and fails, unless it is polled less often when it is well."""

AT_ONCE = timedelta(seconds=5)
"""Within which polls that are due at the same moment are spread: an opening window, a start, a hint."""

DOUBLINGS = 12
"""Enough to reach the longest pause from the shortest."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rhythm:
    """What a source declares of its polls, or what the configuration says instead."""

    cadence: timedelta  # between two polls when nothing is awaited
    window: Window | None  # None: nothing is ever awaited


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """What is known of a source when its next poll is chosen."""

    polled_at: datetime | None = None  # aware; None: never
    failures: int = 0  # broken crawls in a row, up to now
    latest: date | None = None  # Kyiv day of its newest report
    hinted_at: datetime | None = None  # aware; when another source first had the report of today
    filled: bool = False  # its past was fetched when it was new


def next_poll(rhythm: Rhythm, history: History, now: datetime, random: Random) -> datetime:
    """Return when a source is to be polled next, in UTC: at `now` or later, never earlier.

    However long nobody was there, one poll makes up for all that were missed.
    """
    now = now.astimezone(UTC)
    if history.polled_at is None:
        return now + AT_ONCE * random()
    last = min(history.polled_at.astimezone(UTC), now)
    if history.failures:
        return max(last + pause(rhythm, history, now, random), now)
    if hinted(rhythm, history, now) and (history.hinted_at or now) > last:
        return now + AT_ONCE * random()
    if awaited(rhythm, history, now):
        return max(last + dense(rhythm, random()), now)
    regular = last + rhythm.cadence * (1 + SPREAD * (2 * random() - 1))
    opening = next_opening(rhythm, history, now)
    due = regular if opening is None else min(regular, opening + AT_ONCE * random())
    return max(due, now)


def pause(rhythm: Rhythm, history: History, now: datetime, random: Random) -> timedelta:
    """Return how long a source that fails is left alone: doubled with each failure, up to a bound, with jitter."""
    first = dense(rhythm, 0) if awaited(rhythm, history, now) else rhythm.cadence
    longest = max(LONGEST_PAUSE, rhythm.cadence)
    return min(first * (1 << min(history.failures, DOUBLINGS)), longest) * (0.75 + random() / 2)


def awaited(rhythm: Rhythm, history: History, now: datetime) -> bool:
    """Whether the report of today may come at any moment: it is due, and its window is open or in its grace."""
    if rhythm.window is None or not missing(rhythm.window, history, now):
        return False
    opens, ends = bounds(rhythm.window, day_of(now))
    return (opens <= now < ends) or (hinted(rhythm, history, now) and now < ends)


def hinted(rhythm: Rhythm, history: History, now: datetime) -> bool:
    """Whether another source has the report of today, and this one, which is to have it too, has not."""
    if rhythm.window is None or history.hinted_at is None or day_of(history.hinted_at) != day_of(now):
        return False
    if history.hinted_at > now:  # the clock was set back since: it would call for a poll after each poll
        return False
    return missing(rhythm.window, history, now)


def missing(window: Window, history: History, now: datetime) -> bool:
    """Whether a report is due today that the source has not brought."""
    return history.latest is None or history.latest + timedelta(days=window.every) <= day_of(now)


def next_opening(rhythm: Rhythm, history: History, now: datetime) -> datetime | None:
    """Return when the source's window opens next with a report due, if it has one."""
    if rhythm.window is None:
        return None
    today = day_of(now)
    due = today if history.latest is None else max(history.latest + timedelta(days=rhythm.window.every), today)
    opens, _ = bounds(rhythm.window, due)
    return opens if opens > now else bounds(rhythm.window, due + timedelta(days=1))[0]


def bounds(window: Window, day: date) -> tuple[datetime, datetime]:
    """Return, in UTC, when a day's report begins to be awaited and when it is given up."""
    return moment(day, window.opens), moment(day, window.closes) + window.grace


def moment(day: date, at: time) -> datetime:
    """Return a time of a Kyiv day in UTC. An hour that the day skips is the one after it."""
    return datetime.combine(day, at, KYIV).astimezone(UTC)


def day_of(at: datetime) -> date:
    """Return the Kyiv day of a moment."""
    return at.astimezone(KYIV).date()


def dense(rhythm: Rhythm, share: float) -> timedelta:
    """Return the time between two polls while the report is awaited; `share` (0 to 1) is where it lies in its span."""
    shortest, longest = DENSE
    return min(max(shortest + (longest - shortest) * share, rhythm.cadence / CADENCE_SHARE), rhythm.cadence)
