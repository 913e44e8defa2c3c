"""Which language a text is in: by letters that only one has, then by the small words that every text is full of."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache, lru_cache

from pipelines.reading.tokens import WORD, fold, tokens
from pipelines.reading.vocabulary import cut, expand, languages

_SAMPLE = 1500  # characters that are enough to tell
_DIGITS = re.compile(r"\d+")  # reports of two days differ in their digits alone: they are known by the rest
_LETTER_WEIGHT = 3
_LABEL_WEIGHT = 2


@cache
def _signs() -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Small words of each language, and the exact words of its labels."""
    small: dict[str, set[str]] = {}
    labels: dict[str, set[str]] = {}
    for code, table in languages().items():
        for word in table.get("signs", ()):
            for part in fold(word).split():
                small.setdefault(part, set()).add(code)
        for patterns in table["labels"].values():
            for pattern in patterns:
                for spelling in expand(fold(pattern)):
                    for part in cut(spelling):
                        labels.setdefault(part.strip("*")[:5], set()).add(code)
    return {w: tuple(c) for w, c in small.items()}, {w: tuple(c) for w, c in labels.items()}


@cache
def _letters() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple(
        (code, re.compile(f"[{re.escape(table['letters'])}]"))
        for code, table in languages().items()
        if table.get("letters")
    )


@lru_cache(maxsize=1024)
def _sample(sample: str) -> tuple[str, ...]:
    small, labels = _signs()
    score: Counter[str] = Counter()
    for code, letters in _letters():
        score[code] += _LETTER_WEIGHT * min(20, len(letters.findall(sample)))
    for piece in tokens(fold(sample)):
        if piece.kind == WORD:
            for code in small.get(piece.text, ()):
                score[code] += 2
            for code in labels.get(piece.text[:5], ()):
                score[code] += _LABEL_WEIGHT
    return tuple(code for code, points in score.most_common() if points)


def language(text: str) -> tuple[str, ...]:
    """Return the languages that the beginning of a text can be in, the likeliest first."""
    return _sample(_DIGITS.sub("", text[:_SAMPLE]).lower())
