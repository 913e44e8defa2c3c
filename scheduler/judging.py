"""Judging: what was kept becomes figures and incidents, in one transaction."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from itertools import groupby, pairwise
from operator import methodcaller
from typing import Any

from psycopg.types.json import Jsonb

from pipelines import ledger
from pipelines.database import Connection, Pool, connection, many, one, run, stream
from pipelines.observations import Sayings
from pipelines.records import Dissent, Figure
from scheduler.checks.finding import Ruling
from scheduler.checks.judge import Judge
from scheduler.clock import Clock
from scheduler.episodes import Key
from scheduler.fold import Fold, Verdicts
from scheduler.incidents import Desk, incident_key
from scheduler.marks import Marks

logger = logging.getLogger(__name__)

Row = Mapping[str, Any]
Cell = tuple[str, str, date]
Keys = set[Key] | None  # None: any may have changed


MANY = 1000
"""Versions from which everything is judged anew, a portion at a time: a past that was filled, not a morning."""

PORTION_OF_CELLS = 1000
"""Cells whose history is written at once: twelve sources say some ten thousand things of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """What one judging did."""

    versions: int  # that had not been judged
    figures: int  # cells whose history changed
    incidents: int  # that were opened, updated or ended


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """What is to be judged."""

    versions: frozenset[int]
    read_again: frozenset[int]  # those of them whose former claims may have been judged

    @classmethod
    def of(cls, rows: Iterable[Row]) -> News:
        """Return rows of the query `unjudged`."""
        chosen = list(rows)
        again = frozenset(row["id"] for row in chosen if row["read_again"])
        return cls(versions=frozenset(row["id"] for row in chosen), read_again=again)


def ruling(row: Row) -> Ruling:
    """Return what a person said of a stored incident."""
    return Ruling(verdict=row["verdict"], source=row["source"], observed=row["observed"])


