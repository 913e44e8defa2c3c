"""What a reader found: one number with what its words say of it, before a document is weighed as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Literal

from pipelines.reading.vocabulary import bounds
from pipelines.records import Hedge, Span

Kind = Literal["total", "daily"]
FIRST_DAY = date(2022, 2, 24)
MERGED = date(2022, 5, 1)  # vehicles and fuel tanks are one category from this day on
CEILING = 1.35  # of a floor: what is larger is not that day's total
_MARGIN = 0.85  # between two known days the totals do not grow evenly


@dataclass(slots=True)
class Mention:
    """One number of one metric, as one place in the text states it."""

    claimant: str | None  # None: nobody is named
    metric: str
    kind: Kind
    value: int
    span: Span
    hedge: Hedge | None
    step: int  # the smallest change that this way of writing can tell
    quote: str
    why: tuple[str, ...]
    rounded: bool = False  # a headline's number: it yields to an exact one and is never a claim by itself
    listed: bool = False  # read from a list, which outranks the prose around it
    weak: bool = False  # counts only where the sentence proves to be a tally
    order: int = 0  # sentence or line
    said: bool = False  # a word near it says its kind
    day: date | None = None  # of its own list, when a document has several


@dataclass(slots=True)
class Trouble:
    """Return a number that stands where a tally stands and could not be read."""

    problem: str
    span: Span | None
    quote: str


def metric_on(metric: str, day: date | None) -> str:
    """Return the key under which a category is kept on a day: its name changed when two lines became one."""
    if metric == "vehicles" and (day is None or day >= MERGED):
        return "vehicles_and_fuel_tanks"
    if metric == "vehicles_and_fuel_tanks" and day is not None and day < MERGED:
        return "vehicles"
    return "personnel" if metric == "people" else metric


def could_be_daily(metric: str, value: int) -> bool:
    """Whether a number of this size can be one day's change."""
    return bool(value <= bounds()[metric_on(metric, None)]["daily"])


@lru_cache(maxsize=4096)
def floor(metric: str, day: date | None) -> int:
    """Return what a total of that day is surely above: known days, and a line between them; else the first day's."""
    known = bounds()[metric_on(metric, day)]["floors"]
    when = day or FIRST_DAY
    reached = [point for point in known if point[0] <= when]
    if not reached:
        return 0
    since, least = reached[-1]
    if len(reached) < len(known):
        until, more = known[len(reached)]
        least += (more - least) * (when - since).days // (until - since).days
    return int(least * _MARGIN)


def could_be_total(metric: str, value: int, day: date | None) -> bool:
    """Whether a number of this size can be the running total of that day."""
    return value >= floor(metric, day)
