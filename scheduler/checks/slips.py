"""How numbers go wrong when people copy them: which slip turns one number into another, and how likely.

The shares are those of 75 real slips in hand-copied histories, counted over 2022 to 2026; a quarter of them
repeats the day before, which needs no arithmetic on digits and is weighed where the day before is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scheduler.checks.finding import Diagnosis

DIGIT_WRONG = 0.31
SEVERAL_WRONG = 0.16
CARRIED_OVER = 0.25
DIGIT_LOST = 0.08
SWAPPED = 0.04
OTHER_ROW = 0.04
DIGIT_DOUBLED = 0.02
THOUSANDS_LOST = 0.01
ANYTHING = 0.05  # what no rule above explains: any number of about that length

Slip = tuple[float, "Diagnosis"]


def likelihood(wrong: int, right: int) -> Slip:
    """How probable `wrong` is, given that somebody meant `right` and slipped; and the slip that says most."""
    w, r = str(abs(wrong)), str(abs(right))
    digits = _same_length(w, r) if len(w) == len(r) else _other_length(w, r)
    return max(digits, (ANYTHING / (9 * 10 ** (len(r) - 1)), "unknown"))


def _same_length(w: str, r: str) -> Slip:
    places = [i for i in range(len(r)) if w[i] != r[i]]
    if len(places) == 1:
        return DIGIT_WRONG / (9 * len(r)), "digit_wrong"
    if len(places) == 2:  # noqa: PLR2004 - two places
        i, j = places
        if j == i + 1 and w[i] == r[j] and w[j] == r[i]:
            return SWAPPED / (len(r) - 1), "digits_swapped"
        return SEVERAL_WRONG / (81 * len(r) * (len(r) - 1) / 2), "digit_wrong"
    return 0.0, "unknown"


def _other_length(w: str, r: str) -> Slip:
    if len(w) == len(r) - 1:
        ways = sum(w == r[:i] + r[i + 1 :] for i in range(len(r)))
        if ways:
            return DIGIT_LOST * ways / len(r), "digit_lost"
    if len(w) == len(r) + 1:
        ways = sum(w == r[:i] + r[i] + r[i:] for i in range(len(r)))
        if ways:
            return DIGIT_DOUBLED * ways / len(r), "digit_doubled"
    if len(r) > 3 and w in {r[:-3], r[-3:].lstrip("0")}:  # noqa: PLR2004 - a group of thousands
        return THOUSANDS_LOST, "thousands_lost"
    return 0.0, "unknown"


def meant(wrong: int, low: int, high: int) -> Iterator[tuple[int, float, Diagnosis]]:
    """Every number in [low, high] that one slip of the hand turns into `wrong`, with the slip's likelihood."""
    for right in _candidates(str(wrong)):
        if low <= right <= high and right != wrong:
            yield right, *likelihood(wrong, right)


def _candidates(w: str) -> set[int]:
    found: set[int] = set()
    for i, digit in enumerate(w):
        found.update(int(w[:i] + d + w[i + 1 :]) for d in "0123456789" if d != digit)  # one wrong
        if i + 1 < len(w):
            found.add(int(w[:i] + w[i + 1] + digit + w[i + 2 :]))  # two swapped
            if digit == w[i + 1]:
                found.add(int(w[:i] + w[i + 1 :]))  # one doubled
    for i in range(len(w) + 1):
        found.update(int(w[:i] + d + w[i:]) for d in "0123456789")  # one lost
    return found