class Court:
    """Judges what was kept. It remembers its fold, so that a day's reports cost a day's work.

    What should have been known earlier, what another process has judged meanwhile, and what a person has explained
    send it back to a mark, from which it goes on with what was judged since. Only where no mark is early enough is
    the fold made again from the first observation: a matter of seconds for each year of twelve sources.
    """

    def __init__(self, pool: Pool, clock: Clock, *, budget: int) -> None:
        self.pool = pool
        self.clock = clock
        self.budget = budget
        self.fold: Fold | None = None
        self.halfway = False  # everything is judged anew, and what is news is not fed yet

    def forget(self) -> None:
        """Go on from a mark at the next judging."""
        self.fold, self.halfway = None, False

    async def judge(self, *, tell: bool) -> Judged:
        """Judge all versions that have not been judged, and whatever a person's new verdict changes.

        With `tell` false nobody is mailed of what is found now. In any case nobody is mailed of what a backfill
        brought, of what was read again, and of what a new judge finds in what another one has judged: whoever comes
        first to judge it, it is judged before what is new, and by itself.
        """
        try:
            async with connection(self.pool) as conn:
                past = await self._judge(conn, tell=False, quiet=True)
                now = await self._judge(conn, tell=tell, quiet=False)
        except BaseException:
            self.forget()  # it may have been fed what was not written
            raise
        return Judged(
            versions=past.versions + now.versions,
            figures=past.figures + now.figures,
            incidents=past.incidents + now.incidents,
        )

    async def _judge(self, conn: Connection, *, tell: bool, quiet: bool) -> Judged:
        generation = (await one(conn, "lock_ledger"))["generation"]
        unjudged = await many(conn, "unjudged")
        news = News.of(row for row in unjudged if row["quiet"] is quiet)
        if quiet and not news.versions:
            return Judged(versions=0, figures=0, incidents=0)
        verdicts = {incident_key(row): ruling(row) for row in await many(conn, "verdicts")}
        fold = self.fold if self.fold is not None and self.fold.generation == generation else None
        if not news.versions and fold is not None and fold.verdicts == verdicts:
            return Judged(versions=0, figures=0, incidents=0)
        marks = Marks(conn=conn, budget=self.budget)
        desk = Desk(conn=conn, at=self.clock(), tell=tell)
        if fold is None and not await marks.known():  # a new judge, or the first one
            since = (await one(conn, "known_since", versions=sorted(news.versions)))["known_at"]
            desk = replace(desk, since=since or desk.at)
        found = await self._go_on(marks, fold, news, verdicts)
        if found is None:
            found = await self._from_the_beginning(marks, verdicts, news.versions)
        self.fold, keys = found
        if self.halfway:
            keys, self.halfway = None, False
        elif quiet and keys is None:
            self.halfway = len(unjudged) > len(news.versions)
        changed = await self._sync(desk, self.fold, keys)
        versions = sorted(news.versions)
        figures = await write_figures(conn, await many(conn, "cells_of_versions", versions=versions))
        stands = {row["id"]: row["stand"] for row in unjudged}
        await run(conn, "mark_judged", versions=versions, stands=[stands[version] for version in versions])
        self.fold.generation = (await one(conn, "advance_ledger"))["generation"]
        return Judged(versions=len(versions), figures=figures, incidents=changed)

    async def _go_on(
        self, marks: Marks, fold: Fold | None, news: News, verdicts: Verdicts
    ) -> tuple[Fold, Keys] | None:
        """Feed what is new to the fold, else to a mark with all that was judged since.

        Return what became of it, and the keys that it says something else of. None: nothing can be gone on from.
        """
        if len(news.versions) > MANY:
            return None
        rows = await many(marks.conn, "observations", versions=sorted(news.versions))
        if fold is not None and fold.verdicts == verdicts and not news.read_again and fold.continues(rows):
            if fold.begins_a_day(rows):
                await marks.put(fold)
            touched = fold.take(rows)
            fold.let_go()
            await marks.judged(news.versions)
            return fold, touched
        while (mark := await marks.newest()) is not None:
            versions = mark.versions | news.versions
            rows = await many(marks.conn, "observations", versions=sorted(versions))
            if news.read_again <= mark.versions and mark.fold.heed(verdicts) and mark.fold.continues(rows):
                mark.fold.take(rows)
                mark.fold.let_go()
                await marks.judged(news.versions)
                return mark.fold, None if fold is None else mark.fold.episodes.differing(fold.episodes)
            await marks.drop(mark.id)
        return None

    async def _from_the_beginning(self, marks: Marks, verdicts: Verdicts, news: frozenset[int]) -> tuple[Fold, Keys]:
        """Feed what was judged before, and the news; what is kept meanwhile is for a later judging."""
        logger.info("Judging everything from the first report on: there is no mark to go on from")
        fold = Fold(judge=Judge(budget=self.budget, verdicts=verdicts), verdicts=verdicts)
        awaited = deque(await many(marks.conn, "last_words"))
        async for rows in stream(marks.conn, "observations", versions=None):
            await asyncio.to_thread(fold.take, [row for row in rows if row["judged"] or row["version"] in news])
            while awaited and awaited[0]["known_at"] < rows[-1]["known_at"]:
                awaited.popleft()
            fold.let_go(awaited[0]["as_of"] if awaited else date.max)
        await marks.drop()
        await marks.put(fold)
        return fold, None

    async def _sync(self, desk: Desk, fold: Fold, keys: Keys) -> int:
        said = fold.episodes.of
        if keys is None:
            held = await many(desk.conn, "judged_incidents")
            return await desk.sync(said, held, withdraw=not self.halfway)
        held = await many(desk.conn, "incidents_of_keys", **arrays(keys, ("kinds", "claimants", "metrics", "days")))
        return await desk.sync({key: said[key] for key in keys if key in said}, held)


async def write_figures(conn: Connection, cells: Sequence[Row]) -> int:
    """Write the history of some cells anew where it changed; return how many did."""
    changed = 0
    for start in range(0, len(cells), PORTION_OF_CELLS):
        changed += await _write_figures(conn, {cell(row) for row in cells[start : start + PORTION_OF_CELLS]})
    return changed


async def _write_figures(conn: Connection, cells: set[Cell]) -> int:
    places = arrays(cells, ("claimants", "metrics", "days"))
    said = by_cell(await many(conn, "cell_observations", **places))
    held = by_cell(await many(conn, "figures_of_cells", **places))
    changed: dict[Cell, list[dict[str, Any]]] = {}
    for place in cells:
        observations = list(Sayings().observations(said.get(place, ())))
        rows = [figure_row(figure, until) for figure, until in spans(ledger.history(observations))]
        if rows != held.get(place, []):
            changed[place] = rows
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
