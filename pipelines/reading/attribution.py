"""Whose number: who counts, whose losses they are, and whether anything was lost at all."""

from __future__ import annotations

from pipelines.reading.phrases import COUNT
from pipelines.reading.speech import Context, Number, Speech
from pipelines.reading.vocabulary import claimants

_SPEAKING = 5  # items between Russia and the verb that makes it the one who says


def enter(speech: Speech) -> None:
    """Bring what this sentence is about into the context, before its numbers are read."""
    context = speech.context
    context.russian = context.russian or speech.any("russian", "theirs", "russia")
    context.war = context.war or context.russian or speech.any("ukrainian")
    rival = context.claimant not in {None, context.main}
    if rival and speech.sentence.fresh and speech.sentence.paragraph and not speech.any("quote"):
        context.claimant = context.main  # a new paragraph goes back to the one that the text is about


def named(speech: Speech) -> list[tuple[int, str]]:
    """Return who is named in the sentence, and where: claimants, units, Russia where it says something."""
    found = []
    for at, item in enumerate(speech.items):
        if item.is_("claimant"):
            found.append((at, item.says["claimant"]))
        elif item.is_("actor"):
            found.append((at, "other"))
        elif item.is_("russia") and _speaks(speech, at):
            found.append((at, "russian_mod"))
    return found


def _speaks(speech: Speech, at: int) -> bool:
    """Tell whether Russia is the subject of a verb of saying."""
    for item in speech.items[at + 1 : at + _SPEAKING]:
        if item.is_("say"):
            return True
        if item.is_("loss") or item.is_("metric") or item.kind == COUNT or item.text in {",", ";", "."}:
            return False
    return False


def claimant_of(speech: Speech, number: Number, names: list[tuple[int, str]]) -> str | None:
    """Return who vouches for a number: the last one named before it, else the first behind it, else who spoke."""
    if not number.signed:
        for who, table in claimants().items():
            if number.item.value in table.get("figures", {}).get(number.metric or "", ()):
                return who
    before = [who for at, who in names if at < number.at]
    after = [(at, who) for at, who in names if at > number.at]
    if before:
        return before[-1]
    if after and not any(item.text == ";" for item in speech.items[number.at : after[0][0]]):
        return after[0][1]
    return speech.context.claimant


def keeps_tally(names: list[tuple[int, str]]) -> bool:
    """Tell whether one of those named keeps a running count that is read."""
    return any(claimants()[who].get("tally") for _, who in names)


def remember(context: Context, names: list[tuple[int, str]]) -> None:
    """Leave the last speaker for the next sentence."""
    if names:
        context.claimant = names[-1][1]
        context.main = context.main or next((who for _, who in names if claimants()[who].get("tally")), None)


def lost(speech: Speech, number: Number) -> bool:
    """Tell whether a number counts Russian losses: not Ukraine's, and nothing launched, struck or delivered."""
    if number.bond.ours or _in_range(speech, number):
        return False
    before = _verdict_before(speech, number)
    return before if before is not None else _verdict_behind(speech, number)


def _verdict_before(speech: Speech, number: Number) -> bool | None:
    for item in reversed(speech.items[: number.at]):
        if (item.is_("act") and not item.is_("loss")) or (item.is_("ours") and not item.is_("theirs")):
            return False
        if item.is_("loss") or item.is_("theirs"):
            return True
    return None


def _verdict_behind(speech: Speech, number: Number) -> bool:
    for item in speech.items[number.at + 1 :]:
        if item.text in {";", ":"} or item.is_("loss"):
            return True
        if item.is_("act"):
            return False
    return True


def _in_range(speech: Speech, number: Number) -> bool:
    """Tell whether a number is an end of an estimated range: entre 189 500 et 223 000."""
    place = speech.numbers.index(number)
    near = speech.numbers[max(0, place - 1) : place + 1]
    return any(other.at and speech.items[other.at - 1].is_("between") for other in near)
