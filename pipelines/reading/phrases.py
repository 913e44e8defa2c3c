"""A sentence as a row of items: counts, dates, terms of the vocabulary, marks, and words that say nothing to us."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pipelines.reading.numbers import resolution, scaled, written
from pipelines.reading.tokens import BREAK, MARK, NUMBER, WORD, Token, tokens
from pipelines.reading.vocabulary import Lexicon

COUNT, DATE, TERM, PLAIN, BROKEN = "count", "date", "term", "word", "broken"

_NUMERIC_DATE = re.compile(r"(\d{1,2})([./])(\d{1,2})(?:\2(\d{4}|\d{2}))?")
_ISO_DATE = re.compile(r"(20\d\d)([./])(\d{1,2})\2(\d{1,2})")
_YEAR = re.compile(r"20[2-4]\d")
_ORDINALS: Final = frozenset(
    {"st", "nd", "rd", "th", "er", "o", "a", "го", "е", "й", "η", "ης", "ος", "an", "e", "dik", "ni"}
)
_MODEL_LETTERS: Final = 3  # T-72, Су-34, Х-101: letters before the hyphen
_FILLER: Final = frozenset(
    {"of", "de", "del", "di", "da", "d", "m", "gada", "года", "року", "р", "г", "年", "월", "년"}
)


@dataclass(slots=True)
class Item:
    """One item of a sentence."""

    kind: str
    start: int
    end: int
    text: str
    says: dict[str, Any] = field(default_factory=dict)  # of a term: category to value
    value: int = 0  # of a count
    step: int = 1  # the smallest change that this way of writing can tell
    scaled: bool = False  # written with "thousand" or "million" and nothing after it
    vague: bool = False  # "thousands of"
    signed: int = 0  # +1, -1 when a sign stands before it
    day: tuple[int | None, int, int] | None = None  # of a date: year, month, day

    def is_(self, category: str) -> bool:
        """Whether this term says something of a category."""
        return category in self.says


def phrases(folded: str, start: int, end: int, lexicon: Lexicon, thousands: frozenset[str]) -> list[Item]:
    """Cut one piece of a folded text into items."""
    return _Reader(folded, tokens(folded, start, end), lexicon, thousands).items()


class _Reader:
    """Reads items left to right; each method returns the index after what it took, or the same index."""

    def __init__(self, folded: str, pieces: list[Token], lexicon: Lexicon, thousands: frozenset[str]) -> None:
        self.folded, self.pieces, self.lexicon, self.thousands = folded, pieces, lexicon, thousands
        self.found: list[Item] = []
        self.terms: dict[int, tuple[int, dict[str, Any]] | None] = {}

    def items(self) -> list[Item]:
        at = 0
        while at < len(self.pieces):
            after = self._date(at) or self._count(at) or self._term(at)
            if not after:
                self._add(PLAIN if self.pieces[at].kind == WORD else self.pieces[at].kind, at, at + 1)
                after = at + 1
            at = after
        return self.found

    def _add(self, kind: str, at: int, after: int, **more: Any) -> int:
        start, end = self.pieces[at].start, self.pieces[after - 1].end
        self.found.append(Item(kind, start, end, self.folded[start:end], **more))
        return after

    def _match(self, at: int) -> tuple[int, dict[str, Any]] | None:
        if at not in self.terms:
            found = self.lexicon.match(self.pieces, at) if at < len(self.pieces) else None
            self.terms[at] = (found[0], found[1].values) if found and self.pieces[at].kind in {WORD, NUMBER} else None
        return self.terms[at]

    def _says(self, at: int, category: str) -> Any:
        match = self._match(at)
        return match[1].get(category) if match else None

    def _term(self, at: int) -> int:
        match = self._match(at)
        return self._add(TERM, at, match[0], says=match[1]) if match else 0

    # Dates

    def _date(self, at: int) -> int:
        piece = self.pieces[at]
        if piece.kind == NUMBER:
            return self._numeric_date(at) or self._iso_date(at) or self._day_first(at) or self._year_first(at)
        month = self._says(at, "month")
        return self._month_first(at, month) if month else 0

    def _numeric_date(self, at: int) -> int:
        text = self.pieces[at].text
        if match := _NUMERIC_DATE.fullmatch(text):
            day, month, year = int(match[1]), int(match[3]), match[4]
            if (len(match[3]) == 1 and not year) or self._scale(at + 1):
                return 0
            if match[2] == "/" and month > 12 >= day:  # noqa: PLR2004 - months: an American date
                day, month = month, day
            return self._day(at, at + 1, 2000 + int(year) % 100 if year else None, month, day)
        if match := _ISO_DATE.fullmatch(text):
            return self._day(at, at + 1, int(match[1]), int(match[3]), int(match[4]))
        return 0

    def _iso_date(self, at: int) -> int:
        texts = [piece.text for piece in self.pieces[at : at + 5]]
        if len(texts) < 5 or not _YEAR.fullmatch(texts[0]) or texts[1] != "-" or texts[3] != "-":  # noqa: PLR2004 - y-m-d
            return 0
        if not (texts[2].isdigit() and texts[4].isdigit()):
            return 0
        return self._day(at, at + 5, int(texts[0]), int(texts[2]), int(texts[4]))

    def _day_first(self, at: int) -> int:
        text = self.pieces[at].text
        if not (text.isdigit() and len(text) <= 2):  # noqa: PLR2004 - digits of a day
            return 0
        here = self._skip(at + 1)
        month = self._says(here, "month")
        if not month:
            return 0
        after = self._match(here)[0]  # type: ignore[index]  # it said a month
        if after + 1 < len(self.pieces) and self.pieces[after].text == "/" and self._says(after + 1, "month"):
            after = self._match(after + 1)[0]  # type: ignore[index]  # يوليو/تموز: its two names
        if after < len(self.pieces) and self.pieces[after].text == ".":  # an abbreviated month
            after_year, year = self._year(after + 1)
            after = after_year if year else after
        else:
            after, year = self._year(after)
        return self._day(at, after, year, month, int(text))

    def _month_first(self, at: int, month: int) -> int:
        after = self._match(at)[0]  # type: ignore[index]  # it said a month
        if after >= len(self.pieces):
            return 0
        here = after + (self.pieces[after].text == ".")
        if here >= len(self.pieces) or not re.fullmatch(r"\d{1,2}", self.pieces[here].text) or self._scale(here + 1):
            return 0
        after = self._skip(here + 1, comma=True)
        end, year = self._year(after)
        return self._day(at, end if year else here + 1, year, month, int(self.pieces[here].text))

    def _year_first(self, at: int) -> int:
        if not _YEAR.fullmatch(self.pieces[at].text):
            return 0
        here = self._skip(at + 1)
        month = self._says(here, "month")
        if not month:
            return 0
        after = self._match(here)[0]  # type: ignore[index]  # it said a month
        after += after < len(self.pieces) and self.pieces[after].text == "."
        if after >= len(self.pieces) or not re.fullmatch(r"\d{1,2}", self.pieces[after].text):
            return 0
        return self._day(at, after + 1, int(self.pieces[at].text), month, int(self.pieces[after].text))

    def _skip(self, at: int, *, comma: bool = False) -> int:
        """Past a dot, an ordinal's ending or a preposition between the parts of a date."""
        for _ in range(3):
            if at < len(self.pieces) and (
                self.pieces[at].text in _FILLER | _ORDINALS | {".", "-"} or (comma and self.pieces[at].text == ",")
            ):
                at += 1
        return at

    def _year(self, at: int) -> tuple[int, int | None]:
        here = self._skip(at, comma=True)
        if here < len(self.pieces) and _YEAR.fullmatch(self.pieces[here].text):
            return here + 1, int(self.pieces[here].text)
        return at, None

    def _day(self, at: int, after: int, year: int | None, month: int, day: int) -> int:
        if not (1 <= month <= 12 and 1 <= day <= 31):  # noqa: PLR2004 - a calendar
            return 0
        return self._add(DATE, at, after, day=(year, month, day))

    # Counts

    def _scale(self, at: int) -> int:
        return self._says(at, "scale") or 0

    def _count(self, at: int) -> int:
        """Read a number in digits or words, with its scales: 8 тис. 815, сто двадцять, 118万2610."""
        total, last, here, step = 0, 10**12, at, 1
        bare = True  # no part was read yet
        ended_in_scale = False
        while here < len(self.pieces):
            join = here if bare else self._joined(here, ended_in_scale=ended_in_scale)
            part = self._part(join, last)
            if part is None:
                break
            here, value, step, last, ended_in_scale = part
            total, bare = total + value, False
        if bare:
            return self._broken(at)
        first = self.pieces[at]
        if first.kind == NUMBER and self._not_a_count(at, here):
            return self._add(PLAIN, at, here)
        only_scale = here == at + 1 and first.kind == WORD and self._scale(at) > 0 and not self._says(at, "number")
        item_step = step if ended_in_scale else max(1, min(step, resolution(total)))
        self._add(
            COUNT, at, here, value=total, step=item_step, scaled=ended_in_scale, vague=only_scale,
            signed=self._sign(at), says=self._match(at)[1] if first.kind == WORD and self._match(at) else {},  # type: ignore[index]
        )  # fmt: skip
        return here

    def _joined(self, at: int, *, ended_in_scale: bool) -> int:
        """Return where the next part of the same number begins: at once, after "and", or after the dot of "тис."."""
        if ended_in_scale and self.pieces[at].text == "." and at + 1 < len(self.pieces):
            return at + 1
        return at + 1 if self._says(at, "and") and self._part_follows(at + 1) else at

    def _part_follows(self, at: int) -> bool:
        return at < len(self.pieces) and (self.pieces[at].kind == NUMBER or bool(self._says(at, "number")))

    def _part(self, at: int, last: int) -> tuple[int, int, int, int, bool] | None:
        """One part of a number that is smaller than what went before: (after, value, step, its scale, had a scale)."""
        if at >= len(self.pieces):
            return None
        piece = self.pieces[at]
        if piece.kind == NUMBER:
            return self._digits(at, last)
        match = self._match(at)
        if match is None:
            return None
        after, says = match
        number, scale = says.get("number"), says.get("scale")
        if number is None and scale and last == 10**12:
            return after, scale, scale, scale, True
        if number is None or number >= last:
            return None
        return self._with_scale(after, number, last) or (after, number, 1, _place(number), False)

    def _digits(self, at: int, last: int) -> tuple[int, int, int, int, bool] | None:
        text = self.pieces[at].text
        scale = self._scale(at + 1)
        if scale and scale < last:
            read = scaled(text, scale, self.thousands)
            if read:
                return self._match(at + 1)[0], *read, scale, True  # type: ignore[index]  # it said a scale
        value = None if text[0] == "0" and len(text) > 1 else written(text).value
        if value is None or value >= last or (last < 10**12 and self.pieces[at].start - self.pieces[at - 1].end > 2):  # noqa: PLR2004 - ". "
            return None
        return at + 1, value, resolution(value), 1, False

    def _with_scale(self, after: int, number: int, last: int) -> tuple[int, int, int, int, bool] | None:
        scale = self._scale(after)
        if scale and scale < last and scale > number:
            return self._match(after)[0], number * scale, scale, scale, True  # type: ignore[index]  # it said a scale
        return None

    def _sign(self, at: int) -> int:
        before = self.pieces[at - 1] if at else None
        if before is None or before.text not in {"+", "-"}:
            return 0
        if before.text == "+":
            return 1
        alone = at < 2 or self.pieces[at - 2].text in {"(", ","}  # noqa: PLR2004 - the piece before the sign
        return -1 if alone and before.end == self.pieces[at].start else 0

    def _not_a_count(self, at: int, after: int) -> bool:
        """Years, percentages, models (Су-34), ordinals (92-ї), ranges (50-70), times and units glued to digits."""
        before = self.pieces[at - 1] if at else None
        behind = self.pieces[after] if after < len(self.pieces) else None
        piece = self.pieces[at]
        if before and before.text in {"№", "$", "€"}:
            return True
        if (
            before
            and before.text == "-"
            and before.end == piece.start
            and at > 1
            and self._model(at - 2, before.start)
        ):
            return True
        if behind is None:
            return False
        if behind.text in {"%", "$", "€"}:
            return True
        glued = behind.start == self.pieces[after - 1].end
        if behind.text == "-" and glued and after + 1 < len(self.pieces):
            follower = self.pieces[after + 1]
            return follower.start == behind.end and (follower.kind == NUMBER or len(follower.text) <= _MODEL_LETTERS)
        return glued and behind.kind == WORD and behind.text.isascii()

    def _model(self, at: int, hyphen: int) -> bool:
        word = self.pieces[at]
        if word.end != hyphen:
            return False
        if word.kind == NUMBER:
            return True
        cased = word.text.lower() != word.text.upper()  # a letter before a hyphen is a preposition in Hebrew
        return cased and word.kind == WORD and len(word.text) <= _MODEL_LETTERS and not self._says(at, "metric")

    def _broken(self, at: int) -> int:
        """Return a run of digits that is no count: 5.0001, or digits that were lost (,000)."""
        piece = self.pieces[at]
        if piece.kind != NUMBER:
            return 0
        if any(mark in piece.text for mark in ":/") or self._says(at, "number") or len(piece.text) > 16:  # noqa: PLR2004 - a time, or noise
            return self._add(PLAIN, at, at + 1)
        if written(piece.text).decimal and self.pieces[at + 1 : at + 2] and self.pieces[at + 1].text == "%":
            return self._add(PLAIN, at, at + 1)
        return self._add(BROKEN, at, at + 1)


def _place(number: int) -> int:
    """Return what a following number word must be smaller than: after twenty comes a digit."""
    if number < 20 or number == 1500:  # noqa: PLR2004 - one, …, nineteen, and "one and a half thousand" stand alone
        return 1
    return 10 if number < 100 else 100  # noqa: PLR2004 - tens, hundreds


def lines_of(items: Sequence[Item]) -> list[list[Item]]:
    """Items cut at line breaks."""
    rows: list[list[Item]] = [[]]
    for item in items:
        if item.kind == BREAK:
            rows.append([])
        else:
            rows[-1].append(item)
    return [row for row in rows if row]


__all__ = ["BREAK", "BROKEN", "COUNT", "DATE", "MARK", "PLAIN", "TERM", "Item", "lines_of", "phrases"]
