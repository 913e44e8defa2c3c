"""What a mail is made of: plain values, so that composing one needs neither database nor clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from pipelines.records import Span
from scheduler.checks.finding import Field, Severity, Suggestion
from spiders.items import Role, aware

CHANNEL = "channel:"
"""What stands before the name of a channel, where a mail has its address."""

Language = Literal["en", "uk"]
State = Literal["open", "acknowledged", "snoozed", "explained", "closed", "withdrawn"]
Verdict = Literal["typo", "correction", "redefinition", "ours"]
Happening = Literal[
    "opened", "updated", "resolved", "explained", "acknowledged", "snoozed", "closed", "withdrawn", "reminder", "woken"
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipient:
    """Who reads it."""

    address: str  # bare, name@example.org; or channel:NAME
    language: Language = "en"
    unsubscribe: str = ""  # where one click ends the mails; "" when there are no links
    replies: bool = False  # whether an answer is read
    reply_to: str = ""  # where answers go, when not to the sender
    key: str = field(default="", repr=False)  # what mails to them are named with, so that nobody guesses a name

    @property
    def channel(self) -> str:
        """The name of the channel; "" for one who gets mails."""
        return self.address.removeprefix(CHANNEL) if self.address.startswith(CHANNEL) else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ActLink:
    """One thing that a reader can do by following a link: a key of the words of acts, and where to."""

    act: str
    url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Earlier:
    """A mail of the same thread that this recipient was sent before."""

    message_id: str  # as in its header, with angle brackets
    subject: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Quote:
    """The words themselves, as the source published them. Hostile until escaped."""

    source: str
    text: str
    marked: Span | None  # the number, in characters of `text`
    language: str  # of the words, ISO 639; "" when unknown
    url: str  # where a person can read the document
    archived: str = ""  # URL of the copy that was kept
    published_at: datetime | None = None

    def __post_init__(self) -> None:
        aware("published_at", self.published_at)


@dataclass(frozen=True, kw_only=True, slots=True)
class Saying:
    """What one source says of the cell, and since when."""

    source: str
    role: Role
    total: int | None
    daily: int | None
    since: datetime

    def __post_init__(self) -> None:
        aware("since", self.since)


@dataclass(frozen=True, kw_only=True, slots=True)
class IncidentLine:
    """One incident as a reader meets it."""

    id: int
    kind: str
    metric: str  # "" where the whole report or a source is meant
    severity: Severity
    state: State
    message: str  # one sentence, English: what the check said
    opened_at: datetime
    field: Field = "total"  # which number is blamed; `expected` speaks of the same one
    before: int | None = None  # total of the report before
    now: int | None = None  # total of this report
    printed: int | None = None  # change printed beside it
    expected: int | None = None
    suggestion: Suggestion | None = None
    source: str = ""  # whose number or silence it is
    verdict: Verdict | None = None
    sayings: tuple[Saying, ...] = ()
    quotes: tuple[Quote, ...] = ()
    acts: tuple[ActLink, ...] = ()  # for this one alone

    def __post_init__(self) -> None:
        aware("opened_at", self.opened_at)


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """What happened to an incident and made this mail."""

    what: Happening
    incident: int  # its id
    at: datetime
    by: str = ""  # a person, or nobody
    note: str = ""  # what resolved it, or the person's own words

    def __post_init__(self) -> None:
        aware("at", self.at)


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One report day of a series."""

    day: date
    total: int | None
    daily: int | None  # the printed change


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """The recent past of one metric, for the chart."""

    metric: str
    points: tuple[Point, ...]  # in order of days; a day without a report is left out
    flagged: tuple[date, ...] = ()  # days that an incident blames


@dataclass(frozen=True, kw_only=True, slots=True)
class Thread:
    """One report (claimant and day) with everything found in it: one thread in a reader's mailbox."""

    claimant: str
    as_of: date
    transition: int  # counts the mails of the thread, from 1
    incidents: tuple[IncidentLine, ...]
    news: tuple[Event, ...]  # why this mail is sent now
    series: Series | None = None  # of the metric that matters most
    acts: tuple[ActLink, ...] = ()  # for everything in it

    def __post_init__(self) -> None:
        if not self.incidents:
            raise ValueError("a thread tells of at least one incident")
