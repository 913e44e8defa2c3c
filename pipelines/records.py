"""The domain: what is read, what is stored, what the ledger holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from spiders.items import Role, aware

KYIV = ZoneInfo("Europe/Kyiv")
"""Days are Kyiv days: the reports are dated in it."""

Hedge = Literal["about", "more_than", "less_than"]
Span = tuple[int, int]  # [start, end) in characters of the text that was read
Status = Literal["reported", "confirmed", "disputed", "corrected", "withdrawn"]

GENERAL_STAFF = "general_staff_ukraine"


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """One number (a total, with the change printed beside it) as one text states it."""

    claimant: str  # who vouches for it, whoever repeats it
    metric: str  # key of pipelines.metrics.METRICS
    as_of: date | None  # the report day, Kyiv; None when the text does not tell
    total: int | None  # cumulative since 2022-02-24
    daily: int | None  # change over the 24 hours before the report; may be negative
    hedge: Hedge | None
    total_span: Span | None
    daily_span: Span | None
    quote: str  # the line or sentence it stands in, bounded
    reader: str  # which reader read it
    note: str | None  # what the reader wants a person to know
    why: tuple[str, ...] = ()  # rule and words that decided metric, claimant, day, kind: for --explain


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Something in a text that looks like a tally and could not be read. Never a guess, never dropped."""

    problem: str  # one sentence
    span: Span | None
    quote: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What one text says."""

    text: str  # the text that spans index
    extractor: str  # name/version of what made the text: spans are valid for it alone
    reader: str  # name/version of the reader chosen from the content; "none" when nothing fits
    claims: tuple[Claim, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """A claim as stored: what one source said of one cell, and when the world could know it.

    `total` or `daily` is None where the source did not state it. A source that repeats itself is one
    observation; a source that changes its mind is a second one with a later `known_at`.
    """

    source: str
    role: Role
    claimant: str
    metric: str
    as_of: date
    total: int | None
    daily: int | None
    known_at: datetime
    document: str = ""  # the publisher's id or URL of the document it was read from
    ref: int = 0  # id of the stored claim; in a backtest the number of the row
    last_there: datetime | None = None  # of a document that was taken back; total and daily are None then, or older

    def __post_init__(self) -> None:
        aware("known_at", self.known_at)


@dataclass(frozen=True, kw_only=True, slots=True)
class Dissent:
    """A source whose latest word on a cell is another number."""

    source: str
    total: int
    since: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """What the ledger holds for one cell, since one moment. Nothing is averaged, nothing is dropped."""

    claimant: str
    metric: str
    as_of: date
    total: int | None
    daily: int | None
    status: Status
    supports: tuple[str, ...]  # sources whose latest word is this total, best first
    dissents: tuple[Dissent, ...]
    known_since: datetime

    @property
    def cell(self) -> tuple[str, str, date]:
        """(claimant, metric, as_of)."""
        return self.claimant, self.metric, self.as_of
