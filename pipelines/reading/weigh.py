"""A document as a whole: which of its mentions are claims, and which contradict each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from pipelines.metrics import METRICS
from pipelines.reading.mention import CEILING, Mention, Trouble, could_be_daily, could_be_total, floor, metric_on
from pipelines.reading.numbers import resolution
from pipelines.reading.vocabulary import claimants
from pipelines.records import GENERAL_STAFF, Claim, Problem

_Cell = tuple[str, str, date | None]  # claimant, metric, day
_PLENTY = 6  # distinct metrics by which it is one though nobody says whose losses they are
_DISTINCT = 100  # mentions of one number that are compared; no report has so many
_EARLY = 5_000  # in the first weeks the total grew faster than the floors tell
_ENOUGH = 3  # distinct metrics by which a text without a named claimant is a tally


@dataclass(frozen=True, slots=True)
class Report:
    """Return what all claims of one reading share."""

    day: date | None
    reader: str
    note: str | None
    why: str
    speaker: str | None
    russian: bool  # Russia or the enemy is mentioned
    war: bool  # Russia or Ukraine is


def weigh(
    mentions: Sequence[Mention], troubles: Sequence[Trouble], report: Report
) -> tuple[list[Claim], list[Problem]]:
    """Claims in the order of the text, and what could not be decided."""
    problems = [Problem(problem=t.problem, span=t.span, quote=t.quote) for t in troubles]
    cells: dict[_Cell, list[Mention]] = defaultdict(list)
    for mention in _vouched(mentions, report):
        day = mention.day or report.day
        cells[mention.claimant or GENERAL_STAFF, metric_on(mention.metric, day), day].append(mention)
    claims = []
    for (claimant, metric, day), found in cells.items():
        if day and not METRICS[metric].valid_on(day):
            first = found[0]
            problems.append(Problem(problem=f"{metric} was not reported on {day}", span=first.span, quote=first.quote))
            continue
        total, daily = _undisputed(found)
        if total is daily:
            total, total_problem = _one(found, "total", metric, day)
            daily, daily_problem = _one(found, "daily", metric, day)
            problems += [problem for problem in (total_problem, daily_problem) if problem]
        if total or daily:
            claims.append(_claim((claimant, metric, day), total, daily, report))
    return claims, problems


def _vouched(mentions: Sequence[Mention], report: Report) -> Iterable[Mention]:
    """Return the mentions whose claimant is known and keeps a tally."""
    nameless = [mention for mention in mentions if mention.claimant is None]
    heir = report.speaker or (GENERAL_STAFF if _is_tally(nameless, mentions, report) else None)
    for mention in mentions:
        mention.claimant = mention.claimant or heir
        if not (report.war or mention.listed or len(mentions) >= _PLENTY):
            continue  # some other general staff, in some other war
        if mention.claimant is not None and claimants()[mention.claimant].get("tally"):
            yield mention


def _is_tally(nameless: Sequence[Mention], mentions: Sequence[Mention], report: Report) -> bool:
    """Whether numbers that nobody is named for are the tally: enough Russian totals, or company that is."""
    if any(mention.claimant == GENERAL_STAFF for mention in mentions):
        return report.war
    totals = {m.metric for m in nameless if m.kind == "total" and could_be_total(m.metric, m.value, report.day)}
    if any(_is_personnel_total(mention, report.day) for mention in nameless):
        return report.russian or len(totals) >= _PLENTY
    return report.russian and len(totals) >= _ENOUGH


def _is_personnel_total(mention: Mention, day: date | None) -> bool:
    """Whether a number is of the size of that day's personnel total, which nothing else is."""
    least = floor("personnel", day)
    return (
        mention.metric in {"personnel", "people"}
        and mention.kind == "total"
        and least <= mention.value <= least * CEILING + _EARLY
    )


def _undisputed(found: Sequence[Mention]) -> tuple[Mention | None, Mention | None]:
    """Return total and change of the common case, one line of a list; nothing where there is anything to weigh."""
    first, second = found[0], found[-1]
    if first.listed and first.kind == "total" and len(found) == 1:
        return first, None
    if first.listed and second.listed and first.kind == "total" and second.kind == "daily" and len(found) == 2:  # noqa: PLR2004 - a pair
        return first, second
    return None, None


def _one(found: Sequence[Mention], kind: str, metric: str, day: date | None) -> tuple[Mention | None, Problem | None]:
    """Return the one number of a kind that a cell states: lists outrank prose, exact outranks rounded, else none."""
    exact = [mention for mention in found if mention.kind == kind and not mention.rounded]
    exact = [mention for mention in exact if mention.listed or _conceivable(mention, day)]
    exact = [mention for mention in exact if mention.listed] or exact
    distinct = {mention.value: mention for mention in exact[:_DISTINCT]}.values()
    exact = [m for m in exact if not any(_rounds(m, other) for other in distinct)]
    for better in ("strong", "said"):
        if len({mention.value for mention in exact}) > 1:
            exact = [mention for mention in exact if _is(mention, better)] or exact
    values = {mention.value for mention in exact}
    if len(values) > 1:
        said = " and ".join(str(value) for value in sorted(values))
        return None, Problem(
            problem=f"{metric}: two different {kind}s, {said}", span=exact[-1].span, quote=exact[-1].quote
        )
    return (exact[0] if exact else None), None


def _is(mention: Mention, better: str) -> bool:
    """Whether a mention has what decides between two: a word for soldiers rather than people, a word for its kind."""
    return not mention.weak if better == "strong" else mention.said


def _conceivable(mention: Mention, day: date | None) -> bool:
    """Tell whether a number of prose is of a size that its kind can have. Lists are read as they are."""
    if mention.kind == "daily":
        return could_be_daily(mention.metric, mention.value // 2)
    return could_be_total(mention.metric, mention.value * 2, day)


def _rounds(mention: Mention, exact: Mention) -> bool:
    """Whether one number is a rounding of the other: 82,700 of 82,710."""
    coarse, fine = resolution(abs(mention.value)), resolution(abs(exact.value))
    return coarse > fine and mention.value != exact.value and abs(mention.value - exact.value) < coarse


def _claim(cell: _Cell, total: Mention | None, daily: Mention | None, report: Report) -> Claim:
    claimant, metric, day = cell
    main = total or daily
    if main is None:
        raise ValueError("a claim needs a number")
    why = main.why if daily is None or daily is main else (*main.why, *daily.why[:1])
    return Claim(
        claimant=claimant,
        metric=metric,
        as_of=day,
        total=total.value if total else None,
        daily=daily.value if daily else None,
        hedge=main.hedge,
        total_span=total.span if total else None,
        daily_span=daily.span if daily else None,
        quote=main.quote,
        reader=report.reader,
        note=report.note,
        why=(*why, f"claimant: {claimant}", report.why),
    )
