"""What was planted against what was told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from scheduler.checks.finding import Severity
    from scheduler.demo.faults import Expectation, Fault


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """An incident, whatever has become of it: it was told of."""

    id: int
    kind: str
    claimant: str
    metric: str
    as_of: date
    severity: Severity
    message: str

    @property
    def cell(self) -> tuple[str, str, str, date]:
        """(kind, claimant, metric, as_of)."""
        return self.kind, self.claimant, self.metric, self.as_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """One planted fault, and what was told of it."""

    fault: Fault
    told: tuple[Told, ...]  # what has to be told of it first

    @property
    def found(self) -> bool:
        """Whether what had to be told was told."""
        return any(self.fault.expect.met(*told.cell) for told in self.told)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """Everything planted and everything told."""

    verdicts: tuple[Verdict, ...]  # in order of the days
    genuine: tuple[Told, ...]  # of real days, which the figures themselves have
    unplanted: tuple[Told, ...]  # warnings and worse that nothing explains

    @property
    def right(self) -> bool:
        """Whether everything planted was found and nothing else was told."""
        return all(verdict.found for verdict in self.verdicts) and not self.unplanted


def compare(faults: Iterable[Fault], genuine: Iterable[Expectation], told: Iterable[Told]) -> Outcome:
    """Lay what was told beside what was planted, and beside the real days that may be told."""
    everything = [incident for incident in told if incident.severity != "info"]
    real = list(genuine)
    verdicts = [
        Verdict(fault=fault, told=_about(fault, everything))
        for fault in sorted(faults, key=lambda fault: fault.expect.as_of)
    ]
    explained = {incident.id for verdict in verdicts for incident in verdict.told}
    rest = [incident for incident in everything if incident.id not in explained]
    return Outcome(
        verdicts=tuple(verdicts),
        genuine=tuple(incident for incident in rest if _is_any(real, incident)),
        unplanted=tuple(incident for incident in rest if not _is_any(real, incident)),
    )


def _is_any(real: list[Expectation], incident: Told) -> bool:
    return any(day.covers(*incident.cell) for day in real)


def _about(fault: Fault, told: list[Told]) -> tuple[Told, ...]:
    covered = [incident for incident in told if fault.expect.covers(*incident.cell)]
    return tuple(sorted(covered, key=lambda incident: (not fault.expect.met(*incident.cell), incident.id)))
