"""Observations to figures: who supports a number, who dissents, since when. Nothing is averaged or dropped."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from pipelines.records import Dissent, Figure, Observation, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

RANK = {"official": 0, "relay": 1, "mirror": 2, "rival": 3}
"""Whom to follow: who speaks for the claimant, who quotes it, who copies it, who counts against it."""


def order(observation: Observation) -> tuple[datetime, str, str, str, str, bool, int, bool, int]:
    """Sort key of knowledge: the same for the same observations, in whatever order they were stored."""
    o = observation
    return (
        o.known_at, o.source, o.document, o.as_of.isoformat(), o.metric,
        o.total is not None, o.total or 0, o.daily is not None, o.daily or 0,
    )  # fmt: skip


def figure(
    observations: Iterable[Observation], at: datetime | None = None, *, witnesses: Mapping[str, str] | None = None
) -> Figure | None:
    """Return what the ledger holds for one cell, as known at a moment (now, without one); None before."""
    known = [o for o in observations if at is None or o.known_at <= at]
    past = history(known, witnesses=witnesses)
    return past[-1] if past else None


def history(observations: Iterable[Observation], *, witnesses: Mapping[str, str] | None = None) -> tuple[Figure, ...]:
    """Every state that one cell was in, oldest first.

    `witnesses` maps a source to the group of sources that copy one another: a group is one witness.
    Raises ValueError when the observations are not of one cell.
    """
    ordered = sorted(observations, key=order)
    if len({(o.claimant, o.metric, o.as_of) for o in ordered}) > 1:
        raise ValueError("a figure is made of the observations of one cell")
    states: list[Figure] = []
    words: dict[str, list[Observation]] = defaultdict(list)
    for index, o in enumerate(ordered):
        words[o.source].append(o)
        if index + 1 < len(ordered) and ordered[index + 1].known_at == o.known_at:
            continue
        state = _state(words, o, witnesses or {})
        if not states or _content(state) != _content(states[-1]):
            states.append(state)
    return tuple(states)


def _content(figure: Figure) -> tuple[object, ...]:
    return figure.total, figure.daily, figure.status, figure.supports, figure.dissents


def _state(words: Mapping[str, list[Observation]], last: Observation, witnesses: Mapping[str, str]) -> Figure:
    latest = sorted((said[-1] for said in words.values()), key=order, reverse=True)
    latest.sort(key=lambda o: RANK[o.role])
    stated = _led([o for o in latest if o.total is not None])
    changes = [o for o in latest if o.daily is not None]
    leader = stated[0] if stated else changes[0] if changes else latest[0]
    supports = [o for o in (stated or changes or latest) if o.total == leader.total]
    dissents = tuple(
        Dissent(source=o.source, total=o.total, since=_since(words[o.source]))
        for o in stated
        if o.total is not None and o.total != leader.total
    )
    return Figure(
        claimant=last.claimant,
        metric=last.metric,
        as_of=last.as_of,
        total=leader.total,
        daily=_daily(leader, [*supports, *changes]),
        status=_status(words[leader.source], supports, dissents, witnesses),
        supports=tuple(o.source for o in supports if not is_withdrawn(o)),
        dissents=dissents,
        known_since=last.known_at,
    )


def _led(stated: list[Observation]) -> list[Observation]:
    """Put first, among the words of the best rank, those that most sources say; the latest where they are as many.

    An official page that still shows yesterday, later than the official post, must not win over all others.
    """
    agreed = Counter(o.total for o in stated)
    return sorted(stated, key=lambda o: (RANK[o.role], -agreed[o.total]))


def _since(said: list[Observation]) -> datetime:
    """When a source began to say what it says now."""
    since = said[-1].known_at
    for o in reversed(said):
        if o.total != said[-1].total:
            break
        since = o.known_at
    return since


def _daily(leader: Observation, supports: Iterable[Observation]) -> int | None:
    """Return the printed change of the leader, else of the best source that does not contradict it. Never computed."""
    if leader.daily is not None:
        return leader.daily
    agreeing = (o.daily for o in supports if o.daily is not None and o.total in {leader.total, None})
    return next(agreeing, None)


def is_withdrawn(said: Observation) -> bool:
    """Whether a source says nothing of a cell any more: it took back what it had said."""
    return said.total is None and said.daily is None


def _status(
    said: list[Observation], supports: list[Observation], dissents: tuple[Dissent, ...], witnesses: Mapping[str, str]
) -> Status:
    if is_withdrawn(said[-1]):
        return "withdrawn"
    if dissents:
        return "disputed"
    earlier = {o.total for o in said if o.total is not None}
    if len(earlier) > 1:
        return "corrected"
    if len({witnesses.get(o.source, o.source) for o in supports}) > 1:
        return "confirmed"
    return "reported"
