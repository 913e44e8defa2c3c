"""Numbers without a noun of their own: what they count is said by the number beside them, or by their size."""

from __future__ import annotations

import itertools

from pipelines.reading.binding import THING, Bond
from pipelines.reading.phrases import COUNT
from pipelines.reading.speech import SMALLEST_CHANGE, Number, Speech


def relate(speech: Speech) -> None:
    """Name the metric of every number of a sentence that has one."""
    _rises(speech)
    _respective(speech)
    last: Number | None = None
    for number in speech.numbers:
        last = _name(speech, number, last)


def _rises(speech: Speech) -> None:
    """Read a change and the total it leads to: vzrostly o 1 390 na 871 260, rose by 10 to 10,187."""
    for first, second in itertools.pairwise(speech.numbers):
        if not (speech.led(first, "by") and speech.led(second, "to") and first.item.value <= second.item.value):
            continue
        metric = first.bond.named or second.bond.named
        lost = any(item.is_("loss") or item.is_("theirs") for item in speech.items[: first.at])
        if metric is None and (lost or speech.is_personnel_total(second)):
            metric = "personnel"
        for number, kind in ((first, "daily"), (second, "total")):
            number.bond = Bond(number.bond.label, metric, number.bond.ours)
            number.decide(kind, "by so many, to so many")


def _respective(speech: Speech) -> None:
    """Read "9.748 tanks, 20.206 vehicles, mais nove e 18, respetivamente", and "tanks rispettivamente 22.352 e 14"."""
    at = next((at for at, item in enumerate(speech.items) if item.is_("respectively")), None)
    if at is None:
        return
    before = [number for number in speech.numbers if number.at < at]
    named = [number for number in before if number.bond.named]
    bare = [number for number in before if number.bond.metric is None]
    if named and len(named) == len(bare):
        for number, change in zip(named, bare, strict=True):
            change.bond = number.bond
            change.decide("daily", "respectively")
    pair = [number for number in speech.numbers if number.at > at][:2]
    if len(pair) == 2 and at and speech.items[at - 1].is_("metric"):  # noqa: PLR2004 - a total and its change
        for number, kind in zip(pair, ("total", "daily"), strict=True):
            number.bond = Bond(at - 1, speech.items[at - 1].says["metric"])
            number.decide(kind, "respectively")


def _name(speech: Speech, number: Number, last: Number | None) -> Number | None:
    """Name one number, and return the one that the next can refer to."""
    if number.bond.named:
        number.metric = number.bond.named
        if number.item.signed > 0:
            number.decide("daily", "its sign")
        return number
    if number.kind != "other" and speech.is_personnel_total(number):
        number.metric = "personnel"
        number.decide("total", "only this total is of its size", firm=False)
        return number
    if number.bond.metric == THING:
        return last
    previous = _previous(speech, number, last)
    if previous is None and _is_personnel_change(speech, number):
        number.metric = "personnel"
        return number
    if last and number.kind is None and speech.led(number, "to") and number.item.value >= last.item.value:
        number.metric = last.metric
        number.decide("total", "it rose to so many")
        last.decide("daily", "it rose by so many")
    elif previous and _refers(speech, number, last):
        number.metric = previous
        _pair(speech, number, last)
    return last


def _previous(speech: Speech, number: Number, last: Number | None) -> str | None:
    """Return what the number before counted, in this sentence or, for a part or a marked number, in the last."""
    if last:
        return last.metric
    return speech.context.metric if number.sub or (number.kind and number.firm) else None


def _refers(speech: Speech, number: Number, last: Number | None) -> bool:
    """Tell whether a number is another one of the same metric: signed, in brackets, a part, of another kind."""
    if number.signed or number.sub or speech.bracketed(number):
        return True
    return number.kind in {"daily", "total"} and number.firm and (last is None or number.kind != last.kind)


def _pair(speech: Speech, number: Number, last: Number | None) -> None:
    """Decide which of two numbers of one metric is the total and which the change."""
    if last is None:
        number.sub = True
        if number.kind is None:
            number.decide("daily", "a part of what the sentence before says", firm=False)
        return
    bracketed = speech.bracketed(number)
    beside = number.signed or bracketed or number.sub
    larger = number.item.value > last.item.value
    if number.kind is None and beside:
        number.decide("total" if larger and not number.signed else "daily", "beside the number before it")
    if beside and number.kind == "daily" and last.kind != "total" and not larger:
        last.decide("total", "its change is printed beside it")
    if bracketed and number.kind == "total" and larger:
        last.decide("daily", "its total is printed beside it")


def _is_personnel_change(speech: Speech, number: Number) -> bool:
    """Tell whether a number without a noun counts losses as such: 1.150 perdite. Those are people, in tens."""
    item = number.item
    if item.kind != COUNT or item.value < SMALLEST_CHANGE or item.step < 10 or speech.is_year(number.at):  # noqa: PLR2004 - tens
        return False
    behind = speech.items[number.at + 1 : number.at + 4]
    return any(i.is_("loss") for i in behind) and not any(i.is_("thing") or i.text == "," for i in behind)
