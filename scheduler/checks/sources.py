"""`contradiction.sources`: sources disagree on one cell."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.witnesses import SHARE, SHARED_ERRORS
from scheduler.checks import slips
from scheduler.checks.finding import Suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scheduler.checks.book import Entry
    from scheduler.checks.case import Case
    from scheduler.checks.finding import Finding

KIND = "contradiction.sources"
SURE = 2 / 3  # below, nothing tells the two sides apart, and the finding names neither


def check(case: Case) -> Finding | None:
    """Name who dissents: the side that a slip explains best, given roles, neighbours and pace."""
    against = [e for e in case.others if e.total != case.total]
    if not against:
        return None
    if case.weighing.right >= SURE:
        return _blame_others(case, against)
    if case.weighing.share_of("total") < SURE:
        return _undecided(case, against)
    best = case.weighing.best("total")
    meant = best.value if best and best.value is not None else against[0].total
    return case.finding(
        KIND,
        f"{who(case)}: {case.said.source} is wrong",
        expected=meant,
        suggestion=_suggestion(case.total, meant, case),
        against=tuple(e.said.ref for e in against),
    )


def _blame_others(case: Case, against: list[Entry]) -> Finding:
    wrong = max(against, key=lambda e: (e.said.known_at, e.said.source))
    return case.finding(
        KIND,
        f"{who(case)}: {wrong.said.source} is wrong",
        expected=case.total,
        suggestion=_suggestion(wrong.total, case.total, case),
        blamed=wrong.said,
        against=(case.said.ref,),
    )


def _undecided(case: Case, against: list[Entry]) -> Finding:
    """Tell of the disagreement under the name of the one who raised it; the next word on the cell replaces this."""
    return case.finding(
        KIND,
        f"{who(case)}: nothing tells yet which is wrong",
        expected=against[0].total,
        suggestion=Suggestion(
            field="total", value=None, diagnosis="unknown", evidence="nothing tells the two sides apart"
        ),
        against=tuple(e.said.ref for e in against),
    )


def _suggestion(wrong: int, meant: int, case: Case) -> Suggestion:
    diagnosis = (case.setting.slip(wrong, meant) if case.setting else slips.likelihood(wrong, meant))[1]
    evidence = "the pace of the series and the roles of the sources"
    return Suggestion(field="total", value=meant, diagnosis=diagnosis, evidence=evidence)


def who(case: Case) -> str:
    """Who says what since when."""
    words = sorted([case.said, *(e.said for e in case.others)], key=lambda o: (o.known_at, o.source))
    parts = [f"{o.source} {o.total:,} since {o.known_at:%Y-%m-%d %H:%M}" for o in words]
    return f"{case.said.metric} of {case.said.as_of}: " + ", ".join(parts)


@dataclass(slots=True)
class Habit:
    """Whether a source shows the day before under today's date as a rule."""

    same: float = 0.0
    behind: float = 0.0

    def learn(self, own: int, others: int, others_before: Entry | None) -> None:
        """Take in a comparison with another source; only a moving total tells, and old ones fade within weeks."""
        if others_before is None or others_before.total == others or own not in {others, others_before.total}:
            return
        self.same = self.same * 0.99 + (own == others)
        self.behind = self.behind * 0.99 + (own == others_before.total)

    @property
    def lags(self) -> bool:
        """Three numbers in a row are enough for a newcomer; a source that keeps up must change its ways for good."""
        return self.behind >= 3 and self.behind > 2 * self.same  # noqa: PLR2004


class Copies:
    """Which sources are one witness, learned from the wrong numbers that they share."""

    def __init__(self) -> None:
        self._errors: Counter[str] = Counter()
        self._shared: Counter[frozenset[str]] = Counter()

    def learn(self, wrong: str, likewise: Iterable[str]) -> None:
        """Take in a wrong number of a source, and who had said the same."""
        self._errors[wrong] += 1
        self._shared.update(frozenset({wrong, other}) for other in likewise)

    def one(self, a: str, b: str) -> bool:
        """Whether two sources count as one."""
        shared = self._shared[frozenset({a, b})]
        return shared >= SHARED_ERRORS and shared >= SHARE * min(self._errors[a], self._errors[b])

    def witnesses(self, source: str, words: Iterable[Entry]) -> tuple[Entry, ...]:
        """Leave out entries that repeat another one, or the source itself, because they copy it."""
        found: list[Entry] = []
        for entry in words:
            name = entry.said.source
            copied = any(e.total == entry.total and self.one(e.said.source, name) for e in found)
            if not copied and not self.one(source, name):
                found.append(entry)
        return tuple(found)
