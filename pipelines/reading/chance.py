"""Whether prose can count losses at all, told without cutting it into items: most posts of a channel cannot.

The first number with a metric has it from its own sentence: from a noun there, from a word for losses, or from its
size. A text without such a sentence yields neither a claim nor a problem.
"""

from __future__ import annotations

import re

from pipelines.reading.sentences import sentences
from pipelines.reading.vocabulary import Lexicon, hint

_DIGIT = re.compile(r"\d")
_LARGE = re.compile(r"\d(?:[ .,:/']?\d){4}")  # the smallest number that is a total by its size alone has five digits


def may_count(text: str, folded: str, spans: list[tuple[int, int]], lexicon: Lexicon) -> bool:
    """Tell whether a sentence of these pieces could hold a number of a metric."""
    cuts = sentences(text, folded, lexicon, spans)
    return any(_may_count(folded[sentence.start : sentence.end], lexicon) for sentence in cuts)


def _may_count(sentence: str, lexicon: Lexicon) -> bool:
    """Look for a number and what was lost, for a noun that is a number itself, or for a number as large as a total."""
    code = lexicon.code
    if _LARGE.search(sentence) or hint(code, "scale", "singular").search(sentence):
        return True
    if not (_DIGIT.search(sentence) or hint(code, "number").search(sentence)):
        return False
    # Number words written as one have no largest.
    return lexicon.compound or bool(hint(code, "metric", "loss", "theirs").search(sentence))
