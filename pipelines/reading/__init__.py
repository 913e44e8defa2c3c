"""Text to claims: one entry point for posts, pages, articles, tables and the JSON of mirrors."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final

from pipelines.reading import mirrors, pages
from pipelines.reading.dates import (
    Day,
    attributed_day,
    date_from_totals,
    head_day,
    heading_day,
    kyiv_day,
    noted,
    range_day,
    sentence_day,
    since_invasion,
    stated_day,
    url_day,
)
from pipelines.reading.language import language
from pipelines.reading.lists import Listed, read_lists
from pipelines.reading.numbers import thousands
from pipelines.reading.phrases import phrases
from pipelines.reading.prose import Found, Words, read_prose
from pipelines.reading.speech import Context
from pipelines.reading.tokens import fold
from pipelines.reading.vocabulary import lexicon, trigger
from pipelines.reading.weigh import Report, weigh
from pipelines.records import GENERAL_STAFF, Claim, Problem, Reading

VERSION: Final = "1"
"""Bumped when the reader learns: stored documents are read again then."""

_LONGEST_TEXT = 1_000_000  # characters; the longest report has two thousand
_FULL_LIST = 8  # categories after which the prose around a list has nothing to add but roundings
_TITLE = 600  # characters of the first lines
_HEAD = 3  # lines in which a title or a date line stands

__all__ = ["VERSION", "date_from_totals", "read"]


def read(
    content: bytes | str,
    *,
    content_type: str = "",
    url: str | None = None,
    published_at: datetime | None = None,
    speaker: str | None = None,
) -> Reading:
    """Read whatever a source published.

    `speaker` is the claimant that the source itself is; None for a file given by hand. A naive
    `published_at` is Kyiv time. Any input yields a Reading; what is not understood is among its problems.
    """
    decoded = pages.decode(content, content_type)
    data = mirrors.loads(decoded)
    if data is not None:
        return _read_json(decoded, data, url, published_at, speaker)
    if pages.is_page(decoded, content_type):
        page = pages.page(decoded)
        return _read_text(page.text, page.extractor, url, published_at, speaker)
    return _read_text(decoded, "text/1", url, published_at, speaker)


def _read_json(
    decoded: str, data: Any, url: str | None, published_at: datetime | None, speaker: str | None
) -> Reading:
    rows = mirrors.records(data)
    if rows:
        reader = f"mirror/{VERSION}"
        claims, troubles = mirrors.read_records(rows, decoded, reader)
        problems = tuple(Problem(problem=t.problem, span=t.span, quote=t.quote) for t in troubles)
        return Reading(text=decoded, extractor="json/1", reader=reader, claims=tuple(claims), problems=problems)
    posts = mirrors.posts(data)
    if len(posts) == 1:
        return _read_text(posts[0].text, "json/1", url, posts[0].published_at or published_at, speaker)
    text, found, issues = "", [], []
    for post in posts:
        reading = _read_text(post.text, "json/1", url, post.published_at or published_at, speaker)
        found += [_moved(claim, len(text)) for claim in reading.claims]
        issues += [Problem(problem=p.problem, span=_shift(p.span, len(text)), quote=p.quote) for p in reading.problems]
        text += post.text + "\n\n"
    reader = found[0].reader if found else "none"
    return Reading(
        text=text or decoded, extractor="json/1", reader=reader, claims=tuple(found), problems=tuple(issues)
    )


def _moved(claim: Claim, by: int) -> Claim:
    return replace(claim, total_span=_shift(claim.total_span, by), daily_span=_shift(claim.daily_span, by))


def _shift(span: tuple[int, int] | None, by: int) -> tuple[int, int] | None:
    return (span[0] + by, span[1] + by) if span else None


def _read_text(
    text: str, extractor: str, url: str | None, published_at: datetime | None, speaker: str | None
) -> Reading:
    text = text[:_LONGEST_TEXT]
    if not trigger().search(text.lower()):
        return Reading(text=text, extractor=extractor, reader="none", claims=(), problems=())
    folded = fold(text)
    published = kyiv_day(published_at)
    codes = language(text) or ("en",)
    listed = read_lists(text, folded, codes, published, speaker)
    prose = _prose(text, folded, codes, listed, published, speaker)
    day = listed.day or _document_day(folded, prose, url, published)
    stated = day is not None
    day = day or (Day(published, "day: its publication") if published else None)
    if not listed.mentions and not prose.mentions:
        problems = tuple(
            Problem(problem=t.problem, span=t.span, quote=t.quote) for t in (*listed.troubles, *prose.troubles)
        )
        return Reading(text=text, extractor=extractor, reader="none", claims=(), problems=problems)
    name = "list" if listed.mentions else "prose"
    report = Report(
        day=day.day if day else None,
        reader=f"{name}/{VERSION}",
        note=noted(day.day if day else None, published, stated=stated),
        why=day.why if day else "day: the text does not tell",
        speaker=speaker,
        russian=prose.russian or listed.headed,
        war=prose.war or listed.headed,
    )
    claims, issues = weigh([*listed.mentions, *prose.mentions], [*listed.troubles, *prose.troubles], report)
    return Reading(
        text=text,
        extractor=extractor,
        reader=report.reader if claims else "none",
        claims=tuple(claims),
        problems=tuple(issues),
    )


def _prose(
    text: str, folded: str, codes: tuple[str, ...], listed: Listed, published: date | None, speaker: str | None
) -> Found:
    """Return the sentences around the lists, unless the lists already say everything."""
    totals = {mention.metric for mention in listed.mentions if mention.kind == "total"}
    if (
        len(totals) >= _FULL_LIST
        and "personnel" in totals
        and any(mention.kind == "daily" for mention in listed.mentions)
    ):
        return Found()
    spans = _uncovered(listed.covered, len(text))
    day = listed.day or range_day(folded[:5000], published) or _title_day(folded, codes[0], published)
    words = Words(lexicon=lexicon(codes[0]), thousands=thousands(folded), day=day.day if day else published)
    return read_prose(text, folded, spans, words, Context(claimant=speaker, main=speaker))


def _title_day(folded: str, code: str, published: date | None) -> Day | None:
    """Return the full date in the first lines, by which the size of numbers is judged before all is read."""
    lines = folded[:_TITLE].split("\n")[:_HEAD]
    rows = (phrases(line, 0, len(line), lexicon(code), frozenset()) for line in lines if line.strip())
    return next((day for row in rows if (day := head_day(row, published))), None)


def _uncovered(covered: list[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    spans, at = [], 0
    for start, end in sorted(covered):
        if start > at:
            spans.append((at, start))
        at = max(at, end)
    return [*spans, (at, length)] if at < length else spans


def _document_day(folded: str, prose: Found, url: str | None, published: date | None) -> Day | None:
    """Return the day of a text without a dated list: a stated range, a sentence with claims, a title, the address."""
    ranged = range_day(folded[:5000], published)
    if ranged:
        return ranged
    told: dict[int, list[tuple[int, str, bool]]] = {}
    for mention in prose.mentions:
        if mention.claimant in {None, GENERAL_STAFF}:
            told.setdefault(mention.order, []).append((mention.span[0], mention.kind, mention.said))
    for items in prose.sentences:
        if day := since_invasion(items, published):
            return day
    head = range(min(_HEAD, len(prose.sentences)))
    for order in sorted({*told, *head}):
        if day := stated_day(prose.sentences[order], published):
            return day
    for items in prose.sentences:
        if day := attributed_day(items, published):
            return day
    for order in head:
        if order not in told and (day := heading_day(prose.sentences[order], published)):
            return day
    for order, spans in sorted(told.items()):
        if day := sentence_day(prose.sentences[order], published, spans):
            return day
    for order in head:
        if day := head_day(prose.sentences[order], published):
            return day
    return url_day(url, published)
