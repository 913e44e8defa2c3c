"""Looking who is silent: coverage incidents opened and closed by what the ledger and the runs say now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from pipelines.database import Connection, Pool, connection, many, one
from scheduler.checks.categories import MISSING, NEW, Listing, Words, lasting, strange, vanished
from scheduler.checks.coverage import Outage, outages, silences
from scheduler.checks.finding import Finding
from scheduler.clock import Clock, kyiv_day
from scheduler.crawling import Source
from scheduler.episodes import Episode, Key
from scheduler.incidents import Desk, incident_key
from scheduler.judging import arrays
from spiders.base import SourceSpider
from spiders.sources import declared

LISTS = timedelta(days=30)
"""Past of the official reports that categories are compared over: the seven before, and a stop of three weeks."""

RECENT = timedelta(days=30)
"""Days that are looked at each time: what comes, or is taken back, is of these as a rule. A day before them is looked
at once a day, and each time as long as it has no official report."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Silent:
    """The days of a claimant without an official report, as they were found."""

    days: frozenset[date]
    since: date  # the installation
    looked: date  # the Kyiv day on which all days since then were looked at


def to_look_at(before: Silent | None, since: date, last: date, today: date) -> list[date]:
    """Return the days that may be silent, of those from the installation to the last one whose report is due."""
    if before is None or (before.since, before.looked) != (since, today):
        return _span(since, last)
    first = max(since, last - RECENT)
    return [*sorted(day for day in before.days if day < first), *_span(first, last)]


def _span(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


@dataclass(kw_only=True, slots=True)
class Coverage:
    """Looks at the sources that are polled."""

    pool: Pool
    clock: Clock
    lists: list[Listing] = field(default_factory=list, init=False)  # read again when something was judged
    read: tuple[int, date] = field(default=(-1, date.min), init=False)  # the ledger's generation then, and the day
    silent: dict[str, Silent] = field(default_factory=dict, init=False)  # by claimant

    async def look(self, sources: Mapping[str, Source], *, tell: bool) -> int:
        """Open what is silent or broken, close what has come back; return how many incidents changed."""
        now = self.clock()
        async with connection(self.pool) as conn:
            installed = {row["source"]: kyiv_day(row["installed_at"]) for row in await many(conn, "last_runs")}
            spiders = {
                name: declared()[source.spider or name] for name, source in sources.items() if name in installed
            }
            lists = await self._lists(conn, spiders)
            found = [
                *await self._silences(conn, spiders, installed),
                *await self._outages(conn, spiders),
                *self._categories(lists, installed),
            ]
            polled = {*sources, *(spider.claimant for spider in spiders.values() if spider.claimant)}
            return await _sync(conn, Desk(conn=conn, at=now, tell=tell), found, lists, polled)

    async def _silences(
        self, conn: Connection, spiders: Mapping[str, type[SourceSpider]], installed: Mapping[str, date]
    ) -> list[Finding]:
        now = self.clock()
        today = kyiv_day(now)
        speaking: dict[str, list[str]] = defaultdict(list)
        for name, spider in spiders.items():
            if spider.role == "official" and spider.claimant and spider.window:
                speaking[spider.claimant].append(name)
        found = []
        for claimant, names in speaking.items():
            since = min(installed[name] for name in names)
            lapsed = min(window.lapsed(now) for name in names if (window := spiders[name].window))
            suspected = to_look_at(self.silent.get(claimant), since, lapsed, today)
            rows = await many(conn, "silent_days", claimant=claimant, days=suspected)
            days = [row["as_of"] for row in rows]
            self.silent[claimant] = Silent(days=frozenset(days), since=since, looked=today)
            found += silences(claimant, days, today=today, now=now)
        return found

    async def _outages(self, conn: Connection, spiders: Iterable[str]) -> list[Finding]:
        runs = [Outage(**row) for row in await many(conn, "outages") if row["source"] in set(spiders)]
        return outages(runs, self.clock(), {run.source: kyiv_day(run.began) for run in runs})

    async def _lists(self, conn: Connection, spiders: Iterable[str]) -> list[Listing]:
        stand = (await one(conn, "generation"))["generation"], kyiv_day(self.clock())
        if stand != self.read:
            rows = await many(conn, "official_lists", **{"from": stand[1] - LISTS})
            self.lists, self.read = [listing(row) for row in rows], stand
        return [listed for listed in self.lists if listed.source in set(spiders)]

    def _categories(self, lists: Iterable[Listing], installed: Mapping[str, date]) -> list[Finding]:
        """Compare reports from the installation on: a source that was added later is news from its own day."""
        now = self.clock()
        by_claimant: dict[str, dict[str, list[Listing]]] = defaultdict(lambda: defaultdict(list))
        for listed in lists:
            by_claimant[listed.claimant][listed.source].append(listed)
        found = []
        for by_source in by_claimant.values():
            every = [listed for of in by_source.values() for listed in of]
            found += vanished(every, since=min(installed[name] for name in by_source), now=now)
            for name, of in by_source.items():
                found += strange(of, since=installed[name], now=now)
        return found


async def newest_reports(conn: Connection, sources: Iterable[str], today: date) -> dict[str, date]:
    """Return the day of each source's newest report, for those that have one.

    As a rule all have one of late, which takes a hundredth of a look through the whole ledger.
    """
    rows = await many(conn, "recent_days", since=today - RECENT, source=None)
    if not {row["source"] for row in rows}.issuperset(sources):
        rows = await many(conn, "latest_days")
    return {row["source"]: row["as_of"] for row in rows}


def listing(row: Mapping[str, Any]) -> Listing:
    """Return a row of the query `official_lists`."""
    return Listing(
        source=row["source"],
        url=row["url"],
        claimant=row["claimant"],
        as_of=row["as_of"],
        metrics=dict(zip(row["metrics"], map(Words, row["claims"], row["words"]), strict=True)),
        strangers={label.strip("'\""): line for label, line in row["strangers"].items()},
    )


async def _sync(
    conn: Connection, desk: Desk, found: Iterable[Finding], lists: Iterable[Listing], polled: Collection[str]
) -> int:
    wanted = {finding.key: finding for finding in found}
    held = await many(conn, "incidents_of_keys", **arrays(wanted, ("kinds", "claimants", "metrics", "days")))
    over = [row for row in held if row["state"] == "closed" and not row["settled"]]
    known = {incident_key(row) for row in held} - {incident_key(row) for row in over}
    new = {key: [Episode(first=finding, latest=finding)] for key, finding in wanted.items() if key not in known}
    changed = await desk.sync(new, over)
    for row in await many(conn, "watched_incidents"):
        key = incident_key(row)
        if key not in wanted and not _lasts(key, lists):
            off = row["source" if row["kind"] == "coverage.broken" else "claimant"] not in polled
            changed += await desk.close(row, "the source is not polled any more" if off else ENDED[row["kind"]])
    return changed


def _lasts(key: Key, lists: Iterable[Listing]) -> bool:
    """Whether an incident goes on that the lists are too short to find again."""
    kind, claimant, *_ = key
    return kind in {MISSING, NEW} and lasting(key, [of for of in lists if of.claimant == claimant])


ENDED = {
    "coverage.late": "the wait is over",
    "coverage.missing": "a report for that day has come",
    "coverage.broken": "the source can be read again",
    MISSING: "the reports have it again",
    NEW: "the label is known now, or gone",
}
