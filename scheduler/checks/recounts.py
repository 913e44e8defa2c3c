"""The publisher's recounts: several metrics of one report move at once, and one incident tells of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from scheduler.checks import increment
from scheduler.checks.finding import Suggestion
from scheduler.checks.told import Cell

if TYPE_CHECKING:
    from datetime import date

    from pipelines.records import Observation
    from scheduler.checks.finding import Finding
    from scheduler.checks.weigh import Setting

RATE = 0.05  # totals of a report with a recount that fall or leave their printed change too: mostly none, once nine
EVIDENCE = "the publisher corrected another total of the same report"


class Recounts:
    """The reports in which the publisher corrected a total, and what was told of their other metrics.

    A total that is known to be corrected makes a report a recount, or two whose printed changes leave something out:
    a slip of the hand is too rare to happen twice in one report.
    """

    def __init__(self) -> None:
        self._days: set[tuple[str, date]] = set()
        self._mismatches: dict[tuple[str, date], set[str]] = defaultdict(set)
        self._jumps: dict[tuple[str, date], list[Cell]] = defaultdict(list)

    def expect(self, setting: Setting, said: Observation) -> Setting:
        """Raise what is expected of the other totals of a report that holds a recount."""
        if (said.claimant, said.as_of) not in self._days:
            return setting
        return replace(setting, law=setting.law.with_fall(RATE), recount=RATE)

    def learn(self, finding: Finding) -> list[Cell]:
        """Take in a finding; return the cells of the same report that it shows to be part of a recount."""
        day = (finding.claimant, finding.as_of)
        if finding.kind.startswith("trend."):
            self._jumps[day].append(finding.cell)
            return []
        corrected = finding.suggestion is not None and finding.suggestion.diagnosis == "correction"
        self._mismatches[day].update({finding.metric} if finding.kind == increment.KIND else ())
        if day in self._days or not (corrected or len(self._mismatches[day]) > 1):
            return []
        self._days.add(day)
        return self._jumps.pop(day, [])

    def name(self, finding: Finding) -> Finding:
        """Label a break of trend in a report that holds a recount."""
        return label(finding) if (finding.claimant, finding.as_of) in self._days else finding


def label(finding: Finding) -> Finding:
    """Say that a finding is part of a recount."""
    return replace(
        finding,
        suggestion=Suggestion(field="daily", value=None, diagnosis="correction", evidence=EVIDENCE),
        message=f"{finding.message}; {EVIDENCE}",
    )
