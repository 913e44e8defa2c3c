"""Which number counts what: numbers and labels of one sentence, paired by who stands beside whom."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.reading.phrases import BREAK, BROKEN, COUNT, DATE, MARK, PLAIN, TERM, Item

_GAP_AFTER = 3  # unknown words between a number and its noun: "1 010 зникло російських військових"
_GAP_BEFORE = 2  # between a noun and its number
_LONGEST_CHANGE = 9  # items between brackets
THING = "thing"
_GLUE = frozenset({"unit", "of", "about", "more_than", "less_than", "theirs", "loss", "more", "russian", "between"})


@dataclass(frozen=True, slots=True)
class Bond:
    """Return a number and what it counts."""

    label: int | None  # index of the label's item; None when none was found
    metric: str | None
    ours: bool = False  # Ukraine's own

    @property
    def named(self) -> str | None:
        """The metric, if the noun names one."""
        return None if self.metric == THING else self.metric


def bind(items: list[Item], *, noun_first: bool) -> dict[int, Bond]:
    """Pair every number of a sentence, in the direction that pairs more of them."""
    numbers = [at for at, item in enumerate(items) if item.kind in {COUNT, BROKEN}]
    forward = _pairs(items, numbers, backward_first=False)
    backward = _pairs(items, numbers, backward_first=True)
    ahead = _paired(forward) - _paired(backward)
    if ahead == 0:
        return backward if noun_first or _starts_with_label(items, numbers) else forward
    return forward if ahead > 0 else backward


def _paired(bonds: dict[int, Bond]) -> int:
    return sum(bond.metric not in {None, THING} for bond in bonds.values())


def _starts_with_label(items: list[Item], numbers: list[int]) -> bool:
    """Label, dash, number from the very start: a list on one line."""
    return bool(numbers) and numbers[0] >= 1 and items[numbers[0] - 1].text in {"-", ":"}


def _pairs(items: list[Item], numbers: list[int], *, backward_first: bool) -> dict[int, Bond]:
    taken: set[int] = set()
    bonds: dict[int, Bond] = {}
    for number in numbers:
        looks = (_before, _after) if backward_first else (_after, _before)
        for look in looks:
            bond = look(items, number)
            if bond.label is not None and bond.label not in taken:
                taken.add(bond.label)
                bonds[number] = bond
                break
        bonds.setdefault(number, Bond(None, None))
    return bonds


def _label(item: Item) -> str | None:
    if item.kind != TERM:
        return None
    return item.says.get("metric") or (THING if item.is_("thing") else None)


def _after(items: list[Item], number: int) -> Bond:
    """Return the noun behind a number: 1092 танки, 38 одиниць спеціальної техніки, 34944 نظام مدفعية."""
    gap, ours = 0, False
    for at in range(_behind_change(items, number + 1), len(items)):
        item = items[at]
        metric = _label(item)
        if metric:
            return Bond(at, metric, ours or item.is_("ours"))
        if item.kind == TERM and item.is_("ours"):
            ours = True
            if item.is_("thing"):
                return Bond(at, THING, ours)
        elif item.kind == TERM and any(item.is_(category) for category in _GLUE):
            continue
        elif item.kind == PLAIN and gap < _GAP_AFTER:
            gap += 1
        elif not (item.kind == MARK and (item.text == "/" or (item.text == "." and items[number].scaled))):
            break
    return Bond(None, None)


def _behind_change(items: list[Item], at: int) -> int:
    """Past a change in brackets that stands between a total and its noun: 5 362 (+8 за добу) танки."""
    if at < len(items) and items[at].text == "-":
        return at + 1
    if at >= len(items) or items[at].text != "(":
        return at
    for end in range(at + 1, min(at + _LONGEST_CHANGE, len(items))):
        if items[end].text == ")":
            return end + 1 + (end + 1 < len(items) and items[end + 1].text == "-")
        if _label(items[end]) not in {None, THING} or items[end].kind == BREAK:
            return at
    return at


def _people_before(items: list[Item], at: int) -> bool:
    """Tell whether the next noun before a place names soldiers."""
    noun = next((item for item in reversed(items[max(0, at - 3) : at]) if _label(item)), None)
    return noun is not None and _label(noun) in {"personnel", "people"}


def _before(items: list[Item], number: int) -> Bond:
    """Return the noun before a number: танків – 1637, carri armati (1.637), wanajeshi 346,070."""
    gap, linked = 0, False
    for at in range(number - 1, -1, -1):
        item = items[at]
        metric = _label(item)
        if metric:
            return Bond(at, metric, item.is_("ours"))
        if item.kind == TERM and any(item.is_(c) for c in ("and", "claimant", "thing", "of_which")):
            break
        if item.kind == TERM and item.is_("loss") and not linked and _people_before(items, at):
            break  # who loses stands before the verb: "россияне потеряли 9 танков"
        linked = linked or item.text in {"-", ":"}
        if item.kind == TERM or (item.kind == MARK and item.text in {"-", ":", "(", "/", "=", "+"}):
            continue
        if item.kind == PLAIN and gap < _GAP_BEFORE:
            gap += 1
            continue
        break
    return Bond(None, None)


__all__ = ["BREAK", "DATE", "THING", "Bond", "bind"]
