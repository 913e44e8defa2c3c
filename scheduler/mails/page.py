"""From a thread to the page of its mail: every sentence and number written out, for both templates alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from scheduler.checks.finding import Severity
from scheduler.mails.catalog import Catalog, catalog
from scheduler.mails.headline import SETTLED, blames_daily, headline, report_headline, subject, values, worst_first
from scheduler.mails.quoting import Excerpt, clean, excerpt, one_line, web_address
from scheduler.mails.series import changes, usual
from scheduler.mails.view import ActLink, Event, IncidentLine, Quote, Recipient, Saying, Series, Thread
from scheduler.mails.wording import readable

ROWS = 20  # incidents in the table of numbers
DETAILED = 4  # incidents told with their words; the others stand in the table
SAYINGS = 12  # sources of one incident
QUOTES = 3  # of one incident
NEWS = 8  # events at the top
SENTENCE = 400  # characters of a check's or a person's sentence
NAME = 40  # characters of a source's name
REPORT_WIDE = {"contradiction.stale", "contradiction.date"}
"""Kinds that blame a report as a whole: one of its incidents told in full tells them all."""

VERDICTS = {"correction": "correction", "redefinition": "redefinition", "unknown": "VERDICT"}
"""What a person would answer to a diagnosis; every other one is a typo."""

NUMBERS = ("contradiction.", "trend.")
"""Kinds about numbers, which a person explains; others are closed when they are dealt with."""

NO_REPORT = ("operations.", "coverage.broken")
"""Kinds that are about a day and not about a report."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One line of a table."""

    header: str
    cells: tuple[str, ...]
    marked: bool = False  # the one that the mail is about; its first cell above all


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A small table with a header per row; without columns it is a list of facts."""

    caption: str
    columns: tuple[str, ...]  # the first stands above the row headers
    rows: tuple[Row, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """A sentence, and its language where that is not the page's."""

    text: str
    language: str


