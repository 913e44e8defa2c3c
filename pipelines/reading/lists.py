"""Official lists: one category a line, label, total, change. The common case, so it is the fast one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from pipelines.reading.dates import Day, heading_day, range_day, stated_day
from pipelines.reading.mention import Kind, Mention, Trouble, could_be_daily
from pipelines.reading.numbers import written
from pipelines.reading.phrases import BROKEN, COUNT, DATE, MARK, TERM, Item, phrases
from pipelines.reading.tokens import tokens
from pipelines.reading.vocabulary import claimants, languages, lexicon
from pipelines.records import GENERAL_STAFF, Hedge, Span

_LINE = re.compile(
    r"^(?P<label>[^\d\n]{0,160}?)"
    r"(?P<number>(?<![\d.,])\d{1,3}(?: \d{3})+(?!\d)|\d+(?:[.,:/']\d+)*)"
    r"(?P<rest>[^\n]*)$",
    re.MULTILINE,
)
_USUAL_REST = re.compile(
    r" *(?P<unit>[^\W\d_]{1,14}\.?(?: ?/ ?[^\W\d_]{1,10})?)?[ ,;]*"
    r"(?:\(\s*(?P<sign>[+-]?)\s*(?P<change>\d{1,3}(?: \d{3})+|\d+(?:[.,']\d{3})*)?(?P<words>[^()\d\n]{0,40})\))?"
    r" *(?P<tail>[^\d\n()]{0,40})$"
)
_HEADING_REACH = 400  # characters before a list in which its heading stands
_LETTERS = re.compile(r"[^\W\d_]")
_HEDGE_WORDS = re.compile(r"\b(?:близько|about|approximately|around|около|приблизно|понад|more than|over)\b")
_SECTION = 80  # characters of a section's heading
_LIST = 3  # distinct categories that make a list by themselves
_QUOTE = 200
_SMALL = frozenset({"submarines", "ships"})  # their totals are as small as a change


@dataclass(frozen=True, slots=True)
class Label:
    """Return what stands before the number of a line."""

    metric: str | None
    hedge: Hedge | None = None
    whole: bool = True  # every word of it is understood


@dataclass(frozen=True, slots=True)
class Heading:
    """Return what the words above a list say of all its lines."""

    kind: str | None  # total, daily, other
    losses: bool  # it announces Russian losses
    claimant: str | None
    ours: bool


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of a list, and what the words above say of it."""

    match: re.Match[str]
    label: Label
    heading: Heading
    day: Day | None

    quote: str


@dataclass(slots=True)
class Listed:
    """Return what the lists of a document say."""

    mentions: list[Mention] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    covered: list[tuple[int, int]] = field(default_factory=list)  # lines that are read, and their headings
    day: Day | None = None  # of the only list
    headed: bool = False  # a heading announces losses


def read_lists(text: str, folded: str, codes: tuple[str, ...], published: date | None, speaker: str | None) -> Listed:
    """Read all lines that are a label and a number."""
    return _Lists(text, folded, codes, published, speaker).read()


