"""Findings in their order become episodes: what was found, how it was last described, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from scheduler.checks.finding import Finding, Resolution

Key = tuple[str, str, str, date]  # kind, claimant, metric, as_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Episode:
    """One condition from its first finding to its end."""

    first: Finding
    latest: Finding
    resolution: Resolution | None = None


class Episodes:
    """The episodes of every cell so far. A finding after the end of an earlier one begins the next."""

    def __init__(self) -> None:
        self.of: dict[Key, list[Episode]] = {}

    def take(self, events: Iterable[Finding | Resolution]) -> set[Key]:
        """Take what the judge said; return the keys that it said something of."""
        touched = set()
        for event in events:
            self._take(event)
            touched.add(event.key)
        return touched

    def differing(self, other: Episodes) -> set[Key]:
        """Return the keys of which another memory says something else."""
        return {key for key in self.of.keys() | other.of.keys() if self.of.get(key) != other.of.get(key)}

    def _take(self, event: Finding | Resolution) -> None:
        episodes = self.of.setdefault(event.key, [])
        running = bool(episodes) and episodes[-1].resolution is None
        if isinstance(event, Resolution):
            if running and event.superseded:
                episodes.pop()
            elif running:
                episodes[-1] = replace(episodes[-1], resolution=event)
        elif running:
            episodes[-1] = replace(episodes[-1], latest=joined(episodes[-1].latest, event))
        else:
            episodes.append(Episode(first=event, latest=event))


def joined(before: Finding, now: Finding) -> Finding:
    """Let a finding of a whole report rest on the numbers of all its metrics."""
    if not now.whole:
        return now
    refs = dict.fromkeys((before.ref, *before.against, now.ref, *now.against))
    return replace(now, ref=before.ref, against=tuple(ref for ref in refs if ref != before.ref))