@dataclass(frozen=True, kw_only=True, slots=True)
class QuoteBlock:
    """Quoted words with where and when they stood."""

    source: str
    words: Excerpt
    language: str
    published: str
    links: tuple[tuple[str, str], ...]  # (label, URL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """One incident told in full."""

    heading: str
    tags: tuple[str, ...]
    sentences: tuple[Words, ...]
    likely: tuple[Words, ...]
    who: Table | None
    quotes: tuple[QuoteBlock, ...]
    links: tuple[tuple[str, str], ...] = ()  # (what for, the URL), for this incident alone
    more: str = ""  # what the table leaves out


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A whole mail, written out."""

    language: str
    subject: str
    severity: Severity
    settled: bool  # nothing is left to do
    single: bool  # about one incident, whose heading is the mail's
    context: str  # whose report, of which day
    headline: str
    tags: tuple[str, ...]
    news: tuple[Words, ...]
    numbers: Table | None
    chart: str  # what it shows, in words; "" without one
    sections: tuple[Section, ...]
    not_shown: str
    acts: tuple[tuple[str, str], ...]  # (what for, the command)
    footer: tuple[str, ...]
    labels: dict[str, str]
    links: tuple[tuple[str, str], ...] = ()  # (what for, the URL)
    reply: str = ""  # how to answer by mail
    leave: str = ""  # where one click ends the mails


def page(thread: Thread, recipient: Recipient) -> Page:
    """Write a thread out for one reader."""
    words = catalog(recipient.language)
    lines = worst_first(thread.incidents, words)
    worst = lines[0]
    return Page(
        language=recipient.language,
        subject=subject(thread, lines, words),
        severity=worst.severity,
        settled=worst.state in SETTLED,
        single=len(lines) == 1,
        context=_context(thread, worst, words),
        headline=report_headline(lines, words),
        tags=_tags(worst, words)[: None if len(lines) == 1 else 1],
        news=_news(thread, lines, words),
        numbers=_facts(worst, words) if len(lines) == 1 else _overview(lines[:ROWS], words),
        chart=_caption(thread.series, words),
        sections=_sections(_detailed(lines), thread.as_of.year, words),
        not_shown=words.plural("label/not_shown", len(lines) - ROWS) if len(lines) > ROWS else "",
        acts=_acts(lines[:ROWS], words),
        footer=footer(recipient, words),
        labels=labels(words),
        links=_links(thread.acts, words),
        leave=recipient.unsubscribe,
        reply=words.text("answer/reply") if recipient.replies and worst.state not in SETTLED else "",
    )


def footer(recipient: Recipient, words: Catalog) -> tuple[str, ...]:
    """Return what stands below every mail."""
    return (
        words.text("footer/guess"),
        words.text("footer/times"),
        words.text("footer/why", address=recipient.address),
    )


def labels(words: Catalog) -> dict[str, str]:
    """Return the words that the templates set by themselves."""
    return {key: label for key, label in words.table["label"].items() if isinstance(label, str)}


def _context(thread: Thread, worst: IncidentLine, words: Catalog) -> str:
    day = words.long_day(thread.as_of)
    when = day if worst.kind.startswith(NO_REPORT) else words.text("label/report", day=day)
    return f"{words.claimant(thread.claimant)} · {when}"


def _detailed(lines: Sequence[IncidentLine]) -> list[IncidentLine]:
    """Choose the incidents that are told in full."""
    told: list[IncidentLine] = []
    for line in lines:
        if line.kind not in REPORT_WIDE or line.kind not in {before.kind for before in told}:
            told.append(line)
    return told[:DETAILED]


def _tags(line: IncidentLine, words: Catalog) -> tuple[str, ...]:
    """Tell state and severity, first the one that matters now."""
    severity, state = words.text(f"severity/{line.severity}"), words.text(f"state/{line.state}")
    first = (state, severity) if line.state in SETTLED else (severity, state)
    return (*first, words.text("label/incident", id=line.id))


def _news(thread: Thread, lines: Sequence[IncidentLine], words: Catalog) -> tuple[Words, ...]:
    """Tell what happened since the last mail; a first mail is news as a whole."""
    if all(event.what == "opened" for event in thread.news) and thread.transition == 1:
        return ()
    about = {line.id: line for line in lines}
    known = [event for event in thread.news if event.incident in about]
    told = [said for event in known[:NEWS] for said in _event(event, about[event.incident], words)]
    if len(known) > NEWS:
        told.append(Words(text=words.plural("news/more", len(known) - NEWS), language=words.language))
    return tuple(told)


def _event(event: Event, line: IncidentLine, words: Catalog) -> list[Words]:
    sentence = words.text(
        f"news/{event.what}",
        headline=headline(line, words),
        lasted=words.duration(event.at - line.opened_at),
        by=one_line(event.by, NAME) or words.text("news/somebody"),
        verdict=words.text(f"verdict/{line.verdict}") if line.verdict else "–",
    )
    told = [Words(text=sentence, language=words.language)]
    if event.note and event.note != line.message:  # which the mail says anyway
        note = event.note if event.by else readable(event.note, words)
        told.append(Words(text=one_line(note, SENTENCE), language=""))
    return told


def _facts(line: IncidentLine, words: Catalog) -> Table | None:
    """List the numbers of the only incident, one below the other."""
    written = values(line, words)
    names = ("before", "now", "moved", "printed", "expected")
    blamed = "now" if not blames_daily(line) else "moved" if line.printed is None else "printed"
    rows = tuple(
        Row(header=words.text(f"label/{name}"), cells=(value,), marked=name == blamed)
        for name in names
        if (value := written[name]) is not None
    )
    return Table(caption=words.text("label/numbers"), columns=(), rows=rows) if rows else None


def _overview(lines: Sequence[IncidentLine], words: Catalog) -> Table | None:
    """Set the numbers of several incidents side by side; a column that nobody fills is left out."""
    cells = {(line.metric, line.now, line.printed): line for line in reversed(lines)}
    kept = [line for line in lines if line is cells[line.metric, line.now, line.printed]]
    written = [values(line, words) for line in kept]
    names = [name for name in ("before", "now", "printed", "expected") if any(row[name] for row in written)]
    if not names:
        return None
    often = Counter(line.metric for line in kept)
    return Table(
        caption=words.text("label/numbers"),
        columns=(words.text("label/metric"), *(words.text(f"label/{name}") for name in names)),
        rows=tuple(
            Row(
                header=_cell_name(line, words, with_source=often[line.metric] > 1),
                cells=tuple(row[name] or "–" for name in names),
            )
            for line, row in zip(kept, written, strict=True)
        ),
    )


def _cell_name(line: IncidentLine, words: Catalog, *, with_source: bool) -> str:
    """Name the row of an incident: the metric; its source too, where sources give it different numbers."""
    metric, source = words.metric(line.metric), one_line(line.source, NAME)
    return f"{metric} ({source})" if metric and source and with_source else metric or source


def _caption(series: Series | None, words: Catalog) -> str:
    """Say in words what the chart shows: its text for those who do not see it."""
    told = changes(series) if series else ()
    if series is None or not told:
        return ""
    low, high = usual(told)
    flags = [
        words.text("chart/flag", day=words.short_day(day.day), change=words.change(day.change))
        for day in told
        if day.flagged
    ]
    return words.text(
        "chart/caption" if flags else "chart/quiet",
        metric=words.metric(series.metric),
        first=words.short_day(told[0].day),
        last=words.day(told[-1].day),
        low=words.change(low),
        high=words.change(high),
        flagged="; ".join(flags),
    )


def _sections(lines: Sequence[IncidentLine], year: int, words: Catalog) -> tuple[Section, ...]:
    """Tell incidents in full; who says what of a metric, and the words themselves, are shown once."""
    sections: list[Section] = []
    metrics: set[str] = set()
    quoted: set[Quote] = set()
    for line in lines:
        sayings = () if line.metric in metrics else line.sayings
        quotes = tuple(quote for quote in line.quotes if quote not in quoted)
        metrics.add(line.metric)
        quoted.update(quotes)
        sections.append(_section(replace(line, sayings=sayings, quotes=quotes), year, words))
    return tuple(sections)


def _section(line: IncidentLine, year: int, words: Catalog) -> Section:
    return Section(
        heading=headline(line, words),
        tags=_tags(line, words),
        sentences=_sentences(line, words),
        likely=_likely(line, words),
        who=_who(line, year, words),
        quotes=tuple(quote_block(quote, words) for quote in line.quotes[:QUOTES]),
        links=_links(line.acts, words),
    )


def _sentences(line: IncidentLine, words: Catalog) -> tuple[Words, ...]:
    """Say what is wrong in the reader's language where that can be said, then what the check itself says."""
    said = words.first(
        (f"sentence/{line.kind}{'' if line.metric else '.whole'}", f"sentence/{line.kind}"), values(line, words)
    )
    own = one_line(readable(line.message, words), SENTENCE)
    if not said:
        return (Words(text=own, language="en"),)
    quoted = f"{words.text('label/checks_words')}: {own}"
    return Words(text=said, language=words.language), Words(text=quoted, language="en")


