"""The one clock: everything that asks for the time gets it from here."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, date, datetime, time

from pipelines.records import KYIV
from scheduler.exceptions import WrongUse

Clock = Callable[[], datetime]
"""Tells the time, aware, UTC."""


def system_clock() -> datetime:
    """Tell the machine's time."""
    return datetime.now(UTC)


def clock_from_environment() -> Clock:
    """Return the system's clock, or one that was set to TALLYWATCH_NOW and runs on from there.

    Raises WrongUse when TALLYWATCH_NOW is not an ISO time.
    """
    given = os.environ.get("TALLYWATCH_NOW")
    if not given:
        return system_clock
    ahead = moment(given, "TALLYWATCH_NOW") - system_clock()
    return lambda: system_clock() + ahead


def moment(text: str, name: str) -> datetime:
    """Read an ISO time; a naive one is Kyiv time, a bare day is its end (what was known on that day).

    Raises WrongUse with the name of what was given.
    """
    try:
        if len(text) == len("2023-03-08"):
            return datetime.combine(date.fromisoformat(text), time.max, KYIV).astimezone(UTC)
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise WrongUse(f"{name} must be an ISO time such as 2023-03-08T12:00, not {text!r}") from error
    return (read if read.tzinfo else read.replace(tzinfo=KYIV)).astimezone(UTC)


def day(text: str, name: str) -> date:
    """Read an ISO day.

    Raises WrongUse with the name of what was given.
    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise WrongUse(f"{name} must be a day such as 2023-03-08, not {text!r}") from error


def kyiv_day(at: datetime) -> date:
    """Return the Kyiv day of a moment."""
    return at.astimezone(KYIV).date()
