"""Figures as they are written: separators, decimals of thousands, words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_LONGEST = 16  # characters; the largest total has seven digits, and a page of digits must cost nothing
_GROUPS = re.compile(r"\d{1,3}(?:[ ']\d{3})+|\d{1,3}(?:,\d{3})+|\d{1,3}(?:\.\d{3})+|\d{1,2}(?:,\d{2})+,\d{3}")
_DECIMAL = re.compile(r"\d+[.,]\d{1,6}")
_EVIDENCE = re.compile(r"(?<![\d.,])\d{1,3}([.,])(?:\d{3}\1)*\d{3}(?![\d.,])(?! ?[^\W\d_]{2,4}\.)")


@dataclass(frozen=True, slots=True)
class Written:
    """Return what a run of digits says."""

    value: int | None  # as a count; None when it is none
    decimal: tuple[int, int] | None  # digits without the separator, and how many of them are decimals


@lru_cache(maxsize=65536)
def written(digits: str) -> Written:
    """Read a run of digits of a folded text. A count that also reads as a decimal (1.182) carries both."""
    if len(digits) > _LONGEST:
        return Written(None, None)
    if digits.isdigit():
        return Written(int(digits), None)
    value = int(re.sub(r"\D", "", digits)) if _GROUPS.fullmatch(digits) and digits[0] != "0" else None
    if not _DECIMAL.fullmatch(digits):
        return Written(value, None)
    whole, fraction = re.split(r"[.,]", digits)
    return Written(value, (int(whole + fraction), len(fraction)))


def scaled(digits: str, scale: int, thousands: frozenset[str]) -> tuple[int, int] | None:
    """Return the value of digits before "thousand" or "million", and the smallest step that they can tell.

    "29,2" thousand is 29,200 and tells hundreds. "1,475" thousand is 1,475,000 where the document separates
    thousands with a comma and the result can be a tally, else 1,475. None when there is no such number.
    """
    read = written(digits)
    if read.decimal is None or (read.value is not None and _grouped(digits, read.value * scale, thousands)):
        return None if read.value is None else (read.value * scale, scale)
    whole, places = read.decimal
    value, rest = divmod(whole * scale, 10**places)
    return None if rest else (value, max(1, scale // 10**places))


def _grouped(digits: str, value: int, thousands: frozenset[str]) -> bool:
    return any(char in thousands for char in digits) and value < 10**8


def thousands(folded: str) -> frozenset[str]:
    """Which of comma and dot separate thousands in this document, by all its numbers together."""
    return frozenset(match.group(1) for match in _EVIDENCE.finditer(folded))


def resolution(value: int) -> int:
    """Return the place of the last digit that is not zero: 82,700 tells hundreds."""
    step = 1
    while value and value % (step * 10) == 0:
        step *= 10
    return step
