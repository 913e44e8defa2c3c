"""Folding and cutting: the same characters in fewer forms, then words, numbers and the marks between them.

Folding keeps every character at its place, so that a span of the folded text is a span of the text.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

WORD, NUMBER, MARK, BREAK = "word", "number", "mark", "break"

_SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\ufeff"
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\u202a\u202b\u202c\u202d\u202e\t\r\v\f"
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2043\ufe58\ufe63\uff0d"
_APOSTROPHES = "\u2018\u2019\u02bc\u02b9\u2032\u0060\u00b4\u201b\uff07"
_SINGLES = {
    "ё": "е", "ł": "l", "đ": "d", "ø": "o", "ı": "i", "ς": "σ",
    "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ی": "ي", "ک": "ك", "ة": "ه", "ۀ": "ه",
    "٬": ",", "٫": ".", "،": ",", "、": ",", "，": ",", "。": ".", "．": ".", "：": ":", "；": ";", "؛": ";",
    "（": "(", "）": ")", "＋": "+", "／": "/", "؟": "?", "！": "!", "？": "?", "～": "-", "٪": "%", "％": "%",
    "[": "(", "]": ")", "【": "(", "】": ")", "…": ".", "॥": ".", "।": ".", "\u2028": "\n", "\u2029": "\n",
}  # fmt: skip


def _accents() -> dict[str, str]:
    """Letters that are a plain Latin or Greek letter with accents: people leave accents out."""
    table = {}
    for block in (range(0xC0, 0x250), range(0x370, 0x400), range(0x1E00, 0x2000)):
        for char in map(chr, block):
            parts = unicodedata.normalize("NFD", char)
            if len(parts) > 1 and len(parts[0].lower()) == 1:
                table[char] = parts[0].lower()
    return table


def _table() -> dict[int, str]:
    table = {char.upper(): plain for char, plain in _SINGLES.items() if len(char.upper()) == 1}
    table |= _SINGLES | _accents() | dict.fromkeys(_SPACES + _INVISIBLE, " ")
    table |= dict.fromkeys(_DASHES, "-") | dict.fromkeys(_APOSTROPHES, "'")
    for zero in ("\u0660", "\u06f0", "\u0966", "\uff10"):
        table |= {chr(ord(zero) + digit): str(digit) for digit in range(10)}
    return {ord(char): plain for char, plain in table.items()}


_FOLD = _table()


def fold(text: str) -> str:
    """Return the text in lower case, with one kind of space, dash, apostrophe and digit, and without accents."""
    folded = text.translate(_FOLD).lower()
    if len(folded) == len(text):
        return folded
    return "".join(low if len(low := char.lower()) == 1 else char for char in text.translate(_FOLD))


class Token(NamedTuple):
    """One piece of a folded text."""

    kind: str
    text: str
    start: int
    end: int


MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u0900-\u0903\u093a-\u094f\u0e31\u0e34-\u0e4e"
_CHARACTER = "[\u3040-\u30fe\u3400-\u9fff]"  # written without spaces: each character is a word
LETTER = rf"(?!{_CHARACTER})[^\W\d_]"
_TOKEN = re.compile(
    r"(?P<number>(?<![\d.,])\d{1,3}(?: \d{3})+(?![\d])(?![.,]\d{3})|\d+(?:[.,:/']\d+)*)"
    rf"|(?P<word>{_CHARACTER}|(?:{LETTER})(?:{LETTER}|[{MARKS}])*)"
    r"|(?P<break>\n)"
    r"|(?P<mark>(?<=[^\W\d_])-(?=[^\W\d_])|[-.,;:!?()/+%|=~≈<>№$€])"
)


def tokens(folded: str, start: int = 0, end: int | None = None) -> list[Token]:
    """Cut a folded text. Quotation marks, apostrophes, emoji, bullets, hyphens inside words carry nothing."""
    found = []
    for match in _TOKEN.finditer(folded, start, len(folded) if end is None else end):
        kind = match.lastgroup or MARK
        text = match.group()
        if text == "-" and _inside_word(folded, match.start()):
            continue
        found.append(Token(kind, text, match.start(), match.end()))
    return found


def _inside_word(folded: str, at: int) -> bool:
    return 0 < at < len(folded) - 1 and folded[at - 1].isalpha() and folded[at + 1].isalpha()