def _likely(line: IncidentLine, words: Catalog) -> tuple[Words, ...]:
    if line.suggestion is None:
        return ()
    guess = line.suggestion
    said = words.text(f"diagnosis/{guess.diagnosis}/long")
    if guess.value is not None:
        value = words.change(guess.value) if guess.field == "daily" else words.number(guess.value)
        said += " " + words.text(f"suggestion/{guess.field}", value=value)
    told = [Words(text=said, language=words.language)]
    if guess.evidence:
        told.append(Words(text=one_line(readable(guess.evidence, words), SENTENCE), language="en"))
    return tuple(told)


def _who(line: IncidentLine, year: int, words: Catalog) -> Table | None:
    if not line.sayings:
        return None
    columns = tuple(words.text(f"label/{name}") for name in ("source", "says", "since"))
    return Table(
        caption=words.text("label/who"),
        columns=columns,
        rows=tuple(_saying(saying, line, year, words) for saying in line.sayings[:SAYINGS]),
    )


def _saying(saying: Saying, line: IncidentLine, year: int, words: Catalog) -> Row:
    total = words.number(saying.total)
    said = total if saying.daily is None else f"{total} ({words.change(saying.daily)})"
    name = f"{one_line(saying.source, NAME)} ({words.text(f'role/{saying.role}')})"
    blamed = saying.total is not None and saying.total == line.now
    return Row(header=name, cells=(said, words.moment(saying.since, year)), marked=blamed)


def quote_block(quote: Quote, words: Catalog) -> QuoteBlock:
    """Write out quoted words with where and when they stood."""
    links = (("read_at", quote.url), ("archived", quote.archived))
    at = quote.published_at
    return QuoteBlock(
        source=one_line(quote.source, NAME),
        words=excerpt(quote.text, quote.marked),
        language=clean(quote.language)[:NAME],
        published=words.text("label/published", at=words.moment(at)) if at else "",
        links=tuple((words.text(f"label/{name}"), web_address(url)) for name, url in links if web_address(url)),
    )


def _links(acts: Sequence[ActLink], words: Catalog) -> tuple[tuple[str, str], ...]:
    return tuple((words.text(f"answer/{act.act}"), act.url) for act in acts)


def _acts(lines: Sequence[IncidentLine], words: Catalog) -> tuple[tuple[str, str], ...]:
    """Name the commands for what is left to do, worst first; nothing, when everything is settled."""
    standing = sorted(line.id for line in lines if line.state not in SETTLED)
    worst = lines[0]
    acts = [("show", f"show {worst.id}")]
    if standing:
        acts.append(("ack", f"ack {' '.join(map(str, standing))}"))
        acts.append(_ending(worst))
    return tuple((words.text(f"act/{purpose}"), f"tallywatch incidents {command}") for purpose, command in acts)


def _ending(line: IncidentLine) -> tuple[str, str]:
    """Name the command that ends an incident: numbers are explained, everything else is closed."""
    if not line.kind.startswith(NUMBERS):
        return "close", f"close {line.id}"
    diagnosis = line.suggestion.diagnosis if line.suggestion else "unknown"
    return "explain", f"explain {line.id} {VERDICTS.get(diagnosis, 'typo')}"
