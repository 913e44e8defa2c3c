"""Where a sentence ends: not after тис., not in 24. April, always at a line's end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.reading.tokens import Token
from pipelines.reading.vocabulary import Lexicon

_LONGEST = 4000  # characters; a longer one is no sentence but noise, and is cut
_END = re.compile(r"\n|[.!?]+[)'\"»”’]*(?:\s+|$)|(?<=[\u3040-\u9fff])\.|\u3002|।")
_LAST_WORD = re.compile(r"([^\W_]+)[)'\"»”’]*$")
_LOOK_BACK = 20  # characters in which the word before a mark stands
_SHORT = 4  # letters of an abbreviation


@dataclass(frozen=True, slots=True)
class Sentence:
    """Return a piece of the text, and whether it begins a line."""

    start: int
    end: int
    fresh: bool  # the first of its line
    paragraph: bool  # behind an empty line, or the first of the text


def sentences(text: str, folded: str, lexicon: Lexicon, spans: list[tuple[int, int]]) -> Iterator[Sentence]:
    """Return the sentences of the given pieces of a text, in order."""
    for begin, end in spans:
        start, fresh, paragraph = begin, True, True
        for match in _END.finditer(folded, begin, end):
            line_end = match.group() == "\n" or "\n" in match.group()
            if not line_end and not _ends(text, folded, match, start, lexicon):
                continue
            stop = match.start() if match.group() == "\n" else match.end()
            if stop > start:
                yield from _cut(Sentence(start, stop, fresh, paragraph))
                paragraph = False
            paragraph = (
                paragraph
                or (line_end and folded[match.end() : match.end() + 1] == "\n")
                or (match.group() == "\n" and stop <= start)
            )
            start, fresh = match.end(), line_end
        if start < end:
            yield from _cut(Sentence(start, end, fresh, paragraph))


def _cut(sentence: Sentence) -> Iterator[Sentence]:
    for start in range(sentence.start, sentence.end, _LONGEST):
        yield Sentence(start, min(sentence.end, start + _LONGEST), sentence.fresh, sentence.paragraph)


def _ends(text: str, folded: str, match: re.Match[str], start: int, lexicon: Lexicon) -> bool:
    """Tell whether a mark ends a sentence, by what stands before and behind it."""
    behind = text[match.end() : match.end() + 2].lstrip("«„“\"'(*")[:1]
    if not behind or text[match.start()] in "!?。।":
        return True
    if behind.islower():
        return False
    last = _LAST_WORD.search(folded[max(start, match.start() - _LOOK_BACK) : match.start()])
    before = last[1] if last else ""
    if before.isdigit() and len(before) <= 2:  # noqa: PLR2004 - digits of a day: 24. April, 24. 4. 2023
        return not (behind.isdigit() or _month_follows(folded, match.end(), lexicon))
    return len(before) > _SHORT if behind.isdigit() else len(before) != 1


def _month_follows(folded: str, at: int, lexicon: Lexicon) -> bool:
    word = re.compile(r"[^\W\d_]+").match(folded, at)
    if not word:
        return False
    found = lexicon.match([Token("word", word.group(), *word.span())], 0)
    return bool(found and "month" in found[1].values)
