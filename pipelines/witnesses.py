"""Sources that copy one another are one witness: learned from their lag and from the errors that they share.

Two sources that repeat the same publisher agree nearly always, which proves nothing. What tells a copy is that it is
wrong where its original is wrong, and that it follows it in time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations, groupby
from typing import TYPE_CHECKING

from pipelines.ledger import figure, order

if TYPE_CHECKING:
    from datetime import timedelta

    from pipelines.records import Observation

SHARED_ERRORS = 3  # the same wrong number by chance: one in 200 times one in ten; three of them are no chance
SHARE = 0.5  # of the errors of the one that errs less often


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """What two sources have in common."""

    first: str  # of the two, the one that is usually earlier
    second: str
    shared_errors: int  # cells where both said the same number that the ledger does not follow
    errors: int  # cells where at least one of the two was wrong and both spoke
    lag: timedelta | None  # median time by which the second follows on the cells that both have

    @property
    def copies(self) -> bool:
        """Whether the two are one witness."""
        return self.shared_errors >= SHARED_ERRORS and self.shared_errors >= SHARE * self.errors


def pairs(observations: Iterable[Observation]) -> list[Pair]:
    """Compare the first words of every two sources on the cells that both have."""
    shared: dict[tuple[str, str], list[tuple[bool, bool, timedelta]]] = defaultdict(list)
    by_cell = sorted(observations, key=lambda o: (o.claimant, o.metric, o.as_of))
    for _, said in groupby(by_cell, key=lambda o: (o.claimant, o.metric, o.as_of)):
        for key, fact in _facts(list(said)):
            shared[key].append(fact)
    return [_pair(key, facts) for key, facts in sorted(shared.items())]


def witnesses(observations: Iterable[Observation]) -> Mapping[str, str]:
    """Map each source that copies, or is copied, to the name of its group: its first member by name."""
    group: dict[str, str] = {}
    for pair in pairs(observations):
        if pair.copies:
            names = sorted({group.get(pair.first, pair.first), group.get(pair.second, pair.second)})
            group.setdefault(pair.first, pair.first)
            group.setdefault(pair.second, pair.second)
            group = {source: names[0] if name in names else name for source, name in group.items()}
    return group


def _facts(said: list[Observation]) -> Iterable[tuple[tuple[str, str], tuple[bool, bool, timedelta]]]:
    """Yield for every two sources of a cell: do they share an error, does one err, how far are they apart."""
    first: dict[str, Observation] = {}
    for o in sorted(said, key=order):
        if o.total is not None:
            first.setdefault(o.source, o)
    followed = figure(said)
    right = followed.total if followed else None
    for a, b in combinations(sorted(first), 2):
        one, two = first[a], first[b]
        wrong = one.total != right or two.total != right
        yield (a, b), (wrong and one.total == two.total, wrong, two.known_at - one.known_at)


def _pair(key: tuple[str, str], facts: list[tuple[bool, bool, timedelta]]) -> Pair:
    lags = sorted(lag for _, _, lag in facts)
    lag = lags[len(lags) // 2]
    first, second = key if lag.total_seconds() >= 0 else key[::-1]
    return Pair(
        first=first,
        second=second,
        shared_errors=sum(both for both, _, _ in facts),
        errors=sum(wrong for _, wrong, _ in facts),
        lag=abs(lag),
    )
