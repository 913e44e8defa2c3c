"""The day of a document: from its lists, its title, its sentences, its address, in this order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date

from pipelines.reading.dates import (
    Day,
    attributed_day,
    head_day,
    heading_day,
    range_day,
    sentence_day,
    since_invasion,
    stated_day,
    url_day,
)
from pipelines.reading.phrases import Item, phrases
from pipelines.reading.prose import Found
from pipelines.reading.vocabulary import lexicon
from pipelines.records import GENERAL_STAFF

_HEAD = 3  # lines in which a title or a date line stands
_TITLE = 600  # characters of the first lines
_START = 5000  # characters in which a report's own range stands
_YEAR = re.compile(r"20\d\d|[./]\d{1,2}[./]\d\d")  # no date has a year without it
_Rule = Callable[[list[Item], date | None], Day | None]


def likely_day(folded: str, code: str, published: date | None) -> Day | None:
    """Return the day by which the size of numbers is judged before all is read: a range, or a date in the title."""
    lines = [line for line in folded[:_TITLE].split("\n")[:_HEAD] if _YEAR.search(line)]
    rows = (phrases(line, 0, len(line), lexicon(code), frozenset()) for line in lines)
    return range_day(folded[:_START], published) or _first(rows, head_day, published)


def document_day(folded: str, prose: Found, url: str | None, published: date | None) -> Day | None:
    """Return the day of a text without a dated list; None when only the publication can tell."""
    told: dict[int, list[tuple[int, str, bool]]] = {}
    for mention in prose.mentions:
        if mention.claimant in {None, GENERAL_STAFF}:
            told.setdefault(mention.order, []).append((mention.span[0], mention.kind, mention.said))
    head = set(range(min(_HEAD, len(prose.sentences))))
    said = prose.sentences
    return (
        range_day(folded[:_START], published)
        or _first(said, since_invasion, published)
        or _first((said[order] for order in sorted(told.keys() | head)), stated_day, published)
        or _first(said, attributed_day, published)
        or _first((said[order] for order in sorted(head - told.keys())), heading_day, published)
        or next((day for at, spans in sorted(told.items()) if (day := sentence_day(said[at], published, spans))), None)
        or _first((said[order] for order in sorted(head)), head_day, published)
        or url_day(url, published)
    )


def _first(rows: Iterable[list[Item]], rule: _Rule, published: date | None) -> Day | None:
    return next((day for row in rows if (day := rule(row, published))), None)
