"""Breaks of trend within the judge: what the trend check hears of doubts, and what becomes of its verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduler.checks import increment, stale
from scheduler.checks.case import group
from scheduler.checks.finding import Finding
from scheduler.checks.trend import DayChange, Trend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scheduler.checks.book import Entry, Series
    from scheduler.checks.case import Case
    from scheduler.checks.told import Told
    from scheduler.checks.trend import TrendVerdict

SLIPS = {increment.KIND, stale.KIND}  # kinds that say of a lone total no more than that it may be a slip


class Breaks:
    """The trends of all claimants, each day's change of a metric fed once.

    A change that no contradiction explains is judged though it is doubted: a number that may be a slip may as
    well be a break, and where nothing singles out what was meant, the break is the surer of the two to tell.
    """

    def __init__(self, told: Told, series: dict[tuple[str, str], Series], *, budget: int) -> None:
        self._told = told
        self._series = series
        self._budget = budget
        self._trends: dict[str, Trend] = {}

    def of(self, claimant: str) -> Trend | None:
        """Return the trend of a claimant, if anything was fed to it."""
        return self._trends.get(claimant)

    def follow(self, case: Case, entry: Entry, *, ruled: bool) -> Iterator[Finding]:
        """Feed the change that an entry makes; `ruled`: a person said what it is."""
        said, told = entry.said, self._told.of(entry.cell)
        trend = self._trends.get(said.claimant)
        if trend is None:
            trend = self._trends[said.claimant] = Trend(budget=self._budget)
        day = DayChange(
            metric=said.metric,
            as_of=said.as_of,
            change=case.total - (case.level or 0),
            total=case.total,
            ref=said.ref,
            known_at=said.known_at,
            quarantined=not entry.sound or told is not None or ruled,
            explained=ruled or not self._may_be_a_break(told),
        )
        for verdict in trend.feed(day):
            doubt = self._told.of((said.claimant, verdict.metric, verdict.as_of))
            if self._may_be_a_break(doubt):
                yield _finding(verdict, entry, doubt)

    def _may_be_a_break(self, told: Finding | None) -> bool:
        """Whether no more is told of a cell than that its lone total may be a slip, without saying for what."""
        if told is None:
            return True
        lead = self._series[told.claimant, told.metric].lead(told.as_of.toordinal())
        lone = lead is not None and lead.said.daily is None
        named = told.suggestion is not None and told.suggestion.value is not None
        return told.kind in SLIPS and lone and not told.whole and not named


def _finding(verdict: TrendVerdict, entry: Entry, doubt: Finding | None) -> Finding:
    """Return a verdict as a finding; what was doubted of the number goes along with it."""
    said = entry.said
    return Finding(
        kind=verdict.kind,
        claimant=said.claimant,
        metric=verdict.metric,
        as_of=verdict.as_of,
        source=said.source,
        ref=said.ref,
        known_at=said.known_at,
        severity=verdict.severity,
        group=group(said.claimant, verdict.as_of, said.source),
        observed=verdict.observed,
        expected=verdict.expected,
        suggestion=doubt.suggestion if doubt else None,
        message=f"{verdict.message}; {doubt.message}" if doubt else verdict.message,
    )
