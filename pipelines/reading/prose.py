"""Sentences of news: whose number, of what, and whether it is a total or a day's change."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from datetime import date

from pipelines.reading.dates import partial_range, resolve
from pipelines.reading.binding import THING, Bond, bind
from pipelines.reading.mention import Kind, Mention, Trouble, could_be_daily, could_be_total, floor
from pipelines.reading.phrases import BROKEN, COUNT, DATE, MARK, TERM, Item, phrases
from pipelines.reading.sentences import Sentence, sentences
from pipelines.reading.vocabulary import Lexicon, claimants, trigger
from pipelines.records import GENERAL_STAFF, Hedge

_QUOTE = 300  # characters of a sentence that are kept beside its numbers
_ENUMERATION = 3  # distinct metrics that make a list of losses without a word for loss
_HEDGES: tuple[Hedge, ...] = ("more_than", "less_than", "about")
_LONG = 1000  # characters: a sentence so long is only read if it has a word that a tally needs
_LIST_IN_LINE = 6  # labels with a dash and a number: no sentence has so many
_SMALLEST_CHANGE = 100  # of personnel in a day
_SHORT_LINE = 5  # items of a list's line
_REPORT_NEAR = 3  # days
_SMALLEST_UNNAMED = 10_000  # below it other series reach the size of personnel
_HEDGE_GAP = 3  # items between a hedge and its number
_MODEL = re.compile(r" [«\"„“']?([^\W\d_]{1,8})(?:-| )?\d{1,3}(?!\d)[^\W\d_]{0,3}(?= |[.,;:»\"”)]|$)")
_PERSONNEL = frozenset({"personnel", "people"})


@dataclass(slots=True)
class Context:
    """Return what a sentence leaves for the next."""

    claimant: str | None = None
    named: bool = False  # a claimant was named anywhere before
    kind: str | None = None  # of its main numbers: total, daily, other
    tally: bool = False  # it was about Russian losses
    metric: str | None = None  # of its last number
    main: str | None = None  # the first claimant whose tally is read
    russian: bool = False  # Russia, Russians or the enemy were mentioned
    war: bool = False  # they or Ukraine were


@dataclass(slots=True)
class Found:
    """Return what the sentences of a document say."""

    mentions: list[Mention] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    sentences: list[list[Item]] = field(default_factory=list)
    russian: bool = False  # Russia, Russians or the enemy are mentioned
    war: bool = False  # they or Ukraine are


@dataclass(slots=True)
class _Number:
    at: int
    item: Item
    bond: Bond
    kind: str | None = None  # said by a marker
    firm: bool = False  # said in its own clause
    why: str = ""
    metric: str | None = None
    hedge: Hedge | None = None
    sub: bool = False  # introduced by "of which"
    signed: bool = False


def read_prose(
    text: str, folded: str, spans: list[tuple[int, int]], lexicon: Lexicon, thousands: frozenset[str],
    day: date | None, context: Context,
) -> Found:  # fmt: skip
    """Read the sentences of some pieces of a text. `day` is only used for what size a number can have."""
    found = Found()
    for order, sentence in enumerate(sentences(text, folded, lexicon, spans)):
        noise = sentence.end - sentence.start > _LONG and not trigger().search(folded, sentence.start, sentence.end)
        items = [] if noise else phrases(folded, sentence.start, sentence.end, lexicon, thousands)
        reader = _Sentence(text, sentence, items, lexicon, day, context, order)
        reader.read(found)
        found.sentences.append(items)
    found.russian, found.war = context.russian, context.war
    return found


class _Sentence:
    def __init__(
        self, text: str, sentence: Sentence, items: list[Item], lexicon: Lexicon, day: date | None,
        context: Context, order: int,
    ) -> None:  # fmt: skip
        self.text, self.sentence, self.items, self.lexicon = text, sentence, items, lexicon
        self.day, self.context, self.order = day, context, order
        self.markers = self._markers()

    # What the sentence says, marker by marker

    def _markers(self) -> dict[int, str]:
        """Index to total, daily, other: terms, "since" before a date or month, a bare month or year."""
        found: dict[int, str] = {}
        for at, item in enumerate(self.items):
            if item.kind == TERM:
                kind = next((kind for kind in ("other", "total", "daily") if item.is_(kind)), None)
                if kind:
                    found[at] = kind
                elif item.is_("month") and self._bare_month(at):
                    found[at] = "total" if self._since(at) else "other"
            elif item.kind == DATE and partial_range(self.items, at):
                found[at] = "other"
            elif item.kind == DATE and item.day and self._since(at):
                if item.day[1:] == (2, 24):
                    found[at] = "total"
                elif not self._is_report_day(item.day):
                    found[at] = "other"
            elif self._is_year(at):
                if self._since(at) and item.value == 2022:  # noqa: PLR2004 - the year of the invasion
                    found[at] = "total"
                elif self._preceded(at, "on"):
                    found[at] = "other"
        return found

    def _is_report_day(self, said: tuple[int | None, int, int]) -> bool:
        """Whether a date is that of the report itself: "в сообщении от 25 апреля"."""
        when = resolve(*said, self.day)
        return self.day is None or (when is not None and abs((self.day - when).days) <= _REPORT_NEAR)

    def _bare_month(self, at: int) -> bool:
        """Return a month that stands for itself: in July and August; not a word that only looks like one."""
        if not any(item.is_("on") or item.is_("since") for item in self.items[max(0, at - 2) : at]):
            return self._preceded(at, "and") and any(self.items[i].is_("month") for i in range(max(0, at - 3), at))
        return self._since(at) or not self._is_february(at)

    def _is_february(self, at: int) -> bool:
        return bool(
            self.items[at].says.get("month") == 2 and at + 1 < len(self.items) and self.items[at + 1].value == 2022
        )  # noqa: PLR2004 - the month of the invasion

    def _since(self, at: int) -> bool:
        return any(
            item.is_("since") or (item.is_("total") and item.kind == TERM) for item in self.items[max(0, at - 2) : at]
        )

    def _preceded(self, at: int, category: str) -> bool:
        return at > 0 and self.items[at - 1].is_(category)

    def _is_year(self, at: int) -> bool:
        item = self.items[at]
        return item.kind == COUNT and item.end - item.start == 4 and 2014 <= item.value <= 2039  # noqa: PLR2004 - years

    # Numbers

    def read(self, found: Found) -> None:
        """Add what this sentence says, and leave the context for the next one."""
        bonds = bind(self.items, noun_first=self.lexicon.noun_first)
        numbers = [
            _Number(at, self.items[at], bond)
            for at, bond in bonds.items()
            if not (self._is_year(at) and (bond.label is None or bond.label != at + 1)) and not self._opens_range(at)
        ]
        numbers += self._implied(numbers)
        numbers.sort(key=lambda number: number.at)
        self._kinds(numbers)
        self._rises(numbers)
        self._respective(numbers)
        self._carry(numbers)
        self._enter()
        kept = [n for n in numbers if n.metric and not self._not_lost(n) and not self._between(numbers, n)]
        self._leave(numbers, kept, found)

    def _opens_range(self, at: int) -> bool:
        """Tell whether a number is the first day of a range: від 11 до 18 грудня."""
        return at + 2 < len(self.items) and self.items[at + 2].kind == DATE and partial_range(self.items, at + 2)

    def _implied(self, numbers: list[_Number]) -> list[_Number]:
        """One that is not written: "втратили танк, бойову броньовану машину"."""
        bound = {number.bond.label for number in numbers}
        found = []
        for at, item in enumerate(self.items):
            if item.kind == TERM and item.is_("singular") and at not in bound and at and self._opens(at - 1):
                behind = self.items[at + 1] if at + 1 < len(self.items) else None
                if behind is None or (behind.kind == MARK and behind.text in {",", ".", ";"}) or behind.is_("and"):
                    one = Item(COUNT, item.start, item.end, item.text, says={"number": 1, "implied": True}, value=1)
                    found.append(_Number(at, one, Bond(at, item.says["singular"])))
        return found

    def _opens(self, at: int) -> bool:
        item = self.items[at]
        return item.text == "," or item.is_("and") or item.is_("loss") or item.is_("more")

    def _kinds(self, numbers: list[_Number]) -> None:
        """Give each number the marker that governs it: the leading one, or the one behind it in its clause."""
        by_place = {number.at: number for number in numbers}
        leading: tuple[str, str] | None = None
        outer: list[tuple[tuple[str, str] | None, list[_Number]]] = []
        waiting: list[_Number] = []  # of earlier clauses, without a marker
        clause: list[_Number] = []
        fresh = False  # the leading marker stands in this very clause
        sub = False
        for at, item in enumerate(self.items):
            if at in by_place:
                number = by_place[at]
                number.signed = bool(number.item.signed)
                number.sub = sub or (at + 1 < len(self.items) and self.items[at + 1].is_("of_which"))
                if leading:
                    number.kind, number.why, number.firm = *leading, fresh
                clause.append(number)
            elif at in self.markers:
                kind = self.markers[at]
                open_ = [number for number in clause if not number.firm or number.kind is None] or clause[1:][-1:]
                if open_:
                    for number in open_:
                        number.kind, number.why, number.firm = kind, item.text, True
                    if not sub and not outer:
                        for number in waiting:
                            if kind != "daily" or could_be_daily(number.bond.named or "personnel", number.item.value):
                                number.kind, number.why = kind, item.text
                        waiting = []
                else:
                    leading, fresh = (kind, item.text), True
                    sub_leading = sub
                    if sub_leading:
                        outer.append((None, []))
            if item.kind == TERM and item.is_("of_which"):
                sub = True
            ends = (
                (item.kind == MARK and item.text in {",", ";", "(", ")", ":"})
                or item.is_("and")
                or item.is_("of_which")
            )
            if not ends:
                continue
            waiting += [number for number in clause if number.kind is None]
            clause, fresh = [], False
            if item.text == "(":
                outer.append((leading, waiting))
                leading, waiting, sub = None, [], False
            elif item.text == ")" and outer:
                leading, waiting = outer.pop()
                sub = False
            elif item.text in {",", ";"} and sub and any(n.sub for n in numbers if n.at < at):
                sub = False
                if outer and outer[-1] == (None, []):
                    outer.pop()
                    leading = None

    def _rises(self, numbers: list[_Number]) -> None:
        """Return a change and the total it leads to: vzrostly o 1 390 na 871 260, rose by 10 to 10,187."""
        for first, second in itertools.pairwise(numbers):
            if self._led(first, "by") and self._led(second, "to") and first.item.value <= second.item.value:
                metric = next((n.bond.metric for n in (first, second) if n.bond.metric not in {None, THING}), None)
                if metric is None and any(item.is_("loss") for item in self.items[: first.at]):
                    metric = "personnel"
                for number, kind in ((first, "daily"), (second, "total")):
                    number.bond = Bond(number.bond.label, metric, number.bond.ours)
                    number.kind, number.firm, number.why = kind, True, "by so many, to so many"

    def _led(self, number: _Number, category: str) -> bool:
        """Whether a preposition stands before a number, perhaps with a hedge between."""
        for item in reversed(self.items[max(0, number.at - 3) : number.at]):
            if item.is_(category):
                return True
            if not (any(item.is_(hedge) for hedge in _HEDGES) or item.is_("more")):
                return False
        return False

    def _respective(self, numbers: list[_Number]) -> None:
        """Changes listed behind their totals: "9.748 tanks, 20.206 vehicles, mais nove e 18, respetivamente"."""
        at = next((at for at, item in enumerate(self.items) if item.is_("respectively")), None)
        if at is None:
            return
        named = [number for number in numbers if number.at < at and number.bond.metric not in {None, THING}]
        bare = [number for number in numbers if number.at < at and number.bond.metric is None]
        if named and len(named) == len(bare):
            for number, change in zip(named, bare, strict=True):
                change.bond = Bond(number.bond.label, number.bond.metric, number.bond.ours)
                change.kind, change.firm, change.why = "daily", True, "respectively"
        pair = [number for number in numbers if number.at > at][:2]
        if len(pair) == 2 and at and self.items[at - 1].is_("metric"):  # noqa: PLR2004 - a total and its change
            for number, kind in zip(pair, ("total", "daily"), strict=True):
                number.bond = Bond(at - 1, self.items[at - 1].says["metric"])
                number.kind, number.firm, number.why = kind, True, "respectively"

    def _carry(self, numbers: list[_Number]) -> None:
        """Name what a number without a noun counts: what the number before it counted."""
        last: _Number | None = None
        for number in numbers:
            metric = number.bond.metric
            if metric and metric != THING:
                number.metric = metric
                if number.item.signed > 0:
                    number.kind, number.firm, number.why = "daily", True, "its sign"
                last = number
                continue
            bracketed = self._bracketed(number)
            if number.kind != "other" and self._is_personnel_total(number):
                number.metric, number.kind, number.why = "personnel", "total", "only this total is of its size"
                last = number
                continue
            if metric == THING:
                continue
            previous = (
                last.metric if last else self.context.metric if number.sub or (number.kind and number.firm) else None
            )
            if previous is None and self._is_personnel_change(number):
                number.metric = "personnel"
                last = number
                continue
            if last and self._led(number, "to") and number.item.value >= last.item.value and number.kind is None:
                number.metric, number.kind, number.firm, number.why = last.metric, "total", True, "it rose to so many"
                last.kind, last.firm, last.why = "daily", True, "it rose by so many"
                continue
            marked = (
                number.kind in {"daily", "total"}
                and number.firm
                and (last is None or number.kind != last.kind or number.sub)
            )
            if previous and (number.signed or number.sub or bracketed or marked):
                number.metric = previous
                self._relate(number, last, bracketed=bracketed)

    def _relate(self, number: _Number, last: _Number | None, *, bracketed: bool) -> None:
        """Say which of two numbers of one metric is the total and which the change."""
        if last is None:
            number.sub = True
            number.kind, number.why = number.kind or "daily", number.why or "a part of what the sentence before says"
            return
        beside = number.signed or bracketed or number.sub
        larger = number.item.value > last.item.value
        if number.kind is None and beside:
            number.kind, number.firm = ("total" if larger and not number.signed else "daily"), True
            number.why = "beside the number before it"
        if beside and number.kind == "daily" and last.kind != "total" and not larger:
            last.kind, last.firm, last.why = "total", True, "its change is printed beside it"
        if bracketed and number.kind == "total" and larger:
            last.kind, last.firm, last.why = "daily", True, "its total is printed beside it"

    def _is_personnel_change(self, number: _Number) -> bool:
        """Tell whether a number without a noun counts losses as such: 1.150 perdite. Those are people, in tens."""
        item = number.item
        if item.kind != COUNT or item.value < _SMALLEST_CHANGE or item.step < 10 or self._is_year(number.at):  # noqa: PLR2004 - in tens
            return False
        behind = self.items[number.at + 1 : number.at + 4]
        return any(i.is_("loss") for i in behind) and not any(i.is_("thing") or i.text == "," for i in behind)

    def _is_personnel_total(self, number: _Number) -> bool:
        """Whether a number without a noun can only be the personnel total: by far the largest of all, and exact."""
        least = floor("personnel", self.day)
        value, item = number.item.value, number.item
        return (
            item.kind == COUNT and self.day is not None and least > _SMALLEST_UNNAMED and item.step <= 100  # noqa: PLR2004 - exact
            and least <= value <= least * 1.35 and not self._is_year(number.at)
        )  # fmt: skip

    def _bracketed(self, number: _Number) -> bool:
        for item in reversed(self.items[max(0, number.at - 3) : number.at]):
            if item.kind == MARK and item.text == "(":
                return True
            if item.text not in {"+", "-"} and not any(
                item.is_(c) for c in ("and", "more", "of_which", "total", "daily", "by")
            ):
                return False
        return False

    # Whose, and whether it was lost at all

    def _enter(self) -> None:
        self.context.russian = self.context.russian or any(
            item.is_("russian") or item.is_("theirs") or item.is_("russia") for item in self.items
        )
        self.context.war = (
            self.context.war or self.context.russian or any(item.is_("ukrainian") for item in self.items)
        )
        if self.sentence.fresh and self.context.claimant not in {None, self.context.main} and not self._quoted():
            self.context.claimant = self.context.main if self.sentence.paragraph else self.context.claimant

    def _quoted(self) -> bool:
        return any(item.is_("quote") for item in self.items)

    def _claimants(self) -> list[tuple[int, str]]:
        found = [(at, item.says["claimant"]) for at, item in enumerate(self.items) if item.is_("claimant")]
        for at, item in enumerate(self.items):
            if item.is_("actor") and not item.is_("claimant"):
                found.append((at, "other"))
            if item.is_("russia") and not item.is_("claimant") and self._speaks(at):
                found.append((at, "russian_mod"))
        return sorted(found)

    def _speaks(self, at: int) -> bool:
        for item in self.items[at + 1 : at + 5]:
            if item.is_("say"):
                return True
            if item.is_("loss") or item.is_("metric") or item.kind == COUNT or item.text in {",", ";", "."}:
                return False
        return False

    def _claimant_of(self, number: _Number, named: list[tuple[int, str]]) -> str | None:
        known = claimants().get("russian_mod", {}).get("figures", {}).get(number.metric or "", ())
        if number.item.value in known and not number.signed:
            return "russian_mod"
        before = [(at, who) for at, who in named if at < number.at]
        after = [(at, who) for at, who in named if at > number.at]
        if before:
            return before[-1][1]
        if after and not any(item.text == ";" for item in self.items[number.at : after[0][0]]):
            return after[0][1]
        return self.context.claimant

    def _between(self, numbers: list[_Number], number: _Number) -> bool:
        """Whether a number is an end of an estimated range: entre 189 500 et 223 000."""
        place = numbers.index(number)
        opens = [n for n in numbers[max(0, place - 1) : place + 1] if n.at and self.items[n.at - 1].is_("between")]
        return bool(opens)

    def _not_lost(self, number: _Number) -> bool:
        """Ukraine's own, or something launched, struck, repelled, delivered."""
        if number.bond.ours:
            return True
        for item in reversed(self.items[: number.at]):
            if item.is_("act") and not item.is_("loss"):
                return True
            if item.is_("ours") and not item.is_("theirs"):
                return True
            if item.is_("loss") or item.is_("theirs"):
                return False
        for item in self.items[number.at + 1 :]:
            if item.text in {";", ":"} or item.is_("loss"):
                return False
            if item.is_("act"):
                return True
        return False

    # Leaving

    def _leave(self, numbers: list[_Number], kept: list[_Number], found: Found) -> None:
        named = self._claimants()
        ours = any(item.is_("loss") or item.is_("theirs") for item in self.items)
        distinct = {number.metric for number in kept if number.metric}
        acts = any(item.is_("act") and not item.is_("loss") for item in self.items)
        marked = any(number.kind in {"daily", "total"} for number in kept)
        staff = any(claimants()[who].get("tally") for _, who in named)
        sized = self.context.russian and any(self._is_personnel_total(number) for number in kept)
        tally = (
            ours or sized or len(distinct) >= _ENUMERATION or (staff and marked) or (self.context.tally and not acts)
        )
        self._settle(kept, named)
        in_line = self._in_line(kept)
        if not in_line and self._partial(kept):
            for number in kept:
                number.kind = "other"
        for number in kept:
            who = self._claimant_of(number, named)
            if tally and number.kind != "other" and not self._model_follows(number):
                self._emit(number, who, found, distinct, listed=in_line)
        self._remember(numbers, kept, named, tally=tally, acts=acts)

    def _partial(self, kept: list[_Number]) -> bool:
        """Whether a sentence sums up a week, a month or a part of the front: too large for a day, too small for totals."""
        counts = [number for number in kept if number.item.kind == COUNT]
        impossible = [
            number
            for number in counts
            if self._too_small(number) and not could_be_daily(number.metric or "", number.item.value)
        ]
        return len(impossible) * 3 > len(counts)

    def _in_line(self, kept: list[_Number]) -> bool:
        """Tell whether the sentence is an official list in one line: label, dash, number, label, dash, number."""
        return sum(self._labelled(number) for number in kept) >= _LIST_IN_LINE

    def _labelled(self, number: _Number) -> bool:
        """Tell whether a label and a dash or colon stand before a number, perhaps with a hedge between."""
        for item in reversed(self.items[max(0, number.at - 2) : number.at]):
            if item.kind == MARK and item.text in {"-", ":"}:
                return number.bond.label is not None and number.bond.label < number.at
            if not any(item.is_(hedge) for hedge in _HEDGES):
                return False
        return False

    def _model_follows(self, number: _Number) -> bool:
        """Whether a type is named behind the noun (14 Leopard 2A6, два літаки МіГ-31): these, not the category."""
        if number.bond.label is None or number.bond.label < number.at:
            return False
        behind = _MODEL.match(self.text, self.items[number.bond.label].end)
        return bool(behind and behind[1][0].isupper())

    def _settle(self, kept: list[_Number], named: list[tuple[int, str]]) -> None:
        """Decide what no marker of the clause decided, by the size of the numbers and by the sentence before."""
        if self._in_line(kept):
            for number in kept:
                if not (number.signed or self._bracketed(number)):
                    number.kind, number.firm, number.why = "total", True, "its place in a list"
        open_ = [number for number in kept if not number.firm and number.item.kind == COUNT]
        soft = [number for number in open_ if number.kind != "other"]
        undecided = [number for number in soft if number.kind is None]
        for number in soft:
            if number.kind == "daily" and not could_be_daily(number.metric or "", number.item.value):
                number.kind, number.why = "total", "too large for one day"
            elif number.kind == "total" and self._too_small(number):
                number.kind, number.why = "daily", "too small for a total"
        if (
            undecided
            and self.context.kind == "other"
            and not named
            and not self.sentence.paragraph
            and not self.markers
        ):
            for number in undecided:
                number.kind, number.why = "other", "as the sentence before"
        elif undecided:
            kind, why = self._size_of(undecided) or self._inherited(undecided, named)
            for number in undecided:
                number.kind, number.why = kind, why
                if (
                    kind == "total"
                    and self._too_small(number)
                    and could_be_daily(number.metric or "", number.item.value)
                ):
                    number.kind, number.why = "daily", "too small for a total"
                elif kind == "daily" and not could_be_daily(number.metric or "", number.item.value):
                    number.kind, number.why = "total", "too large for one day"

    def _too_small(self, number: _Number) -> bool:
        return not could_be_total(number.metric or "", number.item.value, self.day)

    def _size_of(self, numbers: list[_Number]) -> tuple[str, str] | None:
        large = sum(not could_be_daily(number.metric or "", number.item.value) for number in numbers)
        small = sum(self._too_small(number) for number in numbers)
        if large > small:
            return "total", "too large for one day"
        if small > large:
            return "daily", "too small for totals"
        return None

    def _inherited(self, numbers: list[_Number], named: list[tuple[int, str]]) -> tuple[str, str]:
        if any(item.kind == DATE for item in self.items[: numbers[0].at]) and not self.context.kind:
            return "daily", "a day is named and nothing else"
        if self.context.kind and (self.context.kind != "other" or not named):
            return self.context.kind, "as the sentence before"
        return "total", "nothing says otherwise"

    def _emit(
        self, number: _Number, who: str | None, found: Found, distinct: set[str | None], *, listed: bool
    ) -> None:
        item = number.item
        quote = self.text[self.sentence.start : self.sentence.end].strip()[:_QUOTE]
        if item.kind == BROKEN:
            if number.metric in distinct and (who == GENERAL_STAFF or who is None):
                found.troubles.append(Trouble("a number that cannot be read", (item.start, item.end), quote))
            return
        if number.metric == "people" and number.kind == "daily" and item.value < _SMALLEST_CHANGE:
            return
        article = item.says.get("number") == 1 and not item.text.isdigit()
        own_line = self.sentence.fresh and self.context.metric is not None and len(self.items) <= _SHORT_LINE
        if article and len(distinct) < 2 and not own_line and not (number.kind == "daily" and number.firm):  # noqa: PLR2004 - an article, not a count
            return
        hedge = self._hedge(number)
        kind: Kind = "daily" if number.kind == "daily" else "total"
        found.mentions.append(
            Mention(
                claimant=who or (GENERAL_STAFF if listed and self.context.russian else None), metric=number.metric or "", kind=kind,
                value=-item.value if item.signed < 0 and kind == "daily" else item.value,
                span=(item.start, item.end), hedge=hedge, step=item.step, quote=quote,
                why=(f"{kind}: {number.why}", f"metric: {self._label_text(number)}"),
                rounded=_rounded(item, number.metric or "", kind, hedge, self.day),
                weak=number.metric == "people", order=self.order, said=number.firm, listed=listed,
            )
        )  # fmt: skip

    def _label_text(self, number: _Number) -> str:
        return self.items[number.bond.label].text if number.bond.label is not None else "the number before it"

    def _hedge(self, number: _Number) -> Hedge | None:
        for at in range(number.at - 1, max(-1, number.at - 1 - _HEDGE_GAP), -1):
            item = self.items[at]
            if item.kind in {COUNT, BROKEN, DATE} or (item.kind == MARK and item.text in {",", ";", ")"}):
                return None
            for hedge in _HEDGES:
                if item.kind == TERM and item.is_(hedge) and not item.is_("until"):
                    return hedge
                if item.kind == TERM and item.is_(hedge) and at == number.at - 1:
                    return hedge
            if item.kind == MARK and item.text in {"~", "≈"}:
                return "about"
        return None

    def _remember(
        self, numbers: list[_Number], kept: list[_Number], named: list[tuple[int, str]], *, tally: bool, acts: bool
    ) -> None:
        context = self.context
        if named:
            context.claimant = named[-1][1]
            context.named = True
            context.main = context.main or next((who for _, who in named if claimants()[who].get("tally")), None)
        mains = [number for number in kept if not number.sub and not number.signed]
        kinds = [number.kind for number in (mains or kept) if number.kind]
        if kinds:
            context.kind = kinds[-1]
        elif self.markers:
            context.kind = list(self.markers.values())[-1]
        rival = any(not claimants()[who].get("tally") for _, who in named)
        if acts or self.sentence.paragraph or rival:
            context.tally = tally and bool(kept or self._heads())
        context.tally = context.tally or self._heads()
        context.metric = next((number.metric for number in reversed(numbers) if number.metric), None)

    def _heads(self) -> bool:
        """Return a heading that announces losses: "З 24 лютого знищено:"."""
        return any(item.is_("loss") or item.is_("theirs") for item in self.items) and not any(
            item.is_("act") or item.is_("ours") for item in self.items
        )


def _rounded(item: Item, metric: str, kind: Kind, hedge: Hedge | None, day: date | None) -> bool:
    """Whether this way of writing is a headline's: more than a thousand, 300mila, 1,5 tys."""
    people = metric in _PERSONNEL
    if item.vague:
        return True
    if hedge in {"more_than", "less_than"}:
        limit = (1000 if kind == "total" else 100) if people else (100 if kind == "total" else 10)
        return item.step >= limit
    if people and item.value >= 100_000:  # noqa: PLR2004 - reported in tens by then: a thousand's multiple is a headline
        return item.step >= 1000 or (item.scaled and item.step >= 100 and item.value < 1_000_000)  # noqa: PLR2004 - 802,2 тис.
    if people:
        late = day is not None and day >= date(2022, 9, 1)
        return item.scaled and item.step >= (100 if late else 10_000)
    return (item.scaled and item.step >= 100) or (hedge == "about" and item.step >= 1000)  # noqa: PLR2004 - hundreds, thousands
