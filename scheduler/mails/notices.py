"""What is told that is no report: the digest, a storm, the end of a silence. Values, and the pages made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeAlias

from pipelines.records import KYIV
from scheduler.checks.finding import Severity
from scheduler.mails.catalog import Catalog, catalog
from scheduler.mails.headline import headline
from scheduler.mails.page import NAME, SENTENCE, Page, Row, Section, Table, Words, footer, labels
from scheduler.mails.quoting import one_line
from scheduler.mails.view import IncidentLine, Recipient
from scheduler.mails.wording import readable
from spiders.items import aware

SHOWN = 20
"""Incidents that a notice names; the command that lists all stands below."""

LINE = 90
"""Characters of what names an incident."""

LATE = "coverage."


@dataclass(frozen=True, kw_only=True, slots=True)
class Dated:
    """An incident with the report that it is about."""

    claimant: str
    as_of: date
    line: IncidentLine


@dataclass(frozen=True, kw_only=True, slots=True)
class Came:
    """What one source brought."""

    source: str
    documents: int  # that are new or were changed
    latest: date | None  # the latest report day that it has told of
    success: datetime | None  # when it could last be read


@dataclass(frozen=True, kw_only=True, slots=True)
class Digest:
    """A period: what came, what was strange, who is late, and what waits for a person."""

    claimant: str
    as_of: date
    transition: int
    period: Literal["daily", "weekly"]
    since: datetime
    until: datetime
    came: tuple[Came, ...]
    strange: tuple[Dated, ...]  # what was found in the period
    standing: tuple[Dated, ...]  # what is open at its end, of whatever day
    milestones: tuple[Dated, ...]
    found: int  # how many, shown or not
    open: int  # how many, shown or not
    held: int  # mails to this reader that a storm holds
    failed: int  # mails to anybody that were refused for good
    silences: tuple[str, ...]  # the reasons of those in force

    def __post_init__(self) -> None:
        aware("until", self.until)


@dataclass(frozen=True, kw_only=True, slots=True)
class Storm:
    """Mails beyond the cap, which are not sent."""

    claimant: str
    as_of: date
    transition: int
    at: datetime
    held: int  # mails
    cap: int  # mails an hour
    worst: tuple[Dated, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SilenceEnded:
    """A silence is over, and what it kept from the reader."""

    claimant: str
    as_of: date
    transition: int
    number: int
    scope: tuple[str, ...]  # its globs
    reason: str
    author: str
    begun_at: datetime
    ended_at: datetime
    ended_by: str  # a person; "" when its time was over
    silenced: int  # incidents, shown or not
    incidents: tuple[Dated, ...]


Notice: TypeAlias = Digest | Storm | SilenceEnded


def notice_page(notice: Notice, recipient: Recipient) -> Page:
    """Write a notice out for one reader."""
    words = catalog(recipient.language)
    match notice:
        case Digest():
            return _digest(notice, recipient, words)
        case Storm():
            return _storm(notice, recipient, words)
        case SilenceEnded():
            return _silence(notice, recipient, words)


def _page(
    *,
    recipient: Recipient,
    words: Catalog,
    headline: str,
    day: date,
    context: str,
    severity: Severity,
    tag: str,
    sentences: Sequence[str],
    numbers: Table | None,
    sections: Sequence[Section],
    acts: Sequence[tuple[str, str]],
) -> Page:
    return Page(
        language=recipient.language,
        subject=f"[tallywatch] {headline} · {words.day(day)}",
        severity=severity,
        settled=False,
        single=False,
        context=context,
        headline=headline,
        tags=(tag,),
        news=tuple(Words(text=sentence, language=words.language) for sentence in sentences),
        numbers=numbers,
        chart="",
        sections=tuple(sections),
        not_shown="",
        acts=tuple((words.text(f"act/{purpose}"), command) for purpose, command in acts),
        footer=footer(recipient, words),
        leave=recipient.unsubscribe,
        labels=labels(words) | {"news": words.text("label/summary")},
    )


def _digest(notice: Digest, recipient: Recipient, words: Catalog) -> Page:
    late = [one for one in notice.standing if one.line.kind.startswith(LATE)]
    rest = [one for one in notice.standing if not one.line.kind.startswith(LATE)]
    well = not notice.open
    sections = [
        _list("late", late, words),
        _list("standing", rest, words),
        _list("strange", notice.strange, words, more=notice.found - len(notice.strange)),
        _list("milestones", notice.milestones, words),
    ]
    acts = [("status", "tallywatch status")]
    if not well:
        acts.insert(0, ("list", "tallywatch incidents list --state open"))
    return _page(
        recipient=recipient,
        words=words,
        headline=words.text("digest/well") if well else words.plural("digest/open", notice.open),
        day=notice.as_of,
        context=words.text(
            f"digest/{notice.period}", since=words.moment(notice.since), until=words.moment(notice.until)
        ),
        severity="info" if well else "warning",
        tag=words.text("digest/sign_of_life"),
        sentences=_summary(notice, words),
        numbers=_came(notice.came, words),
        sections=[section for section in sections if section],
        acts=acts,
    )


def _summary(notice: Digest, words: Catalog) -> list[str]:
    documents = sum(came.documents for came in notice.came)
    found = words.plural("digest/found", notice.found) if notice.found else words.text("digest/nothing")
    sentences = [words.plural("digest/came", documents), found]
    if notice.held:
        sentences.append(words.plural("digest/held", notice.held))
    if notice.failed:
        sentences.append(words.plural("digest/failed", notice.failed))
    sentences += [words.text("digest/silence", reason=one_line(reason, SENTENCE)) for reason in notice.silences]
    return sentences


def _came(came: Sequence[Came], words: Catalog) -> Table | None:
    if not came:
        return None
    return Table(
        caption=words.text("digest/what_came"),
        columns=tuple(words.text(f"label/{name}") for name in ("source", "documents", "latest", "success")),
        rows=tuple(
            Row(
                header=one_line(one.source, NAME),
                cells=(
                    words.number(one.documents),
                    words.short_day(one.latest) if one.latest else "–",
                    words.moment(one.success, one.success.year) if one.success else "–",
                ),
            )
            for one in came
        ),
    )


def _list(name: str, incidents: Sequence[Dated], words: Catalog, more: int = 0) -> Section | None:
    """Name incidents one a line: what, of which report, its number and state."""
    if not incidents:
        return None
    left = len(incidents) - SHOWN + more
    return Section(
        heading="",
        tags=(),
        sentences=(),
        likely=(),
        who=Table(
            caption=words.text(f"digest/{name}"),
            columns=tuple(words.text(f"label/{name}") for name in ("what", "day", "number", "state")),
            rows=tuple(_incident(one, words) for one in incidents[:SHOWN]),
        ),
        quotes=(),
        more=words.plural("label/not_shown", left) if left > 0 else "",
    )


def _incident(one: Dated, words: Catalog) -> Row:
    news = one.line.severity == "info"  # whose number stands in its own words
    return Row(
        header=one_line(readable(one.line.message, words), LINE) if news else headline(one.line, words),
        cells=(words.short_day(one.as_of), f"#{one.line.id}", words.text(f"state/{one.line.state}")),
        marked=one.line.severity == "critical",
    )


def _storm(notice: Storm, recipient: Recipient, words: Catalog) -> Page:
    section = _list("worst", notice.worst, words)
    return _page(
        recipient=recipient,
        words=words,
        headline=words.plural("storm/headline", notice.held),
        day=notice.as_of,
        context=words.moment(notice.at),
        severity="critical",
        tag=words.text("severity/critical"),
        sentences=(words.text("storm/why", cap=words.number(notice.cap)), words.text("storm/how")),
        numbers=None,
        sections=[section] if section else [],
        acts=(
            ("list", "tallywatch incidents list --state open"),
            ("held", "tallywatch mail list --state held"),
        ),
    )


def _silence(notice: SilenceEnded, recipient: Recipient, words: Catalog) -> Page:
    section = _list("silenced", notice.incidents, words, more=notice.silenced - len(notice.incidents))
    return _page(
        recipient=recipient,
        words=words,
        headline=words.plural("silence/headline", notice.silenced) if notice.silenced else words.text("silence/none"),
        day=notice.ended_at.astimezone(KYIV).date(),
        context=words.text("silence/time", since=words.moment(notice.begun_at), until=words.moment(notice.ended_at)),
        severity="warning" if notice.silenced else "info",
        tag=words.text("silence/tag", id=notice.number),
        sentences=(
            words.text("silence/why", author=one_line(notice.author, NAME), reason=one_line(notice.reason, SENTENCE)),
            words.text("silence/scope", scope=one_line(", ".join(notice.scope), SENTENCE)),
            words.text("silence/by", by=one_line(notice.ended_by, NAME))
            if notice.ended_by
            else words.text("silence/expired"),
        ),
        numbers=None,
        sections=[section] if section else [],
        acts=(("list", "tallywatch incidents list --state open"), ("silences", "tallywatch silences list")),
    )
