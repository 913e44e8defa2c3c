"""Sentences of news, one after the other: items, numbers, kinds, claimants, mentions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date

from pipelines.reading import attribution, kinds
from pipelines.reading.binding import Bond, bind
from pipelines.reading.dates import partial_range
from pipelines.reading.mention import Kind, Mention, Trouble
from pipelines.reading.phrases import BROKEN, COUNT, DATE, MARK, TERM, Item, phrases
from pipelines.reading.relations import relate
from pipelines.reading.sentences import sentences
from pipelines.reading.speech import HEDGES, SMALLEST_CHANGE, Context, Number, Speech
from pipelines.reading.vocabulary import Lexicon, claimants, trigger
from pipelines.records import GENERAL_STAFF, Hedge

_QUOTE = 300  # characters of a sentence that are kept beside its numbers
_ENUMERATION = 3  # distinct metrics that make a list of losses without a word for loss
_HEDGE_GAP = 3  # items between a hedge and its number
_SHORT_LINE = 5  # items of a list's line
_LONG = 1000  # characters: a sentence so long is only read if it has a word that a tally needs
_LATE = date(2022, 9, 1)  # from about here on personnel is reported in tens
_MODEL = re.compile(
    r" [«\"„“']?([^\W\d_]{1,8})(?:-| )?\d{1,3}(?!\d)[^\W\d_]{0,3}(?= |[.,;:»\"”)]|$)"
)  # 14 Leopard 2A6, два літаки МіГ-31


@dataclass(slots=True)
class Found:
    """What the sentences of a document say."""

    mentions: list[Mention] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    sentences: list[list[Item]] = field(default_factory=list)
    russian: bool = False  # Russia, Russians or the enemy are mentioned
    war: bool = False  # they or Ukraine are


@dataclass(frozen=True, slots=True)
class Words:
    """What the numbers of a document are read with."""

    lexicon: Lexicon
    thousands: frozenset[str]
    day: date | None  # only for what size a number can have


def read_prose(text: str, folded: str, spans: list[tuple[int, int]], words: Words, context: Context) -> Found:
    """Read the sentences of some pieces of a text."""
    found = Found()
    for order, sentence in enumerate(sentences(text, folded, words.lexicon, spans)):
        noise = sentence.end - sentence.start > _LONG and not trigger().search(folded, sentence.start, sentence.end)
        items = [] if noise else phrases(folded, sentence.start, sentence.end, words.lexicon, words.thousands)
        speech = Speech(text=text, sentence=sentence, items=items, day=words.day, context=context, order=order)
        _read(speech, found, noun_first=words.lexicon.noun_first)
        found.sentences.append(items)
    found.russian, found.war = context.russian, context.war
    return found


def _read(speech: Speech, found: Found, *, noun_first: bool) -> None:
    """Add what a sentence says, and leave the context for the next one."""
    speech.markers = kinds.markers(speech)
    speech.numbers = _numbers(speech, noun_first=noun_first)
    kinds.mark(speech)
    relate(speech)
    attribution.enter(speech)
    names = attribution.named(speech)
    kept = [number for number in speech.numbers if number.metric and attribution.lost(speech, number)]
    tally = _is_tally(speech, kept, names)
    kinds.settle(speech, kept, named=bool(names))
    listed = kinds.in_line(speech, kept)
    if not listed and kinds.partial(speech, kept):
        for number in kept:
            number.decide("other", "a sum of something else")
    if tally:
        found.mentions += _mentions(speech, kept, names, listed=listed)
        found.troubles += _troubles(speech, kept, names)
    _remember(speech, kept, names, tally=tally)


def _numbers(speech: Speech, *, noun_first: bool) -> list[Number]:
    bonds = bind(speech.items, noun_first=noun_first)
    numbers = [Number(at, speech.items[at], bond) for at, bond in bonds.items() if not _of_a_date(speech, at, bond)]
    numbers += _implied(speech, {bond.label for bond in bonds.values()})
    return sorted(numbers, key=lambda number: number.at)


def _of_a_date(speech: Speech, at: int, bond: Bond) -> bool:
    """Tell whether a number is a year, or the first day of a range: від 11 до 18 грудня."""
    labelled = bond.label == at + 1 or (bond.label is not None and at > 0 and speech.items[at - 1].text in {"-", ":"})
    if speech.is_year(at) and not labelled:
        return True
    return at + 2 < len(speech.items) and speech.items[at + 2].kind == DATE and partial_range(speech.items, at + 2)


def _implied(speech: Speech, bound: set[int | None]) -> list[Number]:
    """Return the ones that are not written: "втратили танк, бойову броньовану машину"."""
    found = []
    for at, item in enumerate(speech.items[1:], 1):
        if item.kind == TERM and item.is_("singular") and at not in bound and _alone(speech, at):
            one = Item(COUNT, item.start, item.end, item.text, says={"number": 1}, value=1)
            found.append(Number(at, one, Bond(at, item.says["singular"])))
    return found


def _alone(speech: Speech, at: int) -> bool:
    """Tell whether a noun is an entry of an enumeration by itself."""
    before = speech.items[at - 1]
    behind = speech.items[at + 1] if at + 1 < len(speech.items) else None
    opened = before.text == "," or any(before.is_(category) for category in ("and", "loss", "more"))
    return opened and (behind is None or behind.text in {",", ".", ";"} or behind.is_("and"))


def _is_tally(speech: Speech, kept: list[Number], names: list[tuple[int, str]]) -> bool:
    """Tell whether a sentence is about Russian losses: by words, numbers, speaker, or the one before it."""
    if speech.any("loss", "theirs") or len({number.metric for number in kept}) >= _ENUMERATION:
        return True
    if speech.context.russian and any(speech.is_personnel_total(number) for number in kept):
        return True
    marked = {number.kind for number in kept} & {"daily", "total"}
    if attribution.keeps_tally(names) and marked:
        return True
    if speech.context.claimant == GENERAL_STAFF and len(marked) == 2:  # noqa: PLR2004 - "Tanks +8 (9,936)."
        return True
    return speech.context.tally and not _acts(speech)


def _acts(speech: Speech) -> bool:
    """Tell whether something was launched, struck or delivered."""
    return any(item.is_("act") and not item.is_("loss") for item in speech.items)


def _mentions(speech: Speech, kept: list[Number], names: list[tuple[int, str]], *, listed: bool) -> list[Mention]:
    found = []
    for number in kept:
        told = number.kind != "other" and number.item.kind == COUNT
        if told and not _model_follows(speech, number) and _counts(speech, number, kept):
            who = attribution.claimant_of(speech, number, names)
            found.append(_mention(speech, number, who, listed=listed))
    return found


def _model_follows(speech: Speech, number: Number) -> bool:
    """Tell whether a type is named behind the noun: these were lost, not the category."""
    if number.bond.label is None or number.bond.label < number.at:
        return False
    behind = _MODEL.match(speech.text, speech.items[number.bond.label].end)
    return bool(behind and behind[1][0].isupper())


def _counts(speech: Speech, number: Number, kept: list[Number]) -> bool:
    """Tell whether a number counts: not a few people of no army, not an article that only looks like a one."""
    if number.metric == "people" and number.kind == "daily" and number.item.value < SMALLEST_CHANGE:
        return False
    article = number.item.says.get("number") == 1 and not number.item.text.isdigit()
    if not article or len({other.metric for other in kept}) > 1 or (number.kind == "daily" and number.firm):
        return True
    return speech.sentence.fresh and speech.context.metric is not None and len(speech.items) <= _SHORT_LINE


def _mention(speech: Speech, number: Number, who: str | None, *, listed: bool) -> Mention:
    item, metric = number.item, number.metric or ""
    kind: Kind = "daily" if number.kind == "daily" else "total"
    hedge = _hedge(speech, number)
    label = speech.items[number.bond.label].text if number.bond.label is not None else "the number before it"
    return Mention(
        claimant=who or (GENERAL_STAFF if listed and speech.context.russian else None),
        metric=metric,
        kind=kind,
        value=-item.value if item.signed < 0 and kind == "daily" else item.value,
        span=(item.start, item.end),
        hedge=hedge,
        step=item.step,
        quote=_quote(speech),
        why=(f"{kind}: {number.why}", f"metric: {label}"),
        rounded=not listed and _rounded(item, metric, kind, hedge, speech.day),
        weak=metric == "people",
        order=speech.order,
        said=number.firm,
        listed=listed,
    )


def _troubles(speech: Speech, kept: list[Number], names: list[tuple[int, str]]) -> list[Trouble]:
    """Return the digits that stand where a number of the General Staff should."""
    return [
        Trouble("a number that cannot be read", (number.item.start, number.item.end), _quote(speech))
        for number in kept
        if number.item.kind == BROKEN and attribution.claimant_of(speech, number, names) in {None, GENERAL_STAFF}
    ]


def _quote(speech: Speech) -> str:
    return speech.text[speech.sentence.start : speech.sentence.end].strip()[:_QUOTE]


def _hedge(speech: Speech, number: Number) -> Hedge | None:
    for at in range(number.at - 1, max(-1, number.at - 1 - _HEDGE_GAP), -1):
        item = speech.items[at]
        if item.kind in {COUNT, BROKEN, DATE} or (item.kind == MARK and item.text in {",", ";", ")"}):
            return None
        if item.kind == MARK and item.text in {"~", "≈"}:
            return "about"
        beside = at == number.at - 1
        found = next((h for h in HEDGES if item.is_(h) and (beside or not item.is_("until"))), None)
        if found:
            return found
    return None


def _rounded(item: Item, metric: str, kind: Kind, hedge: Hedge | None, day: date | None) -> bool:
    """Tell whether this way of writing is a headline's: more than a thousand, 300mila, 1,5 tys."""
    if item.vague:
        return True
    people = metric in {"personnel", "people"}
    if hedge in {"more_than", "less_than"}:
        limit = {"total": 1000, "daily": 100} if people else {"total": 100, "daily": 10}
        return item.step >= limit[kind]
    if not people:
        return (item.scaled and item.step >= 100) or (hedge == "about" and item.step >= 1000)  # noqa: PLR2004 - hundreds, thousands
    if item.value >= 100_000:  # noqa: PLR2004 - reported in tens by then: a thousand's multiple is a headline
        return item.step >= 1000 or (item.scaled and item.step >= 100 and item.value < 1_000_000)  # noqa: PLR2004 - 802,2 тис.
    late = day is not None and day >= _LATE
    return item.scaled and item.step >= (100 if late else 10_000)


def _remember(speech: Speech, kept: list[Number], names: list[tuple[int, str]], *, tally: bool) -> None:
    """Leave kind, tally and metric for the next sentence."""
    context = speech.context
    attribution.remember(context, names)
    main = [number for number in kept if not number.sub and not number.signed] or kept
    said = [number.kind for number in main if number.kind] or list(speech.markers.values())
    context.kind = said[-1] if said else context.kind
    rival = any(not claimants()[who].get("tally") for _, who in names)
    if _acts(speech) or speech.sentence.paragraph or rival:
        context.tally = tally and bool(kept)
    context.tally = context.tally or (speech.any("loss", "theirs") and not speech.any("act", "ours"))
    context.metric = next((number.metric for number in reversed(speech.numbers) if number.metric), None)