class _Lists:
    def __init__(
        self, text: str, folded: str, codes: tuple[str, ...], published: date | None, speaker: str | None
    ) -> None:
        self.text, self.folded, self.codes = text, folded, codes
        self.published, self.speaker = published, speaker
        self.found = Listed()

    def read(self) -> Listed:
        runs: list[list[tuple[re.Match[str], Label]]] = []
        strangers: list[tuple[int, re.Match[str]]] = []  # lines with a label that is none, by the run they follow
        for match in _LINE.finditer(self.folded):
            label = self._label(match)
            if label.metric and not self._is_prose(match):
                if not runs or self._apart(runs[-1][-1][0], match):
                    runs.append([])
                runs[-1].append((match, label))
            elif runs and _stranger(match):
                strangers.append((len(runs) - 1, match))
        for at, run in enumerate(runs):
            self._run(run, [match for owner, match in strangers if owner == at])
        return self.found

    def _label(self, match: re.Match[str]) -> Label:
        label = _label(match["label"], self.codes)
        if label.metric is None and not _LETTERS.search(_HEDGE_WORDS.sub("", match["label"])):
            return self._label_above(match) or label
        return label

    def _label_above(self, match: re.Match[str]) -> Label | None:
        """Return the label of a line that has none: a section's heading, "Personnel:", stands alone above it."""
        above = self.folded[max(0, match.start() - _SECTION) : match.start()].rstrip()
        heading = above[above.rfind("\n") + 1 :]
        if not heading.endswith(":") or any(char.isdigit() for char in heading):
            return None
        section = _label(heading, self.codes)
        return Label(section.metric, _label(match["label"] + heading, self.codes).hedge) if section.metric else None

    def _is_prose(self, match: re.Match[str]) -> bool:
        """Return a line with more labels and numbers behind the first: a list in one paragraph."""
        rest = match["rest"]
        return len(rest) > 60 and len(re.findall(r"\d+", rest[:_QUOTE])) > 2  # noqa: PLR2004 - a change, and one more

    def _apart(self, last: re.Match[str], match: re.Match[str]) -> bool:
        """Whether a date or another heading stands between two lines."""
        between = self.folded[last.end() : match.start()]
        return bool(between.strip()) and (
            range_day(between, self.published) is not None or self._date_between(between)
        )

    def _date_between(self, between: str) -> bool:
        return any(
            _dated(line.strip(), self.codes[:1], self.published) for line in between.split("\n") if line.strip()
        )

    def _run(self, run: list[tuple[re.Match[str], Label]], strangers: list[re.Match[str]]) -> None:
        start = run[0][0].start()
        above = self.folded[max(0, start - _HEADING_REACH, self._last_covered()) : start]
        heading = _heading(re.sub(r"\d+", "0", above), self.codes)
        metrics = {label.metric for _, label in run}
        if heading.ours or heading.kind == "other" or len(metrics) < (1 if heading.losses or self.speaker else _LIST):
            return
        if heading.claimant and not claimants()[heading.claimant].get("tally"):
            return
        day = self._day_of(above)
        for match, label in run:
            self._line(_Line(match, label, heading, day, self._quote(match)))
        for match in strangers if len(metrics) >= _LIST else ():
            label_text = match["label"].strip(" -:•*\t|")
            span = match.span("number")
            self.found.troubles.append(Trouble(f"unknown label {label_text!r}", span, self._quote(match)))
        self.found.covered.append((start, run[-1][0].end()))
        self.found.headed |= heading.losses
        self.found.day = self.found.day or day

    def _last_covered(self) -> int:
        return self.found.covered[-1][1] if self.found.covered else 0

    def _day_of(self, above: str) -> Day | None:
        """Return the day in the heading nearest to the list."""
        for line in reversed([line.strip() for line in above.split("\n") if line.strip()]):
            day = range_day(line, self.published) or _dated(line, self.codes[:1], self.published)
            if day:
                return day
        return None

    def _line(self, line: _Line) -> None:
        """Read one line: its total, and the change beside it."""
        usual = _USUAL_REST.match(line.match["rest"])
        value = written(line.match["number"]).value
        if usual is None or (usual["unit"] and _scale(usual["unit"], self.codes)):
            self._unusual(line)
        elif value is None or (line.match["number"][0] == "0" and value):
            self._broken(line, line.match.span("number"))
        else:
            self._add(line, "total" if usual["change"] else self._kind(line, value), value, line.match.span("number"))
            change = written(usual["change"]).value if usual["change"] else None
            if change is not None:
                at = line.match.start("rest") + usual.start("change")
                start = at - 1 if usual["sign"] and self.folded[at - 1] == usual["sign"] else at
                signed = -change if usual["sign"] == "-" else change
                self._add(line, "daily", signed, (start, at + len(usual["change"])))

    def _kind(self, line: _Line, value: int) -> Kind:
        """Return daily where the heading says so and the number can be: a lone boat stays a total."""
        metric = line.label.metric or ""
        if line.heading.kind != "daily" or not could_be_daily(metric, value):
            return "total"
        return "total" if metric in _SMALL and value > 1 else "daily"

    def _broken(self, line: _Line, span: Span) -> None:
        self.found.troubles.append(Trouble("a number that cannot be read", span, line.quote))

    def _add(self, line: _Line, kind: Kind, value: int, span: Span, metric: str | None = None) -> None:
        metric = metric or line.label.metric or ""
        day = line.day
        self.found.mentions.append(
            Mention(
                claimant=line.heading.claimant or self.speaker or GENERAL_STAFF,
                metric=metric,
                kind=kind,
                value=value,
                span=span,
                hedge=line.label.hedge if kind == "total" and metric == line.label.metric else None,
                step=1,
                quote=line.quote,
                why=(f"{kind}: its place in a list", f"metric: {line.match['label']}", *((day.why,) if day else ())),
                listed=True,
                order=line.match.start(),
                day=day.day if day else None,
            )
        )

    def _unusual(self, line: _Line) -> None:
        """Read a line with scales, prisoners, or words around its numbers, like a sentence."""
        start, end = line.match.start("number"), line.match.end()
        items = phrases(self.folded, start, end, lexicon(self.codes[0]), frozenset(",."))
        counts = [(at, item) for at, item in enumerate(items) if item.kind in {COUNT, BROKEN}]
        if not counts:
            return
        first = counts[0][1]
        if first.kind == BROKEN:
            self._broken(line, (first.start, first.end))
            return
        changed = any(_bracketed(items, at) for at, _ in counts)
        self._add(line, "total" if changed else self._kind(line, first.value), first.value, (first.start, first.end))
        for at, item in counts[1:]:
            self._further(line, items, at, item)

    def _further(self, line: _Line, items: Sequence[Item], at: int, item: Item) -> None:
        """Read a number behind the first: the change, or prisoners."""
        behind = items[at + 1] if at + 1 < len(items) else None
        if behind and behind.says.get("metric") == "prisoners":
            self._add(line, "total", item.value, (item.start, item.end), "prisoners")
        elif item.kind == COUNT and (item.signed or _bracketed(items, at)):
            self._add(line, "daily", -item.value if item.signed < 0 else item.value, (item.start, item.end))

    def _quote(self, match: re.Match[str]) -> str:
        return self.text[match.start() : match.end()].strip()[:_QUOTE]


