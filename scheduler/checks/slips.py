"""How numbers go wrong when people copy them: which slip turns one number into another, and how likely.

The shares are those of 75 real slips in hand-copied histories, counted over 2022 to 2026. People who keep such a
table write today's row over yesterday's: a digit that they forget to change keeps its old value, and now and
then the day's change lands where the total belongs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scheduler.checks.finding import Diagnosis

DIGIT_WRONG = 0.20  # any other digit in one place
DIGIT_KEPT = 0.11  # yesterday's digit in one place: a third of the single wrong digits, where chance gives a ninth
SEVERAL_WRONG = 0.12
CHANGE_IN_PLACE = 0.04  # the last digits are those of the day's change
CARRIED_OVER = 0.25
DIGIT_LOST = 0.08
SWAPPED = 0.04
OTHER_ROW = 0.04
DIGIT_DOUBLED = 0.02
THOUSANDS_LOST = 0.01
ANYTHING = 0.05  # what no rule above explains: any number of about that length

REPEATED = 6.0  # a digit beside its like is lost so much more easily than one that stands alone
EXHAUSTIVE = 400  # numbers that are all tried; of more, only those that a slip in a single place leads to

Slip = tuple[float, "Diagnosis"]


def likelihood(wrong: int, right: int, before: int | None = None) -> Slip:
    """Give the probability of `wrong` if somebody meant `right` and slipped, and the slip that says most.

    `before` is yesterday's number, where it was in sight.
    """
    w, r = str(abs(wrong)), str(abs(right))
    digits = _same_length(w, r, str(before or "")) if len(w) == len(r) else _other_length(w, r)
    found = [digits, (ANYTHING / (9 * 10 ** (len(r) - 1)), "unknown")]
    if before is not None and right > before and w == _with_change_in_place(r, right - before):
        found.append((CHANGE_IN_PLACE, "other_row"))
    return sum(p for p, _ in found), max(found)[1]


def _with_change_in_place(right: str, change: int) -> str:
    digits = str(change)
    return right[: -len(digits)] + digits


def _same_length(w: str, r: str, before: str) -> Slip:
    places = [i for i in range(len(r)) if w[i] != r[i]]
    if len(places) == 1:
        place = places[0]
        kept = len(before) == len(r) and w[place] == before[place]
        moved = sum(a != b for a, b in zip(before, r, strict=False)) if kept else 1
        return DIGIT_WRONG / (9 * len(r)) + kept * DIGIT_KEPT / moved, "digit_wrong"
    if len(places) == 2:  # noqa: PLR2004 - two places
        i, j = places
        if j == i + 1 and w[i] == r[j] and w[j] == r[i]:
            return SWAPPED / (len(r) - 1), "digits_swapped"
        return SEVERAL_WRONG / (81 * len(r) * (len(r) - 1) / 2), "digit_wrong"
    return 0.0, "unknown"


def _other_length(w: str, r: str) -> Slip:
    if len(w) == len(r) - 1:
        odds = _places(r)
        lost = sum(odds[i] for i in range(len(r)) if w == r[:i] + r[i + 1 :])
        if lost:
            return DIGIT_LOST * lost / sum(odds), "digit_lost"
    if len(w) == len(r) + 1:
        odds = _places(r)
        doubled = sum(odds[i] for i in range(len(r)) if w == r[:i] + r[i] + r[i:])
        if doubled:
            return DIGIT_DOUBLED * doubled / sum(odds), "digit_doubled"
    if len(r) > 3 and w in {r[:-3], r[-3:].lstrip("0")}:  # noqa: PLR2004 - a group of thousands
        return THOUSANDS_LOST, "thousands_lost"
    return 0.0, "unknown"


def _places(r: str) -> list[float]:
    """Weigh the places of a number by how easily their digit is lost or doubled."""
    return [REPEATED if r[i] in r[max(0, i - 1) : i] + r[i + 1 : i + 2] else 1.0 for i in range(len(r))]


def meant(wrong: int, low: int, high: int, before: int, step: int) -> Iterator[tuple[int, float, Diagnosis]]:
    """Find every number in [low, high] that one slip turns into `wrong`, with the slip's likelihood."""
    candidates = _candidates(str(wrong)) | {before + wrong % 10**k for k in range(1, 6)}
    if (high - low) // step <= EXHAUSTIVE:
        candidates.update(range(low, high + 1, step))
    for right in candidates:
        if low <= right <= high and right != wrong:
            yield right, *likelihood(wrong, right, before)


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
