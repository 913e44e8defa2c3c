"""What leaves this package: documents as they were found, and what a crawl has to say of itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Role = Literal["official", "relay", "mirror", "rival"]
"""Who speaks, not how it was fetched: an archived page keeps the role of its source."""


def aware(name: str, moment: datetime | None) -> None:
    """Refuse a naive time: it would mean another moment on another machine.

    Raises ValueError with the field's name.
    """
    if moment is not None and moment.tzinfo is None:
        raise ValueError(f"{name} must carry a time zone: {moment!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """One HTTP response, verbatim, as evidence: several documents may have been cut out of it."""

    url: str  # after redirects
    status: int
    headers: tuple[tuple[str, str], ...]  # as received, in order; names as sent
    body: bytes  # decoded from its transfer and content encoding
    fetched_at: datetime

    def __post_init__(self) -> None:
        aware("fetched_at", self.fetched_at)


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """One thing that a source published: a post, an article, a report, a row. Never the page that lists it."""

    source: str
    key: str  # the publisher's own id or URL; (source, key) is the identity
    url: str  # where a person can read it
    content: bytes  # verbatim: the post's own HTML, the article's page, the row's JSON
    content_type: str  # "text/html; charset=utf-8"; what `content` is encoded in
    canonical: bytes  # what makes a version: without counters, nonces and sidebars. Hashed, never read
    published_at: datetime | None  # as the publisher says
    edited: bool = False  # the publisher marks it as edited
    captured_at: datetime | None = None  # of an archive's copy
    exchange: Exchange = field(repr=False)

    def __post_init__(self) -> None:
        aware("published_at", self.published_at)
        aware("captured_at", self.captured_at)

    @property
    def known_at(self) -> datetime:
        """When the world could know this version.

        Publication, for a version that shows no edit; else the capture, else the fetch, because publishers
        print the time of publication but not that of an edit.
        """
        if self.published_at is not None and not self.edited:
            return self.published_at
        return self.captured_at or self.exchange.fetched_at


@dataclass(frozen=True, kw_only=True, slots=True)
class Unchanged:
    """The source answered 304, or listed a document as it was: nothing but `last_seen` moves."""

    source: str
    url: str
    fetched_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Absent:
    """Documents that a page does not show between two that it does: taken back, or never there.

    Nothing is said of what lies beyond the first and the last one of a page, nor by a page that was in any trouble.
    """

    source: str
    keys: tuple[str, ...]  # as documents have them
    looks: int  # how many in a row make it certain
    exchange: Exchange = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """Something that a source did to us, as a fact to record: its cause is one of `spiders.exceptions.CAUSES`."""

    source: str
    url: str
    cause: str
    detail: str  # one sentence, bounded, may quote the page
    at: datetime
    exchange: Exchange | None = field(default=None, repr=False)
