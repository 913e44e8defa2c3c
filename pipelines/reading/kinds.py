"""Total or change of a day: what the words say; else what the size and the sentence before do."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipelines.reading.dates import is_invasion, partial_range, resolve
from pipelines.reading.phrases import COUNT, DATE, MARK, TERM, Item
from pipelines.reading.speech import HEDGES, Number, Speech

_REPORT_NEAR = 3  # days: a date so near is the report's own
_LIST_IN_LINE = 6  # labels with a dash and a number: no sentence has so many
_FEBRUARY, _INVASION_YEAR = 2, 2022


def markers(speech: Speech) -> dict[int, str]:
    """Return index to total, daily, other: terms, "since" before a date or month, a bare month or year."""
    found = {at: _marker(speech, at, item) for at, item in enumerate(speech.items)}
    return {at: kind for at, kind in found.items() if kind}


def _marker(speech: Speech, at: int, item: Item) -> str | None:
    if item.kind == TERM:
        kind = next((kind for kind in ("other", "total", "daily") if item.is_(kind)), None)
        return kind or (_month(speech, at) if item.is_("month") else None)
    if item.kind == DATE:
        return _date(speech, at, item)
    if speech.is_year(at):
        if _since(speech, at) and item.value == _INVASION_YEAR:
            return "total"
        return "other" if at and speech.items[at - 1].is_("on") else None
    return None


def _date(speech: Speech, at: int, item: Item) -> str | None:
    if partial_range(speech.items, at):
        return "other"
    if not _since(speech, at):
        return None
    if is_invasion(item):
        return "total"
    return None if _is_report_day(speech, item) else "other"


def _is_report_day(speech: Speech, item: Item) -> bool:
    """Tell whether a date is that of the report itself: "в сообщении от 25 апреля"."""
    when = resolve(*item.day, speech.day) if item.day else None
    return speech.day is None or (when is not None and abs((speech.day - when).days) <= _REPORT_NEAR)


def _month(speech: Speech, at: int) -> str | None:
    """Return the kind that a month without a day says: in July and August is a sum, since February is a total."""
    items = speech.items
    if any(item.is_("on") or item.is_("since") for item in items[max(0, at - 2) : at]):
        if _since(speech, at):
            return "total"
        follows = items[at + 1].value if at + 1 < len(items) else 0
        return None if items[at].says["month"] == _FEBRUARY and follows == _INVASION_YEAR else "other"
    joined = at > 0 and items[at - 1].is_("and") and any(item.is_("month") for item in items[max(0, at - 3) : at])
    return ("total" if _since(speech, at) else "other") if joined else None


def _since(speech: Speech, at: int) -> bool:
    before = speech.items[max(0, at - 2) : at]
    return any(item.is_("since") or (item.is_("total") and item.kind == TERM) for item in before)


@dataclass(slots=True)
class _Walk:
    """Where a walk through the items stands."""

    leading: tuple[str, str] | None = None  # kind and word of the marker that governs what follows
    fresh: bool = False  # that marker stands in this very clause
    sub: bool = False  # behind "of which"
    clause: list[Number] = field(default_factory=list)
    waiting: list[Number] = field(default_factory=list)  # of earlier clauses, without a marker
    outer: list[tuple[tuple[str, str] | None, list[Number]]] = field(default_factory=list)  # around the brackets
    narrow: bool = False  # the leading marker governs only the part behind "of which"


def mark(speech: Speech) -> None:
    """Give each number the marker that governs it: the leading one, or the one behind it in its clause."""
    by_place = {number.at: number for number in speech.numbers}
    walk = _Walk()
    for at, item in enumerate(speech.items):
        if at in by_place:
            _meet(speech, walk, by_place[at])
        elif at in speech.markers:
            _govern(walk, speech.markers[at], item)
        part = item.kind == TERM and item.is_("of_which")
        if part:
            walk.sub = True
        if part or item.is_("and") or (item.kind == MARK and item.text in {",", ";", "(", ")", ":"}):
            _end_clause(walk, item)


def _meet(speech: Speech, walk: _Walk, number: Number) -> None:
    behind = speech.items[number.at + 1] if number.at + 1 < len(speech.items) else None
    number.sub = walk.sub or bool(behind and behind.is_("of_which"))
    if walk.leading:
        number.decide(*walk.leading, firm=walk.fresh)
    walk.clause.append(number)


def _govern(walk: _Walk, kind: str, item: Item) -> None:
    """Apply a marker backwards, to the numbers of its clause that have none; without such, it leads."""
    open_ = [number for number in walk.clause if not number.firm or number.kind is None] or walk.clause[1:][-1:]
    if not open_:
        walk.leading, walk.fresh, walk.narrow = (kind, item.text), True, walk.sub
        return
    for number in open_:
        number.decide(kind, item.text)
    if not walk.sub and not walk.outer:
        for number in walk.waiting:
            if kind != "daily" or number.could_be_daily:
                number.decide(kind, item.text, firm=False)
        walk.waiting = []


def _end_clause(walk: _Walk, item: Item) -> None:
    used = any(number.sub for number in walk.clause)
    walk.waiting += [number for number in walk.clause if number.kind is None]
    walk.clause, walk.fresh = [], False
    if item.text == "(":
        walk.outer.append((walk.leading, walk.waiting))
        walk.leading, walk.waiting, walk.sub = None, [], False
    elif item.text == ")" and walk.outer:
        walk.leading, walk.waiting = walk.outer.pop()
        walk.sub = False
    elif item.text in {",", ";"} and walk.sub and used:
        walk.sub = False
        if walk.narrow:
            walk.leading, walk.narrow = None, False


def settle(speech: Speech, kept: list[Number], *, named: bool) -> None:
    """Decide what no word in the clause decided, by the size of the numbers and by the sentence before."""
    if in_line(speech, kept):
        for number in kept:
            if not (number.signed or speech.bracketed(number)):
                number.decide("total", "its place in a list")
    soft = [n for n in kept if not n.firm and n.item.kind == COUNT and n.kind != "other"]
    undecided = [number for number in soft if number.kind is None]
    for number in soft:
        _correct(speech, number)
    if not undecided:
        return
    kind, why = (
        _by_sum(speech, named=named) or _by_size(speech, undecided) or _inherited(speech, undecided, named=named)
    )
    for number in undecided:
        number.decide(kind, why, firm=False)
        _correct(speech, number)


def _correct(speech: Speech, number: Number) -> None:
    """Turn a kind that the size of a number forbids, where no word in its clause said it."""
    if number.kind == "daily" and not number.could_be_daily:
        number.decide("total", "too large for one day", firm=False)
    elif number.kind == "total" and speech.too_small(number) and number.could_be_daily:
        number.decide("daily", "too small for a total", firm=False)


def _by_sum(speech: Speech, *, named: bool) -> tuple[str, str] | None:
    """Go on with a sum of a month or a part of the front, unless somebody else speaks in this sentence."""
    goes_on = speech.context.kind == "other" and not named and not speech.sentence.paragraph and not speech.markers
    return ("other", "as the sentence before") if goes_on else None


def _by_size(speech: Speech, numbers: list[Number]) -> tuple[str, str] | None:
    """Return the kind of all numbers of a sentence that share one: what most of them can be."""
    large = sum(not number.could_be_daily for number in numbers)
    small = sum(speech.too_small(number) for number in numbers)
    if large == small:
        return None
    return ("total", "too large for one day") if large > small else ("daily", "too small for totals")


def _inherited(speech: Speech, numbers: list[Number], *, named: bool) -> tuple[str, str]:
    if any(item.kind == DATE for item in speech.items[: numbers[0].at]) and not speech.context.kind:
        return "daily", "a day is named and nothing else"
    if speech.context.kind and (speech.context.kind != "other" or not named):
        return speech.context.kind, "as the sentence before"
    return "total", "nothing says otherwise"


def in_line(speech: Speech, kept: list[Number]) -> bool:
    """Tell whether the sentence is an official list in one line: label, dash, number, label, dash, number."""
    return sum(_labelled(speech, number) for number in kept) >= _LIST_IN_LINE


def _labelled(speech: Speech, number: Number) -> bool:
    """Tell whether a label and a dash or colon stand before a number, perhaps with a hedge between."""
    for item in reversed(speech.items[max(0, number.at - 2) : number.at]):
        if item.kind == MARK and item.text in {"-", ":"}:
            return number.bond.label is not None and number.bond.label < number.at
        if not any(item.is_(hedge) for hedge in HEDGES):
            return False
    return False


def partial(speech: Speech, kept: list[Number]) -> bool:
    """Tell whether a sentence sums up a week, a month or a part of the front.

    Such numbers are too large for a day and too small for totals; a typo makes one of many so, a sum makes many.
    """
    counts = [number for number in kept if number.item.kind == COUNT]
    impossible = [number for number in counts if speech.too_small(number) and not number.could_be_daily]
    return len(impossible) * 3 > len(counts)
