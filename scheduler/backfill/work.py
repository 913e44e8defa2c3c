"""Working on a plan: unit by unit, beside whoever else works on it, until nothing is left to do."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from scheduler import crawling
from scheduler.backfill.plan import Plan, Window
from scheduler.backfill.units import Claim, Lost, claimed, enter, states
from scheduler.backfill.ways import Way
from scheduler.crawling import CrawlOutcome, Source
from scheduler.service import Service

logger = logging.getLogger(__name__)

AT_ONCE = 4
"""Sources that one process fetches from at the same time; from one source, one unit after the other."""

REFUSALS = frozenset({"blocked", "captcha", "login_wall"})
"""Causes that are an answer, not an accident: they are not argued with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How often a unit is tried, and how long is waited before it is tried again."""

    attempts: int = 4
    first: timedelta = timedelta(seconds=10)  # then three times as long each time
    look: timedelta = timedelta(seconds=1)  # between two looks at what others work on

    def after(self, failures: int) -> timedelta | None:
        """Return how long to wait after so many failures; None: no more."""
        return self.first * 3 ** (failures - 1) if failures < self.attempts else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A unit that this process has worked on."""

    source: str
    window: Window
    outcome: CrawlOutcome


Rows = Sequence[Mapping[str, Any]]
Watch = Callable[[Rows, Step | None], None]
"""Told of the state of all units, whoever works on them, and of what was done here since the last time."""


def nobody(rows: Rows, step: Step | None) -> None:
    """Watch nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """One process's part of the work on a plan. It can be killed at any point, and done again by anybody."""

    service: Service
    plan: Plan
    way: Way
    sources: Mapping[str, Source]
    quiet: bool = True  # nobody is mailed of what is found
    patience: Patience = field(default_factory=Patience)
    watch: Watch = nobody
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def run(self) -> Rows:
        """Work until every unit is done, by us or by others, or cannot be; return the units as they are then.

        Raises PipelineError when the database is away: nothing of what was done is lost.
        """
        units: dict[str, list[int]] = defaultdict(list)
        for row in await enter(self.service, self.plan):
            units[row["source"]].append(row["id"])
        tasks = [asyncio.create_task(self._work(source, of)) for source, of in units.items()]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return await states(self.service, self.plan)

    async def _work(self, source: str, units: Collection[int]) -> None:
        """Work on the units of one source, until none is left or the source has refused us."""
        while True:
            async with self.gate:
                step = await self._one(units)
            rows = await states(self.service, self.plan)
            self.watch(rows, step)
            if not any(row["state"] == "waiting" and row["source"] == source for row in rows):
                return
            if step is not None and refusal(step.outcome):
                return
            if step is None:
                await asyncio.sleep(self.patience.look.total_seconds())

    async def _one(self, units: Collection[int]) -> Step | None:
        """Work on a unit; None when none is free, or when it was taken from us."""
        async with claimed(self.service, units) as claim:
            if claim is None:
                return None
            outcome = await self._fetch(claim)
            try:
                await self._settle(claim, outcome)
            except Lost as loss:  # what we kept is kept; whoever has the unit now keeps nothing twice
                logger.warning("Lost: %s", loss)
                return None
            return Step(source=claim.source, window=claim.window, outcome=outcome)

    async def _fetch(self, claim: Claim) -> CrawlOutcome:
        service, source = self.service, self.sources[claim.source]
        keeper = await service.keeper(source, past=True, quiet=self.quiet)
        outcome = await self.way.fetch(
            source, keep=keeper, clock=service.clock, since=claim.window.first, until=claim.window.last
        )
        if outcome.failure is not None:
            raise outcome.failure
        verdict, cause = crawling.verdict(outcome, None, service.clock(), None)
        await keeper.finish(verdict, cause, {})
        return outcome

    async def _settle(self, claim: Claim, outcome: CrawlOutcome) -> None:
        at = self.service.clock()
        if outcome.complete:
            await claim.done(at)
            return
        wait = None if refusal(outcome) else self.patience.after(claim.attempts + 1)
        problem = outcome.problems[0] if outcome.problems else "it did not come to its end"
        await claim.failed(problem, at=at, again_at=at + wait if wait is not None else None)


def refusal(outcome: CrawlOutcome) -> bool:
    """Whether a source does not want to be asked."""
    return any(trouble.cause in REFUSALS for trouble in outcome.troubles)