def _bracketed(items: Sequence[Item], at: int) -> bool:
    """Tell whether a number is a change beside its total: (+20), (plus 20), | +20."""
    for item in reversed(items[max(0, at - 3) : at]):
        if item.kind == MARK and item.text in {"(", "+"}:
            return True
        if not (item.text == "-" or item.is_("and") or item.is_("more")):
            return False
    return False


def _stranger(match: re.Match[str]) -> bool:
    """Return a line that looks like the others: some letters, a dash or colon, a number, little else."""
    label = match["label"].rstrip()
    return len(re.findall(r"[^\W\d_]", label)) > 2 and label[-1:] in {"-", ":", "|"} and len(match["rest"]) < 60  # noqa: PLR2004 - a short line


@lru_cache(maxsize=8192)
def _label(prefix: str, codes: tuple[str, ...]) -> Label:
    """Return what the text before a number says, if it is a label and nothing more. Bilingual labels agree."""
    for chosen in _choices(codes):
        found = _read_label(prefix, chosen)
        if found.metric and found.whole:
            return found
    sides = [_label(side, codes) for side in prefix.split("/")] if "/" in prefix else []
    known = {side.metric for side in sides if side.metric}
    return next((side for side in sides if side.metric), Label(None)) if len(known) == 1 else Label(None)


