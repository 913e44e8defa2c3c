"""From episodes to incidents, exactly once: what the database holds is moved to what was found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg.types.json import Jsonb

from pipelines.database import Connection, many, maybe, run
from scheduler.checks.finding import Finding, Suggestion, Verdict
from scheduler.episodes import Episode, Key
from scheduler.exceptions import WrongUse

RUNNING = ("open", "acknowledged", "snoozed", "explained")
JUDGE = "judge"
Act = Literal["acknowledged", "snoozed", "explained", "closed"]
How = Literal["command", "link", "reply"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """Where incidents are written: one transaction, one moment, and whether people are to be told.

    `since`: what was known before that moment is no news, though it is found only now.
    """

    conn: Connection
    at: datetime
    tell: bool
    since: datetime | None = None

    async def sync(
        self, wanted: Mapping[Key, list[Episode]], held: Iterable[Mapping[str, Any]], *, withdraw: bool = True
    ) -> int:
        """Move the incidents that are held to the episodes that are wanted; return how many changed.

        An incident that no episode implies any more is withdrawn, unless a person has explained it: the checks
        obey the explanation, and find nothing there because of it. With `withdraw` false that is left to a later call,
        which knows more.
        """
        rows = {(row["kind"], row["claimant"], row["metric"], row["as_of"], row["episode"]): row for row in held}
        changed = 0
        meant = [
            (number, episode, rows.pop((*key, number), None))
            for key, episodes in wanted.items()
            for number, episode in enumerate(episodes, 1)
        ]
        # What ends goes first: of each key one incident runs at a time.
        for old in rows.values() if withdraw else ():
            if old["verdict"] is None:
                changed += await self._end(old, "withdrawn", "later arrivals no longer imply it")
        for number, episode, row in meant:
            changed += await self._sync_one(number, episode, row)
        return changed

    async def close(self, row: Mapping[str, Any], reason: str) -> bool:
        """Close an incident whose condition has ended."""
        return await self._end(row, "closed", reason)

    async def _sync_one(self, number: int, episode: Episode, row: Mapping[str, Any] | None) -> bool:
        if row is None:
            return await self._open(number, episode)
        changed = False
        if differs(episode.latest, row):
            await run(self.conn, "update_incident", id=row["id"], **columns(episode.latest))
            quiet = not self._news(episode.latest) or not matters(episode.latest, row)
            await self._step(row["id"], "updated", episode.latest.message, told=quiet)
            changed = True
        return await self._move(row, episode) or changed

    async def _move(self, row: Mapping[str, Any], episode: Episode) -> bool:
        """Let the state follow the episode. What a person has closed stays closed."""
        ended = over(episode)
        if row["state"] in RUNNING:
            return ended and await self.close(row, why_over(episode))
        if row["settled"] or (ended and row["state"] == "closed"):
            return False
        if await maybe(self.conn, "reopen_incident", id=row["id"]) is None:
            return False
        await self._step(row["id"], "opened", episode.latest.message, told=ended or not self._news(episode.latest))
        if ended:
            await run(self.conn, "end_incident", id=row["id"], state="closed", at=self.at)
        return True

    async def _open(self, number: int, episode: Episode) -> bool:
        finding = episode.latest
        ended = over(episode)
        key = {"kind": finding.kind, "claimant": finding.claimant, "metric": finding.key[2], "as_of": finding.as_of}
        state = {"state": "closed" if ended else "open", "closed_at": self.at if ended else None}
        row = await maybe(self.conn, "open_incident", **key, **columns(finding), **state, episode=number, at=self.at)
        if row is None:
            return False
        await self._step(row["id"], "opened", finding.message, told=ended or not self._news(finding))
        if episode.resolution is not None:
            await self._step(row["id"], "resolved", episode.resolution.message, told=True)
        return True

    async def _end(self, row: Mapping[str, Any], state: str, reason: str) -> bool:
        ended = await maybe(self.conn, "end_incident", id=row["id"], state=state, at=self.at)
        if ended is None:
            return False
        quiet = not self.tell or row["severity"] == "info" or row["state"] == "explained"
        await self._step(row["id"], "resolved" if state == "closed" else state, reason, told=quiet)
        return True

    def _news(self, finding: Finding) -> bool:
        is_new = self.since is None or finding.known_at >= self.since
        return self.tell and is_new and finding.severity != "info"

    async def _step(self, incident: int, what: str, note: str, *, told: bool, by: str = JUDGE) -> None:
        step = {"incident": incident, "at": self.at, "by": by, "what": what, "note": note, "told": told}
        await run(self.conn, "keep_step", **step)

    async def act(
        self,
        incident: int,
        what: Act,
        *,
        by: str,
        how: How = "command",
        note: str | None = None,
        verdict: Verdict | None = None,
        snoozed_until: datetime | None = None,
    ) -> None:
        """Let a person acknowledge, snooze, explain or close an incident.

        Raises WrongUse when there is no such incident, it is over already, or it was explained and nobody need look.
        """
        refuse(incident, what, await maybe(self.conn, "may_act", id=incident))
        values = {"verdict": verdict, "snoozed_until": snoozed_until}
        await run(self.conn, "act_on_incident", id=incident, at=self.at, what=what, **values)
        words = ": ".join(part for part in (verdict, note) if part)
        quiet = not self.tell or what in ("acknowledged", "snoozed")
        step = {"incident": incident, "at": self.at, "by": by, "what": what, "note": words, "told": quiet}
        await run(self.conn, "keep_act", how=how, **step)

    async def wake(self) -> int:
        """Open again what was put off until now; return how many. That is news: a snooze must not swallow anything."""
        woken = await many(self.conn, "wake_snoozed", at=self.at)
        for row in woken:
            quiet = not self.tell or row["severity"] == "info"
            await self._step(row["id"], "woken", "the time it was put off for is over", told=quiet)
        return len(woken)


def refuse(incident: int, what: Act, row: Mapping[str, Any] | None) -> None:
    """Raise WrongUse with why an act cannot be done to an incident as it stands."""
    if row is None:
        raise WrongUse(f"there is no incident {incident}")
    if row["state"] not in RUNNING:
        raise WrongUse(f"incident {incident} is {row['state']} already")
    if row["state"] == "explained" and what in ("acknowledged", "snoozed"):
        raise WrongUse(f"incident {incident} is explained already, as {row['verdict']}")


def over(episode: Episode) -> bool:
    """Whether an episode asks for nobody: it has ended, or was no more than news."""
    return episode.resolution is not None or episode.latest.severity == "info"


def why_over(episode: Episode) -> str:
    """Say why an episode asks for nobody."""
    return episode.resolution.message if episode.resolution else "it is no more than news"


def incident_key(row: Mapping[str, Any]) -> Key:
    """Return the identity of a stored incident."""
    return row["kind"], row["claimant"], row["metric"], row["as_of"]


def columns(finding: Finding) -> dict[str, Any]:
    """Return a finding as the columns of its incident that may change."""
    return {
        "severity": finding.severity,
        "source": finding.source,
        "message": finding.message,
        "observed": finding.observed,
        "expected": finding.expected,
        "suggestion": Jsonb(asdict(finding.suggestion)) if finding.suggestion else None,
        "claims": [finding.ref, *finding.against] if finding.ref else [],
        "known_at": finding.known_at,
    }


def differs(finding: Finding, row: Mapping[str, Any]) -> bool:
    """Whether a finding says anything else than its incident."""
    ruled = {"source", "observed"} if row["verdict"] is not None else set()
    return any(_plain(value) != row[name] for name, value in columns(finding).items() if name not in ruled)


def matters(finding: Finding, row: Mapping[str, Any]) -> bool:
    """Whether what a finding says anew is worth a mail: another value, another diagnosis, or it got worse."""
    before = suggestion(row)
    now = finding.suggestion
    told = (before.field, before.value, before.diagnosis) if before else None
    worse = finding.severity == "critical" and row["severity"] != "critical"
    return worse or ((now.field, now.value, now.diagnosis) if now else None) != told


def suggestion(row: Mapping[str, Any]) -> Suggestion | None:
    """Return the suggestion of a stored incident."""
    return Suggestion(**row["suggestion"]) if row["suggestion"] else None


def _plain(value: Any) -> Any:
    return value.obj if isinstance(value, Jsonb) else value
