"""Text to claims: one entry point for posts, pages, articles, tables and the JSON of mirrors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from pipelines.reading import mirrors, pages
from pipelines.reading.chance import may_count
from pipelines.reading.dates import Day, date_from_totals, kyiv_day, noted
from pipelines.reading.language import language
from pipelines.reading.lists import Listed, read_lists
from pipelines.reading.mention import Trouble
from pipelines.reading.numbers import thousands
from pipelines.reading.prose import Found, Words, read_prose
from pipelines.reading.reportday import document_day, likely_day
from pipelines.reading.speech import Context
from pipelines.reading.tokens import fold
from pipelines.reading.vocabulary import lexicon, trigger, war
from pipelines.reading.weigh import Report, weigh
from pipelines.records import Claim, Problem, Reading, Span

VERSION: Final = "1"
"""Bumped when the reader learns: stored documents are read again then."""

_LONGEST_TEXT = 1_000_000  # characters; the longest report has two thousand
_ENUMERATION = 3  # categories that make a list without a word of whom it is about
_FULL_LIST = 8  # categories after which the prose around a list has nothing to add but roundings

__all__ = ["VERSION", "date_from_totals", "read"]


@dataclass(frozen=True, slots=True)
class _Source:
    """What is known of a text beside its words."""

    url: str | None
    published_at: datetime | None
    speaker: str | None


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
    source = _Source(url, published_at, speaker)
    decoded = pages.decode(content, content_type)
    data = mirrors.loads(decoded)
    if data is not None:
        return _read_json(decoded, data, source)
    if pages.is_page(decoded, content_type):
        page = pages.page(decoded)
        return _read_text(page.text, page.extractor, source)
    return _read_text(decoded, "text/1", source)


def _read_json(decoded: str, data: Any, source: _Source) -> Reading:
    rows = mirrors.records(data)
    if not rows:
        return _read_posts(decoded, mirrors.posts(data), source)
    reader = f"mirror/{VERSION}"
    claims, troubles = mirrors.read_records(rows, decoded, reader)
    return Reading(
        text=decoded, extractor="json/1", reader=reader, claims=tuple(claims), problems=_as_problems(troubles)
    )


def _read_posts(decoded: str, posts: Sequence[mirrors.Post], source: _Source) -> Reading:
    """Read posts that were kept as JSON: their texts are joined, and each has its own time."""
    text, claims, problems = "", [], []
    for post in posts:
        own = replace(source, published_at=post.published_at or source.published_at)
        reading = _read_text(post.text, "json/1", own)
        claims += [_moved(claim, len(text)) for claim in reading.claims]
        problems += [replace(problem, span=_shift(problem.span, len(text))) for problem in reading.problems]
        text += post.text + "\n\n"
    return Reading(
        text=text or decoded,
        extractor="json/1",
        reader=claims[0].reader if claims else "none",
        claims=tuple(claims),
        problems=tuple(problems),
    )


def _moved(claim: Claim, by: int) -> Claim:
    return replace(claim, total_span=_shift(claim.total_span, by), daily_span=_shift(claim.daily_span, by))


def _shift(span: Span | None, by: int) -> Span | None:
    return (span[0] + by, span[1] + by) if span else None


def _read_text(text: str, extractor: str, source: _Source) -> Reading:
    text = text[:_LONGEST_TEXT]
    if not _worth_reading(text.lower()):
        return Reading(text=text, extractor=extractor, reader="none", claims=(), problems=())
    folded, published = fold(text), kyiv_day(source.published_at)
    codes = language(text) or ("en",)
    listed = read_lists(text, folded, codes, published, source.speaker)
    spans = _uncovered(listed.covered, len(text))
    if not (listed.mentions or listed.troubles) and not may_count(text, folded, spans, lexicon(codes[0])):
        return Reading(text=text, extractor=extractor, reader="none", claims=(), problems=())
    prose = Found()
    if not _says_everything(listed):
        day = listed.day or likely_day(folded, codes[0], published)
        words = Words(lexicon=lexicon(codes[0]), thousands=thousands(folded), day=day.day if day else published)
        prose = read_prose(text, folded, spans, words, Context(claimant=source.speaker, main=source.speaker))
    stated = listed.day or document_day(folded, prose, source.url, published)
    return _weighed(text, extractor, listed, prose, _report(listed, prose, stated, source))


def _worth_reading(lowered: str) -> bool:
    """Tell whether a text can hold a tally: it names a category, and the war, or several categories."""
    labels = trigger().finditer(lowered)
    first = next(labels, None)
    if first is None:
        return False
    return bool(war().search(lowered)) or len({first.group(), *(label.group() for label in labels)}) >= _ENUMERATION


def _says_everything(listed: Listed) -> bool:
    """Tell whether the lists leave nothing for the prose around them."""
    totals = {mention.metric for mention in listed.mentions if mention.kind == "total"}
    changes = any(mention.kind == "daily" for mention in listed.mentions)
    return len(totals) >= _FULL_LIST and "personnel" in totals and changes


def _uncovered(covered: list[Span], length: int) -> list[Span]:
    """Return the pieces of a text that no list covers."""
    spans, at = [], 0
    for start, end in sorted(covered):
        if start > at:
            spans.append((at, start))
        at = max(at, end)
    return [*spans, (at, length)] if at < length else spans


def _report(listed: Listed, prose: Found, stated: Day | None, source: _Source) -> Report:
    published = kyiv_day(source.published_at)
    day = stated or (Day(published, "day: its publication") if published else None)
    return Report(
        day=day.day if day else None,
        reader=f"{'list' if listed.mentions else 'prose'}/{VERSION}",
        note=noted(stated.day if stated else None, published),
        why=day.why if day else "day: the text does not tell",
        speaker=source.speaker,
        russian=prose.russian or listed.headed,
        war=prose.war or listed.headed,
    )


def _weighed(text: str, extractor: str, listed: Listed, prose: Found, report: Report) -> Reading:
    troubles = [*listed.troubles, *prose.troubles]
    claims, problems = weigh([*listed.mentions, *prose.mentions], troubles, report)
    return Reading(
        text=text,
        extractor=extractor,
        reader=report.reader if claims else "none",
        claims=tuple(claims),
        problems=tuple(problems),
    )


def _as_problems(troubles: Sequence[Trouble]) -> tuple[Problem, ...]:
    return tuple(Problem(problem=trouble.problem, span=trouble.span, quote=trouble.quote) for trouble in troubles)
