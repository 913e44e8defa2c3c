"""`contradiction.revised` of a whole report: its publisher took it back."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from scheduler.checks.case import group
from scheduler.checks.finding import Finding, Resolution
from scheduler.checks.revised import KIND

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from pipelines.records import Observation
    from scheduler.checks.told import Said


class TakenBack:
    """The reports that sources took back and have not said again."""

    def __init__(self) -> None:
        self._by: dict[tuple[str, date], set[str]] = defaultdict(set)

    def tell(self, said: Observation, total: int | None) -> Iterator[Said]:
        """Tell that a source says a number no more: one incident for the report, graver when a second source does."""
        sources = self._by[said.claimant, said.as_of]
        sources.add(said.source)
        seen = f", last seen {said.last_there:%Y-%m-%d %H:%M} UTC" if said.last_there else ""
        yield Finding(
            kind=KIND,
            claimant=said.claimant,
            metric=said.metric,
            as_of=said.as_of,
            source=said.source,
            ref=said.ref,
            known_at=said.known_at,
            severity="critical" if len(sources) > 1 else "warning",
            group=group(said.claimant, said.as_of, said.source),
            observed=None,
            expected=total,
            suggestion=None,
            message=f"{said.source} deleted {said.document}, its report of {said.as_of}{seen}",
            whole=True,
        )

    def end(self, said: Observation) -> Iterator[Said]:
        """End it when every source that took the report back says something of that day again."""
        report = (said.claimant, said.as_of)
        if said.source not in self._by.get(report, ()):
            return
        self._by[report].remove(said.source)
        if not self._by[report]:
            yield Resolution(
                key=(KIND, said.claimant, "", said.as_of),
                ref=said.ref,
                known_at=said.known_at,
                message=f"{said.source} reports {said.as_of} again",
            )
