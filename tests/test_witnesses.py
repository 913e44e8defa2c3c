"""Who copies whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

from pipelines import witnesses
from pipelines.records import Observation
from tests.checks.series import official, said, true_total

SLIPS = {10: 20, 17: -10, 23: 100, 30: 40}


def copies(hours: int, slips: dict[int, int], source: str) -> list[Observation]:
    """Return a mirror with its slips, so many hours after the publisher."""
    rows = [said("tanks", n, true_total("tanks", n) + slips.get(n, 0), source=source) for n in range(40)]
    return [replace(o, known_at=o.known_at + timedelta(hours=hours)) for o in rows]


TRUTH = [official("tanks", n) for n in range(40)]


def test_a_copy_has_the_errors_of_its_original() -> None:
    """A source with the same wrong numbers as another one, some hours later, is the same witness."""
    rows = [*TRUTH, *copies(1, SLIPS, "original"), *copies(4, SLIPS, "copy"), *copies(2, {12: 5}, "other")]
    assert witnesses.witnesses(rows) == {"original": "copy", "copy": "copy"}
    pair = next(p for p in witnesses.pairs(rows) if p.copies)
    assert (pair.first, pair.second, pair.shared_errors, pair.lag) == ("original", "copy", 4, timedelta(hours=3))


def test_agreement_alone_is_no_copy() -> None:
    """Two mirrors that are always right repeat the publisher, not each other."""
    assert witnesses.witnesses([*TRUTH, *copies(1, {}, "a"), *copies(2, {}, "b")]) == {}


def test_errors_of_their_own_make_two_witnesses() -> None:
    """Two mirrors that err on different days are independent."""
    assert witnesses.witnesses([*TRUTH, *copies(1, SLIPS, "a"), *copies(2, {5: 9, 6: 8, 7: 30}, "b")]) == {}


def test_order_of_arrival_does_not_matter() -> None:
    """The groups are those of the observations, in whatever order they come."""
    parts = [TRUTH, copies(1, SLIPS, "a"), copies(2, SLIPS, "b"), copies(3, SLIPS, "c")]
    groups = [witnesses.witnesses([o for part in order for o in part]) for order in permutations(parts)]
    assert all(group == {"a": "a", "b": "a", "c": "a"} for group in groups)