def _choices(codes: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """First the document's languages alone, then with Ukrainian and English beside them, then any."""
    main = codes[:1]
    pair = tuple(dict.fromkeys((*main, "uk", "en")))
    return (main, pair, *((code,) for code in codes[1:6] if code not in pair))


def _read_label(prefix: str, codes: tuple[str, ...]) -> Label:
    pieces = tokens(prefix)
    metrics: list[str] = []
    hedge: Hedge | None = None
    at, whole, words = 0, True, 0
    while at < len(pieces):
        if pieces[at].kind != "word":
            at += 1
            continue
        words += 1
        matches = [match for code in codes if (match := lexicon(code).match(pieces, at))]
        matches.sort(key=lambda match: (match[0], match[1].weight), reverse=True)
        if not matches:
            return Label(None)
        after, meaning = next((m for m in matches if "metric" in m[1].values), matches[0]) if matches else matches[0]
        after, meaning = (after, meaning) if after == matches[0][0] else matches[0]
        says = meaning.values
        if "metric" in says and says["metric"] != "people":
            metrics.append(says["metric"])
        elif hedged := next((h for h in ("more_than", "less_than", "about") if h in says), None):
            hedge = hedged
        elif not any(c in says for c in ("unit", "loss", "theirs", "and", "of", "metric", "total", "as_of", "stop")):
            whole = False
        at = after
    distinct = set(metrics)
    if len(distinct) != 1 or len(metrics) > 3 or words > 14:  # noqa: PLR2004 - a label, at most said in three ways
        return Label(None)
    return Label(metrics[0], hedge, whole)


@lru_cache(maxsize=1024)
def _scale(unit: str, codes: tuple[str, ...]) -> bool:
    word = unit.strip(" .,")
    return any(
        word in patterns
        for code in {*codes[:2], "uk", "en"}
        for patterns in languages()[code].get("scales", {}).values()
    )


@lru_cache(maxsize=1024)
def _heading(above: str, codes: tuple[str, ...]) -> Heading:
    """Return what the lines above a list say. They may be in another language than the labels."""
    lines = [line for line in above.split("\n") if line.strip()][-3:]
    said = [_says(line, code) for code in dict.fromkeys((*codes[:2], "uk", "en", "ru")) for line in reversed(lines)]
    losses = any(one.losses for one in said)
    return Heading(
        kind=next((one.kind for one in said if one.kind), None),
        losses=losses,
        claimant=next((one.claimant for one in said if one.claimant), None),
        ours=any(one.ours for one in said),
    )


def _says(line: str, code: str) -> Heading:
    """Return what one line says in one language. Its digits are all zero: only words count here."""
    items = phrases(line, 0, len(line), lexicon(code), frozenset())
    terms = [item for item in items if item.kind == TERM]
    kinds = [kind for item in terms for kind in ("other", "total", "daily") if item.is_(kind)]
    theirs = any(item.is_("theirs") for item in terms)
    return Heading(
        kind="other" if _bare_month(items) else (kinds[-1] if kinds else None),
        losses=theirs or any(item.is_("loss") or item.is_("russian") for item in terms),
        claimant=next((item.says["claimant"] for item in reversed(terms) if item.is_("claimant")), None),
        ours=not theirs and any(item.is_("ours") for item in terms),
    )


def _bare_month(items: Sequence[Item]) -> bool:
    """Tell whether a heading names a month without a day: "Втрати ворога за січень"."""
    for at, item in enumerate(items):
        if item.kind == TERM and item.is_("month") and at and items[at - 1].is_("on"):
            return not (at + 1 < len(items) and items[at + 1].kind == COUNT)
    return False


@lru_cache(maxsize=4096)
def _dated(line: str, codes: tuple[str, ...], published: date | None) -> Day | None:
    """Return the date of one line, if it is a heading's."""
    if len(line) > 300 or not any(char.isdigit() for char in line):  # noqa: PLR2004 - a heading, not a paragraph
        return None
    items = phrases(line, 0, len(line), lexicon(codes[0]), frozenset())
    if not any(item.kind == DATE for item in items):
        return None
    return stated_day(items, published) or heading_day(items, published)
