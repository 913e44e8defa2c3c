"""Which day a report carries: its heading, its title, its URL, its publication, in this order."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from pipelines.reading.mention import FIRST_DAY
from pipelines.reading.phrases import COUNT, DATE, MARK, TERM, Item
from pipelines.records import GENERAL_STAFF, KYIV, Claim

_INVASION = (2, 24)
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
    """Return a report day, and the words that said it."""

    day: date
    why: str


def kyiv_day(moment: datetime | None) -> date | None:
    """Return the Kyiv day of a moment; a naive one is Kyiv time."""
    if moment is None:
        return None
    return (moment if moment.tzinfo is None else moment.astimezone(KYIV)).date()


def resolve(year: int | None, month: int, day: int, published: date | None) -> date | None:
    """Return a date, its missing year taken from the publication. None for a day that never was, or before the war."""
    if year is None:
        return _nearest(month, day, published)
    try:
        found = date(year, month, day)
    except ValueError:
        return None
    return found if found >= FIRST_DAY else None


def _nearest(month: int, day: int, published: date | None) -> date | None:
    """Return the last such day up to the day after the publication."""
    if published is None:
        return None
    for year in (published.year + 1, published.year, published.year - 1):
        found = resolve(year, month, day, None)
        if found and found <= published + timedelta(days=_NEAR):
            return found
    return None


def is_invasion(item: Item) -> bool:
    """Tell whether a date is the day of the invasion."""
    return item.day is not None and item.day[1:] == _INVASION


def range_day(folded: str, published: date | None) -> Day | None:
    """Return the end of "24.02.22 по 19.02.24", the last one in this piece of text."""
    found = None
    for match in _RANGE.finditer(folded):
        day, month, year = match.groups()
        when = resolve(2000 + int(year) % 100 if year else None, int(month), int(day), published)
        if when and (year or (int(month), int(day)) != _INVASION):
            found = Day(when, f"day: the range {match.group()!r}")
    return found


def stated_day(items: Sequence[Item], published: date | None) -> Day | None:
    """Return the day that a heading states: the end of a range since the invasion, or what follows "as of"."""
    for at, item in enumerate(items):
        if item.kind == DATE and item.day and (_ends_range(items, at) or _as_of(items, at)):
            when = _report_day(item, published)
            if when:
                return Day(when, f"day: {item.text!r} behind a range or 'as of'")
    return None


def since_invasion(items: Sequence[Item], published: date | None) -> Day | None:
    """Return the end of a range that began with the invasion, wherever in a text it stands."""
    for at, item in enumerate(items):
        if item.kind == DATE and _ends_range(items, at) and (when := _report_day(item, published)):
            return Day(when, f"day: {item.text!r} ends the range since the invasion")
    return None


def _report_day(item: Item, published: date | None) -> date | None:
    """Return the day of a date item, unless it is the day of the invasion, which every text names."""
    if item.day is None or (item.day[1:] == _INVASION and item.day[0] in {None, FIRST_DAY.year}):
        return None
    return resolve(*item.day, published)


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


def partial_range(items: Sequence[Item], at: int) -> bool:
    """Whether a date ends a range that began later than the invasion: від 11 до 18 грудня."""
    if at < 2 or not (items[at - 1].is_("until") or items[at - 1].text == "-" or items[at - 1].is_("and")):  # noqa: PLR2004 - start, link
        return False
    start = items[at - 2]
    if start.kind == DATE and start.day:
        return start.day[1:] != _INVASION
    return start.kind == COUNT and start.value <= 31 and at > 2 and items[at - 3].is_("since")  # noqa: PLR2004 - days


def _as_of(items: Sequence[Item], at: int) -> bool:
    """Whether "as of" stands right before a date, or right behind it."""
    before = next(
        (i for i in reversed(items[max(0, at - 3) : at]) if not (i.is_("weekday") or i.text in {"the", ","})), None
    )
    behind = items[at + 1] if at + 1 < len(items) else None
    return bool(
        (before and before.is_("as_of") and not before.is_("on"))
        or (behind and behind.is_("as_of") and behind.is_("since") is False and _postposed(behind))
    )


def _postposed(item: Item) -> bool:
    """Whether "as of" follows its date in this language; a preposition belongs to the next date."""
    return not any(item.is_(category) for category in ("stop", "until", "on", "and", "of"))


def heading_day(items: Sequence[Item], published: date | None) -> Day | None:
    """Return the date of a heading or of a date line: the only one on it."""
    if len(items) == 1 and items[0].day == (FIRST_DAY.year, *_INVASION):
        return Day(FIRST_DAY, "day: the heading is the first day")
    days = [item for item in items if item.kind == DATE and _report_day(item, published)]
    if len(days) != 1 or any(item.kind == COUNT and not _clock(items, at) for at, item in enumerate(items)):
        return None
    when = _report_day(days[0], published)
    return Day(when, f"day: the heading's {days[0].text!r}") if when else None


def _clock(items: Sequence[Item], at: int) -> bool:
    """Numbers that a date line may have beside its date: a year, an hour, an ID behind a colon or a bar."""
    return items[at].value < 25 or (at > 0 and items[at - 1].text in {":", "|"}) or 2022 <= items[at].value <= 2039  # noqa: PLR2004 - hours, years


def head_day(items: Sequence[Item], published: date | None) -> Day | None:
    """Return a full date near the beginning of a text: a title's, an agency's date line."""
    for at, item in enumerate(items):
        if item.kind == DATE and item.day and item.day[0] and not _since(items, at):
            when = _report_day(item, published)
            if when:
                return Day(when, f"day: {item.text!r} at the head")
    return None


def sentence_day(items: Sequence[Item], published: date | None, spans: Sequence[tuple[int, str, bool]]) -> Day | None:
    """Return the day of a sentence that holds claims: its loss day makes the next one the report day.

    "9 грудня армія втратила" and "за минулу добу, 26 жовтня" name the day of the losses; a date beside the one
    who says it, or beside totals, is the day of the report. `spans` has, for each number in the sentence,
    where it stands, its kind, and whether a word said the kind.
    """
    for at, item in enumerate(items):
        if item.kind != DATE or item.day is None or _since(items, at) or partial_range(items, at):
            continue
        when = _report_day(item, published)
        if when is None or (item.day[0] is None and published and abs((published - when).days) > _NEAR + 1):
            continue
        if _loss_day(items, at, spans):
            return Day(when + timedelta(days=1), f"day: {item.text!r} is the day of the losses; reported the next day")
        return Day(when, f"day: {item.text!r} in the sentence")
    return None


def _since(items: Sequence[Item], at: int) -> bool:
    before, behind = items[max(0, at - 2) : at], items[at + 1 : at + 3]
    if any(item.is_("since") and not item.is_("on") and not item.is_("as_of") for item in before[-1:]):
        return True
    return any(item.is_("since") and _postposed(item) for item in behind)


def _loss_day(items: Sequence[Item], at: int, spans: Sequence[tuple[int, str, bool]]) -> bool:
    near = items[max(0, at - 2) : at]
    if any(item.kind == TERM and item.is_("daily") for item in near):
        return True
    beside = [*_up_to_comma(reversed(items[max(0, at - 2) : at])), *_up_to_comma(items[at + 1 : at + 3])]
    if any(item.is_("claimant") or item.is_("say") or item.text in {"(", ")"} for item in beside):
        return False
    _, kind, said = _nearest_number(items, at, spans)
    return kind == "daily" and not said


def _up_to_comma(items: Iterable[Item]) -> Iterator[Item]:
    """Yield what stands directly beside: "Генштаб 23 жовтня", not "за даними Генштабу, 17 січня"."""
    return itertools.takewhile(lambda item: item.text != ",", items)


def _nearest_number(items: Sequence[Item], at: int, spans: Sequence[tuple[int, str, bool]]) -> tuple[int, str, bool]:
    """Return the number that a date belongs to: the one before it in its clause, else the next, else the last."""
    opens = max((item.end for item in items[:at] if item.kind == MARK and item.text in {",", ";", ":"}), default=0)
    before = [span for span in spans if opens <= span[0] < items[at].start]
    following = [span for span in spans if span[0] >= items[at].end]
    return before[-1] if before else following[0] if following else spans[-1]


def attributed_day(items: Sequence[Item], published: date | None) -> Day | None:
    """Return the full date beside the claimant: "зведення Генштабу від 9 жовтня 2024 року"."""
    for at, item in enumerate(items):
        if item.kind == DATE and item.day and item.day[0]:
            beside = [*items[max(0, at - 4) : at], *items[at + 1 : at + 3]]
            when = _report_day(item, published)
            if when and any(i.says.get("claimant") == GENERAL_STAFF for i in beside):
                return Day(when, f"day: {item.text!r} beside the claimant")
    return None


def url_day(url: str | None, published: date | None) -> Day | None:
    """Return the date in an address."""
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


def noted(stated: date | None, published: date | None) -> str | None:
    """Return the note on a text whose day contradicts its publication by more than a day."""
    if stated is None or published is None or abs((published - stated).days) <= _NEAR:
        return None
    return f"the text says {stated}, but was published on {published}"


def date_from_totals(claims: Sequence[Claim], known: Callable[[str], Mapping[date, int]]) -> date | None:
    """Return the day of an undated text: the one whose known totals agree with all of its own, if exactly one does.

    `known` gives the totals of a metric by day. Totals that never moved fit many days; the others decide.
    """
    fitting: set[date] | None = None
    for claim in claims:
        if claim.total is None or claim.as_of is not None:
            continue
        days = {day for day, total in known(claim.metric).items() if total == claim.total}
        fitting = days if fitting is None else fitting & days
    return fitting.pop() if fitting and len(fitting) == 1 else None
