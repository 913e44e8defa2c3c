"""Looking who is silent: coverage incidents opened and closed by what the ledger and the runs say now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from pipelines.database import Connection, Pool, connection, many
from scheduler.checks.coverage import Outage, outages, silences
from scheduler.checks.finding import Finding
from scheduler.clock import Clock, kyiv_day
from scheduler.crawling import Source
from scheduler.episodes import Episode
from scheduler.incidents import Desk, incident_key
from scheduler.judging import arrays
from spiders.base import SourceSpider
from spiders.sources import declared


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """Looks at the sources that are polled."""

    pool: Pool
    clock: Clock

    async def look(self, sources: Mapping[str, Source], *, tell: bool) -> int:
        """Open what is silent or broken, close what has come back; return how many incidents changed."""
        now = self.clock()
        async with connection(self.pool) as conn:
            installed = {row["source"]: kyiv_day(row["installed_at"]) for row in await many(conn, "last_runs")}
            spiders = {
                name: declared()[source.spider or name] for name, source in sources.items() if name in installed
            }
            found = [*await self._silences(conn, spiders, installed), *await self._outages(conn, spiders)]
            return await _sync(conn, Desk(conn=conn, at=now, tell=tell), found)

    async def _silences(
        self, conn: Connection, spiders: Mapping[str, type[SourceSpider]], installed: Mapping[str, date]
    ) -> list[Finding]:
        now = self.clock()
        speaking: dict[str, list[str]] = defaultdict(list)
        for name, spider in spiders.items():
            if spider.role == "official" and spider.claimant and spider.window:
                speaking[spider.claimant].append(name)
        found = []
        for claimant, names in speaking.items():
            since = min(installed[name] for name in names)
            rows = await many(conn, "report_days", **{"claimant": claimant, "from": since})
            found += silences(
                claimant,
                reported=[row["as_of"] for row in rows],
                since=since,
                lapsed=min(window.lapsed(now) for name in names if (window := spiders[name].window)),
                today=kyiv_day(now),
                now=now,
            )
        return found

    async def _outages(self, conn: Connection, spiders: Iterable[str]) -> list[Finding]:
        runs = [Outage(**row) for row in await many(conn, "outages") if row["source"] in set(spiders)]
        return outages(runs, self.clock(), {run.source: kyiv_day(run.began) for run in runs})


async def _sync(conn: Connection, desk: Desk, found: Iterable[Finding]) -> int:
    wanted = {finding.key: finding for finding in found}
    held = await many(conn, "incidents_of_keys", **arrays(wanted, ("kinds", "claimants", "metrics", "days")))
    known = {incident_key(row) for row in held}
    new = {key: [Episode(first=finding, latest=finding)] for key, finding in wanted.items() if key not in known}
    changed = await desk.sync(new, [])
    for row in await many(conn, "watched_incidents"):
        if incident_key(row) not in wanted:
            changed += await desk.close(row, ENDED[row["kind"]])
    return changed


ENDED = {
    "coverage.late": "the wait is over",
    "coverage.missing": "a report for that day has come",
    "coverage.broken": "the source can be read again",
}
