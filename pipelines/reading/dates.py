"""Which day a report carries: its heading, its title, its URL, its publication, in this order."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from pipelines.reading.mention import FIRST_DAY
from pipelines.reading.phrases import BREAK, COUNT, DATE, MARK, TERM, Item
from pipelines.records import KYIV, Claim

_INVASION = (2, 24)
_YEARLESS_REACH = 200  # days: a date without a year is the last one before the publication, not one long past
_NEAR = 1  # days that a heading may differ from the publication without a note
_RANGE = re.compile(
    r"24[./]0?2(?:[./](?:20)?22)?(?:\s*(?:р|г)\.?)?\s*[^\d\n]{1,14}(\d{1,2})[./](\d{1,2})(?:[./](\d{4}|\d{2}))?(?![\d.])"
)
_URL_DATES = (
    re.compile(r"(?P<y>20[2-4]\d)[-/](?P<m>0?[1-9]|1[0-2])[-/](?P<d>0?[1-9]|[12]\d|3[01])(?!\d)"),
    re.compile(r"(?:po|to|na|do|by)-(?P<d>[0-3]\d)(?P<m>[01]\d)(?P<y>20[2-4]\d)(?!\d)"),
    re.compile(r"(?:po|to|na|do|by)-(?P<d>\d{1,2})-(?P<m>\d{1,2})(?:-(?P<y>20[2-4]\d))?(?!\d)"),
    re.compile(r"(?P<d>\d{1,2})-(?P<name>[a-z]{3,10})-(?P<y>20[2-4]\d)"),
    re.compile(r"(?P<name>[a-z]{3,10})-(?P<d>\d{1,2})-(?P<y>20[2-4]\d)"),
)
_URL_MONTHS = (
    ("sich", "january", "jan"), ("lyut", "liut", "february", "feb"), ("berez", "march", "mar"),
    ("kvit", "april", "apr"), ("trav", "may"), ("cherv", "june", "jun"), ("lyp", "july", "jul", "lip"),
    ("serp", "august", "aug"), ("veres", "september", "sep"), ("zhov", "october", "oct"),
    ("lystop", "listop", "november", "nov"), ("grud", "hrud", "december", "dec"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Day:
    """A report day, and the words that said it."""

    day: date
    why: str


def kyiv_day(moment: datetime | None) -> date | None:
    """The Kyiv day of a moment; a naive one is Kyiv time."""
    if moment is None:
        return None
    return (moment if moment.tzinfo is None else moment.astimezone(KYIV)).date()


def resolve(year: int | None, month: int, day: int, published: date | None) -> date | None:
    """A date, its missing year taken from the publication. None when there is no such day since the invasion."""
    if year is None:
        return _nearest(month, day, published)
    try:
        found = date(year, month, day)
    except ValueError:
        return None
    return found if found >= FIRST_DAY else None


def _nearest(month: int, day: int, published: date | None) -> date | None:
    """The last such day up to the day after the publication."""
    if published is None:
        return None
    for year in (published.year + 1, published.year, published.year - 1):
        found = resolve(year, month, day, None)
        if found and found <= published + timedelta(days=_NEAR):
            return found
    return None


def range_day(folded: str, published: date | None) -> Day | None:
    """The end of "24.02.22 по 19.02.24", the last one in this piece of text."""
    found = None
    for match in _RANGE.finditer(folded):
        day, month, year = match.groups()
        when = resolve(2000 + int(year) % 100 if year else None, int(month), int(day), published)
        if when and (int(month), int(day)) != _INVASION:
            found = Day(when, f"day: the range {match.group()!r}")
        elif when and year:
            found = Day(when, f"day: the range {match.group()!r}")
    return found


def stated_day(items: Sequence[Item], published: date | None) -> Day | None:
    """The day that a heading states: the end of a range since the invasion, or what follows "as of"."""
    for at, item in enumerate(items):
        if item.kind != DATE or item.day is None:
            continue
        year, month, day = item.day
        if _ends_range(items, at) or _as_of(items, at):
            when = resolve(year, month, day, published)
            if when and (month, day) != _INVASION or when and year not in {None, FIRST_DAY.year}:
                return Day(when, f"day: {item.text!r} behind a range or 'as of'")
    return None


def _ends_range(items: Sequence[Item], at: int) -> bool:
    """Whether a date before this one, with "to" or a dash between, is the day of the invasion."""
    for back in range(at - 1, max(-1, at - 7), -1):
        before = items[back]
        if before.kind == DATE and before.day:
            between = items[back + 1 : at]
            linked = any(i.is_("until") or i.is_("and") or (i.kind == MARK and i.text == "-") for i in between)
            return linked and before.day[1:] == _INVASION
        if before.kind == COUNT:
            return False
    return False


def _as_of(items: Sequence[Item], at: int) -> bool:
    for before in reversed(items[max(0, at - 4) : at]):
        if before.kind == TERM and before.is_("as_of") and not before.is_("on"):
            return True
        if before.kind == TERM and before.is_("weekday") or before.text in {"-", ":", "the", ","}:
            continue
        if before.kind == COUNT or before.kind == BREAK or before.kind == TERM:
            return False
    return False


def dateline(items: Sequence[Item], published: date | None) -> Day | None:
    """The date of a line that is nothing but a date (and a time, a place, an ID)."""
    dates = [item for item in items if item.kind == DATE]
    others = [
        item
        for item in items
        if item.kind == TERM and not (item.is_("weekday") or item.is_("on") or item.is_("as_of"))
    ]
    if len(dates) != 1 or len(others) > 1 or len(items) > 14 or any(o.is_("metric") or o.is_("loss") for o in others):  # noqa: PLR2004 - a line
        return None
    first = items.index(dates[0])
    if first > 2 or not dates[0].day:  # noqa: PLR2004 - "Published on"
        return None
    year, month, day = dates[0].day
    when = resolve(year, month, day, published)
    return Day(when, f"day: the date line {dates[0].text!r}") if when else None


def url_day(url: str | None, published: date | None) -> Day | None:
    """The date in an address."""
    if not url:
        return None
    for pattern in _URL_DATES:
        for match in pattern.finditer(url.lower()):
            parts = match.groupdict()
            month = _month_named(parts["name"]) if "name" in parts else int(parts["m"])
            year = parts.get("y")
            when = resolve(int(year) if year else None, month, int(parts["d"]), published) if month else None
            if when:
                return Day(when, f"day: {match.group()!r} in the address")
    return None


def _month_named(name: str) -> int | None:
    return next((at + 1 for at, stems in enumerate(_URL_MONTHS) if name.startswith(stems)), None)


def sentence_day(items: Sequence[Item], published: date | None, *, daily: bool) -> Day | None:
    """The day of a sentence that holds claims: its loss day makes the next one the report day.

    "9 грудня армія втратила" and "за минулу добу, 26 жовтня" name the day of the losses; a date beside the one
    who says it, or beside another word for the last 24 hours, is the day of the report.
    """
    for at, item in enumerate(items):
        if item.kind != DATE or item.day is None or _since_before(items, at) or _until_after(items, at):
            continue
        year, month, day = item.day
        when = resolve(year, month, day, published)
        if when is None or (year is None and published and (published - when).days > _NEAR + 1):
            continue
        lost = _loss_day(items, at, daily=daily)
        if lost:
            return Day(when + timedelta(days=1), f"day: {item.text!r} is the day of the losses; reported the next day")
        return Day(when, f"day: {item.text!r} in the sentence")
    return None


def _since_before(items: Sequence[Item], at: int) -> bool:
    return any(item.is_("since") and not item.is_("on") for item in items[max(0, at - 2) : at])


def _until_after(items: Sequence[Item], at: int) -> bool:
    following = items[at + 1 : at + 4]
    return any(item.kind == DATE for item in following) and any(
        item.is_("until") or item.text == "-" for item in following
    )


def _loss_day(items: Sequence[Item], at: int, *, daily: bool) -> bool:
    near = items[max(0, at - 3) : at]
    if any(item.kind == TERM and item.is_("daily") for item in near) and not any(
        item.is_("claimant") for item in near
    ):
        return True
    beside = [*items[max(0, at - 2) : at], *items[at + 1 : at + 2]]
    if any(item.is_("claimant") or item.is_("weekday") and False for item in beside):
        return False
    lost = any(item.is_("loss") or item.is_("theirs") for item in items)
    return lost and not daily


def noted(day: date | None, published: date | None, *, stated: bool) -> str | None:
    """The note on a heading that contradicts the publication by more than a day."""
    if not stated or day is None or published is None or abs((published - day).days) <= _NEAR:
        return None
    return f"the text says {day}, but was published on {published}"


def date_from_totals(claims: Sequence[Claim], known: Callable[[str], Mapping[date, int]]) -> date | None:
    """The day of an undated text: the one day whose known totals agree with all of its totals, if exactly one does.

    `known` gives the totals of a metric by day. Totals that never moved fit many days; the others decide.
    """
    fitting: set[date] | None = None
    for claim in claims:
        if claim.total is None or claim.as_of is not None:
            continue
        days = {day for day, total in known(claim.metric).items() if total == claim.total}
        fitting = days if fitting is None else fitting & days
    return fitting.pop() if fitting and len(fitting) == 1 else None
