"""What a check says: a finding, the end of one, and the value that it suggests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

Severity = Literal["info", "warning", "critical"]
Field = Literal["total", "daily"]
Verdict = Literal["typo", "correction", "redefinition", "ours"]
Diagnosis = Literal[
    "digit_wrong",
    "digits_swapped",
    "digit_lost",
    "digit_doubled",
    "thousands_lost",
    "other_row",
    "carried_over",
    "day_skipped",
    "correction",
    "redefinition",
    "unknown",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggestion:
    """What the number probably should be. Never applied by the ledger."""

    field: Field  # which number is wrong
    value: int | None  # None: a diagnosis without a value that the evidence singles out
    diagnosis: Diagnosis
    evidence: str = ""  # one sentence for a person


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What one check says of one cell. A pure value: the same observations give the same findings.

    The cell named is the one that is blamed, which may be an earlier one than the row that raised it.
    A finding with the (kind, claimant, metric, as_of) of an earlier one is later news of the same thing
    and replaces what it said.
    """

    kind: str  # a public name of docs: contradiction.decrease, trend.spike, ...
    claimant: str
    metric: str
    as_of: date
    source: str  # whose number is blamed, or who raised it
    ref: int  # Observation.ref of the arrival that raised it
    known_at: datetime  # knowledge time of that arrival
    severity: Severity
    group: str  # findings of one report share it: one incident mail
    observed: int | None  # the number that is blamed
    expected: int | None  # what it was measured against
    suggestion: Suggestion | None
    message: str  # one sentence for a person, English
    against: tuple[int, ...] = ()  # refs of the observations that it was compared with
    whole: bool = False  # it speaks of the whole report: its metrics are one incident

    @property
    def cell(self) -> tuple[str, str, date]:
        """(claimant, metric, as_of)."""
        return self.claimant, self.metric, self.as_of

    @property
    def key(self) -> tuple[str, str, str, date]:
        """(kind, claimant, metric, as_of): the identity of an incident; no metric where it is the whole report."""
        return self.kind, self.claimant, "" if self.whole else self.metric, self.as_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Ruling:
    """What a person said of an incident, and of whose number."""

    verdict: Verdict
    source: str  # that is blamed
    observed: int | None  # the number that is blamed: whoever repeats it is meant too


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolution:
    """An earlier finding has ended: the publisher corrected it, the dissenter moved, the level held."""

    key: tuple[str, str, str, date]
    ref: int
    known_at: datetime
    message: str  # what resolved it, one sentence
    superseded: bool = False  # the cell is told as something else from now on: it is no incident of its own
