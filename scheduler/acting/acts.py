"""What a reader can answer to a mail, whichever way."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from types import MappingProxyType

from pipelines.database import Connection, maybe, one
from scheduler.checks.finding import Verdict
from scheduler.exceptions import WrongUse
from scheduler.incidents import Act, Desk, How

NOTE = 500
"""Characters of a person's own words that are kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One thing that can be answered."""

    what: Act
    verdict: Verdict | None = None
    hours: int | None = None  # for how long it is put off
    words: tuple[str, ...]  # what a reply may begin with

    def until(self, at: datetime) -> datetime | None:
        """Return until when an incident is put off by this answer."""
        return at + timedelta(hours=self.hours) if self.hours else None


def _load() -> Mapping[str, Answer]:
    text = (files("scheduler.acting") / "acts.toml").read_text("utf-8")
    return MappingProxyType(
        {name: Answer(**{**entry, "words": tuple(entry["words"])}) for name, entry in tomllib.loads(text).items()}
    )


ANSWERS = _load()
"""Name, as links carry it -> what it does."""

EXPLAINING = tuple(name for name, answer in ANSWERS.items() if answer.verdict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of an answer."""

    done: tuple[int, ...] = ()  # incidents that it changed
    refused: tuple[str, ...] = ()  # why others were left as they are
    before: datetime | None = None  # the same link or reply was used then: nothing was done now


async def answer(
    conn: Connection,
    *,
    key: bytes,
    act: str,
    incidents: Iterable[int],
    by: str,
    how: How,
    note: str,
    at: datetime,
) -> Outcome:
    """Do what a reader answered, once for each key: the mark is kept in the transaction of the act.

    An incident that is over, or was explained meanwhile, is left as it is; the others are changed.
    """
    if await maybe(conn, "keep_answer", key=key, at=at, how=how, by=by, act=act) is None:
        return Outcome(before=(await one(conn, "answer_of", key=key))["at"])
    desk, chosen = Desk(conn=conn, at=at, tell=True), ANSWERS[act]
    done, refused = [], []
    for incident in incidents:
        try:
            await desk.act(
                incident,
                chosen.what,
                by=by,
                how=how,
                note=note[:NOTE] or None,
                verdict=chosen.verdict,
                snoozed_until=chosen.until(at),
            )
            done.append(incident)
        except WrongUse as error:
            refused.append(str(error))
    return Outcome(done=tuple(done), refused=tuple(refused))
