"""One sentence under reading: its items, its numbers, and what the sentences before it left."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Final

from pipelines.reading.binding import Bond
from pipelines.reading.mention import CEILING, could_be_daily, could_be_total, floor
from pipelines.reading.phrases import COUNT, MARK, Item
from pipelines.reading.sentences import Sentence
from pipelines.records import Hedge

HEDGES: Final[tuple[Hedge, ...]] = ("more_than", "less_than", "about")
SMALLEST_CHANGE: Final = 100  # of personnel in a day
_SMALLEST_UNNAMED = 10_000  # below it other series reach the size of personnel
_EXACT = 100  # a total that tells hundreds is no headline's
_YEARS = range(2014, 2040)
_BESIDE = ("and", "more", "of_which", "total", "daily", "by")  # may stand between a bracket and its number


@dataclass(slots=True)
class Context:
    """What a sentence leaves for the next."""

    claimant: str | None = None
    kind: str | None = None  # of its main numbers: total, daily, other
    tally: bool = False  # it was about Russian losses
    metric: str | None = None  # of its last number
    main: str | None = None  # the first claimant whose tally is read
    russian: bool = False  # Russia, Russians or the enemy were mentioned
    war: bool = False  # they or Ukraine were


@dataclass(slots=True)
class Number:
    """One number of a sentence, and what is known of it so far."""

    at: int  # index of its item
    item: Item
    bond: Bond
    kind: str | None = None  # total, daily, other
    firm: bool = False  # a word in its own clause said so
    why: str = ""  # that word, or the rule
    metric: str | None = None
    sub: bool = False  # introduced by "of which"

    def decide(self, kind: str, why: str, *, firm: bool = True) -> None:
        """Settle what kind of number this is."""
        self.kind, self.why, self.firm = kind, why, firm

    @property
    def signed(self) -> bool:
        """Whether a sign stands before it."""
        return bool(self.item.signed)

    @property
    def could_be_daily(self) -> bool:
        """Whether it is small enough for one day."""
        return could_be_daily(self.metric or self.bond.named or "personnel", self.item.value)


@dataclass(slots=True)
class Speech:
    """A sentence, its items, and where it stands."""

    text: str  # of the document
    sentence: Sentence
    items: list[Item]
    day: date | None  # for what size numbers can have
    context: Context
    order: int  # of the sentence in the document
    markers: dict[int, str] = field(default_factory=dict)  # index to total, daily, other
    numbers: list[Number] = field(default_factory=list)

    def any(self, *categories: str) -> bool:
        """Tell whether an item says something of one of the categories."""
        return any(item.is_(category) for item in self.items for category in categories)

    def is_year(self, at: int) -> bool:
        """Tell whether four digits are a year rather than a count."""
        item = self.items[at]
        return item.kind == COUNT and item.end - item.start == len("2022") and item.value in _YEARS

    def too_small(self, number: Number) -> bool:
        """Tell whether a number is below what the total of that day was."""
        return not could_be_total(number.metric or "personnel", number.item.value, self.day)

    def bracketed(self, number: Number) -> bool:
        """Tell whether a number stands first in brackets: (+20), (plus 20), (w sumie 3873)."""
        for item in reversed(self.items[max(0, number.at - 3) : number.at]):
            if item.kind == MARK and item.text == "(":
                return True
            if item.text not in {"+", "-"} and not any(item.is_(category) for category in _BESIDE):
                return False
        return False

    def led(self, number: Number, category: str) -> bool:
        """Tell whether a preposition stands before a number, perhaps with a hedge between."""
        for item in reversed(self.items[max(0, number.at - 3) : number.at]):
            if item.is_(category):
                return True
            if not (any(item.is_(hedge) for hedge in HEDGES) or item.is_("more")):
                return False
        return False

    def is_personnel_total(self, number: Number) -> bool:
        """Tell whether a number can only be the personnel total: by far the largest of all, and exact."""
        least, item = floor("personnel", self.day), number.item
        if item.kind != COUNT or self.day is None or item.step > _EXACT or self.is_year(number.at):
            return False
        return least > _SMALLEST_UNNAMED and least <= item.value <= least * CEILING
