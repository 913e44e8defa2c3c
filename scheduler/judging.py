"""Judging: what was kept becomes figures and incidents, in one transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from itertools import groupby, pairwise
from operator import methodcaller
from typing import Any

from psycopg.types.json import Jsonb

from pipelines import ledger
from pipelines.database import Connection, Pool, connection, many, one, run
from pipelines.observations import Sayings
from pipelines.records import Dissent, Figure
from scheduler.checks.finding import Ruling
from scheduler.checks.judge import Judge
from scheduler.clock import Clock
from scheduler.episodes import Episodes, Key
from scheduler.incidents import Desk, incident_key

Row = Mapping[str, Any]
Cell = tuple[str, str, date]
Verdicts = dict[Key, Ruling]


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """What one judging did."""

    versions: int  # that had not been judged
    figures: int  # cells whose history changed
    incidents: int  # that were opened, updated or ended


@dataclass(slots=True, kw_only=True)
class Fold:
    """The judge with everything that it was fed: a deterministic fold over observations in order of knowledge."""

    judge: Judge
    verdicts: Verdicts
    generation: int = -1  # of the ledger when it was last judged with this fold
    last: tuple[Any, ...] | None = None
    fed: set[int] = field(default_factory=set)  # ids of claims
    sayings: Sayings = field(default_factory=Sayings)
    episodes: Episodes = field(default_factory=Episodes)

    def take(self, rows: list[dict[str, Any]]) -> set[Key]:
        """Feed rows of the query `observations`; return the keys that something new was said of."""
        touched: set[Key] = set()
        for observation in self.sayings.observations(rows):
            touched |= self.episodes.take(self.judge.feed(observation))
        self.fed |= {row["ref"] for row in rows}
        if rows:
            self.last = position(rows[-1])
        return touched

    def continues(self, rows: list[dict[str, Any]]) -> bool:
        """Whether rows follow on what was fed: none of them earlier, none fed before."""
        later = not rows or self.last is None or position(rows[0]) > self.last
        return later and self.fed.isdisjoint(row["ref"] for row in rows)


def ruling(row: Row) -> Ruling:
    """Return what a person said of a stored incident."""
    return Ruling(verdict=row["verdict"], source=row["source"], observed=row["observed"])


def position(row: Row) -> tuple[Any, ...]:
    """Return the place of a claim in the order of knowledge: the ORDER BY of the query `observations`."""
    return row["known_at"], row["source"], row["document"], row["ref"]


class Court:
    """Judges what was kept. It remembers its fold, so that a day's reports cost a day's work.

    When something arrives that should have been known earlier, when another process has judged, or when a person
    has explained an incident, the fold is made again from the first observation.
    """

    def __init__(self, pool: Pool, clock: Clock, *, budget: int) -> None:
        self.pool = pool
        self.clock = clock
        self.budget = budget
        self.fold: Fold | None = None

    async def judge(self, *, tell: bool) -> Judged:
        """Judge all versions that have not been judged, and whatever a person's new verdict changes.

        With `tell` false nobody is mailed of what is found now. In any case nobody is mailed of what a backfill
        brought: whoever comes first to judge it, it is judged before what is new, and by itself.
        """
        try:
            async with connection(self.pool) as conn:
                past = await self._judge(conn, tell=False, quiet=True)
                now = await self._judge(conn, tell=tell, quiet=False)
        except BaseException:
            self.fold = None  # it may have been fed what was not written
            raise
        return Judged(
            versions=past.versions + now.versions,
            figures=past.figures + now.figures,
            incidents=past.incidents + now.incidents,
        )

    async def _judge(self, conn: Connection, *, tell: bool, quiet: bool) -> Judged:
        generation = (await one(conn, "lock_ledger"))["generation"]
        unjudged = await many(conn, "unjudged")
        versions = [row["id"] for row in unjudged if row["quiet"] is quiet]
        if quiet and not versions:
            return Judged(versions=0, figures=0, incidents=0)
        verdicts = {incident_key(row): ruling(row) for row in await many(conn, "verdicts")}
        if not versions and self.fold is not None and self.fold.verdicts == verdicts:
            return Judged(versions=0, figures=0, incidents=0)
        desk = Desk(conn=conn, at=self.clock(), tell=tell)
        rows = await many(conn, "observations", versions=versions)
        fold = self.fold
        if fold is None or fold.generation != generation or fold.verdicts != verdicts or not fold.continues(rows):
            fold = self.fold = Fold(judge=Judge(budget=self.budget, verdicts=verdicts), verdicts=verdicts)
            later = {row["id"] for row in unjudged} - set(versions)
            fold.take([row for row in await many(conn, "observations", versions=None) if row["version"] not in later])
            changed = await desk.sync(fold.episodes.of, await many(conn, "judged_incidents"))
        else:
            keys = fold.take(rows)
            held = await many(conn, "incidents_of_keys", **arrays(keys, ("kinds", "claimants", "metrics", "days")))
            changed = await desk.sync({key: fold.episodes.of[key] for key in keys}, held)
        figures = await write_figures(conn, {cell(row) for row in rows})
        await run(conn, "mark_judged", versions=versions)
        fold.generation = (await one(conn, "advance_ledger"))["generation"]
        return Judged(versions=len(versions), figures=figures, incidents=changed)


async def write_figures(conn: Connection, cells: set[Cell]) -> int:
    """Write the history of some cells anew where it changed; return how many did."""
    if not cells:
        return 0
    places = arrays(cells, ("claimants", "metrics", "days"))
    said = by_cell(await many(conn, "cell_observations", **places))
    held = by_cell(await many(conn, "figures_of_cells", **places))
    wanted = {
        place: [
            figure_row(figure, until) for figure, until in spans(ledger.history(list(Sayings().observations(rows))))
        ]
        for place, rows in said.items()
    }
    changed = {place: rows for place, rows in wanted.items() if rows != held.get(place, [])}
    await _replace(conn, changed)
    return len(changed)


async def _replace(conn: Connection, histories: Mapping[Cell, list[dict[str, Any]]]) -> None:
    """Write all of them with two statements: a past of years has tens of thousands of cells."""
    if histories:
        await run(conn, "drop_figures", **arrays(histories, ("claimants", "metrics", "days")))
        figures = [row for rows in histories.values() for row in rows]
        await run(conn, "keep_figures", figures=Jsonb(figures, dumps=_as_json))


_as_json = partial(json.dumps, default=methodcaller("isoformat"))


def spans(history: Iterable[Figure]) -> Iterable[tuple[Figure, datetime | None]]:
    """Pair each state of a cell with the moment until which it was known; None: still."""
    states = list(history)
    for state, following in pairwise(states):
        yield state, following.known_since
    if states:
        yield states[-1], None


def figure_row(figure: Figure, until: datetime | None) -> dict[str, Any]:
    """Return a figure as its row."""
    return {
        "claimant": figure.claimant,
        "metric": figure.metric,
        "as_of": figure.as_of,
        "known_since": figure.known_since,
        "known_until": until,
        "total": figure.total,
        "daily": figure.daily,
        "status": figure.status,
        "supports": list(figure.supports),
        "dissents": [dissent_row(dissent) for dissent in figure.dissents],
    }


def dissent_row(dissent: Dissent) -> dict[str, Any]:
    """Return a dissent as JSON holds it."""
    return {**asdict(dissent), "since": dissent.since.astimezone(UTC).isoformat()}


def by_cell(rows: Iterable[dict[str, Any]]) -> dict[Cell, list[dict[str, Any]]]:
    """Group rows by their cell, keeping their order."""
    ordered = sorted(rows, key=cell)
    return {place: list(group) for place, group in groupby(ordered, key=cell)}


def cell(row: Row) -> Cell:
    """Return the cell that a row speaks of."""
    return row["claimant"], row["metric"], row["as_of"]


def arrays(keys: Iterable[tuple[Any, ...]], names: tuple[str, ...]) -> dict[str, list[Any]]:
    """Turn keys into the parallel arrays that a query takes."""
    columns = list(zip(*sorted(keys), strict=True)) or [()] * len(names)
    return {name: list(column) for name, column in zip(names, columns, strict=True)}
