"""Other people's words inside our mail: bounded, harmless, the number marked."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import urlsplit

from pipelines.records import Span

CONTEXT = 160
"""Characters kept on either side of the number."""

LINK = 1000
"""Longest URL that is linked: longer ones are no address that a person would open."""

BLANKS = r"[^\S\u00a0\u202f]+"
"""What ends a line or separates words; not the blanks that hold a number together."""

BLANK_RATIO = 10
"""How much of a text is looked at for one character of it in a line: a page of blanks must cost nothing."""

WORD = 24
"""How far a cut may move to fall between words."""

REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Bidirectional overrides and isolates: they could show 45 as 54."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Words around a number, in three parts: what leads to it, itself, what follows."""

    lead: str
    marked: str
    tail: str

    def __str__(self) -> str:
        return self.lead + self.marked + self.tail


def clean(text: str) -> str:
    """Return text that cannot steer a terminal or reorder a line; as long as it was, so that spans hold."""
    return "".join(_harmless(char) for char in text)


def _harmless(char: str) -> str:
    if char in "\n\t":
        return char
    if char in REORDERING or unicodedata.category(char) == "Cs":
        return "\ufffd"
    return " " if unicodedata.category(char) == "Cc" else char


def one_line(text: str, limit: int) -> str:
    """Return text fit for a header or a table cell: one line, bounded."""
    line = re.sub(BLANKS, " ", clean(text[: limit * BLANK_RATIO])).strip()
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def excerpt(text: str, marked: Span | None) -> Excerpt:
    """Cut the words around the number, between words where there is a gap close by."""
    start, end = _inside(marked, len(text))
    window = max(start - CONTEXT - 1, 0)
    lead, number, tail = text[window:start], text[start : min(end, start + CONTEXT)], text[end : end + CONTEXT + 1]
    return Excerpt(_lead(clean(lead)), clean(number), _tail(clean(tail)))


def _inside(marked: Span | None, length: int) -> Span:
    """Bound a span to the text; nothing marked, the excerpt starts at the beginning."""
    if marked is None:
        return 0, 0
    start = min(max(marked[0], 0), length)
    return start, min(max(marked[1], start), length)


def _lead(text: str) -> str:
    if len(text) <= CONTEXT:
        return text.lstrip()
    gap = re.search(r"\s", text[-CONTEXT : WORD - CONTEXT])
    return "…" + text[-CONTEXT + (gap.end() if gap else 0) :]


def _tail(text: str) -> str:
    if len(text) <= CONTEXT:
        return text.rstrip()
    gap = re.search(r"\s\S*$", text[CONTEXT - WORD : CONTEXT])
    return text[: CONTEXT - WORD + gap.start() if gap else CONTEXT] + "…"


def web_address(url: str) -> str:
    """Return a URL that a mail may link to, else "": only the web, nothing that runs."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    safe = parts.scheme in {"http", "https"} and parts.netloc and not re.search(r"[\s\x00-\x1f\x7f]", url)
    return url if safe and len(url) <= LINK else ""
