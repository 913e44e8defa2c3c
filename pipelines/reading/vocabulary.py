"""The words of each language: loaded from `pipelines/vocabulary/languages`, checked, compiled into matchers."""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Final

from pipelines.metrics import METRICS
from pipelines.reading.tokens import LETTER, MARK, MARKS, NUMBER, WORD, Token, fold, tokens

SECTIONS: Final = frozenset(
    {"code", "letters", "signs", "order", "compound", "prefixes", "unspaced",
     "labels", "singular", "numbers", "scales", "words", "claimants", "months", "weekdays"}
)  # fmt: skip
WORDS: Final = frozenset(
    {
        "about", "more_than", "less_than",  # hedges
        "total", "daily", "other",  # the time that a number is for; other: a month, a year, a night
        "more", "of_which", "in_brackets", "respectively",  # a further one; a part of what was just said
        "and", "stop", "unit", "of",  # joins items; ends a noun phrase; counts without naming; a unit of something
        "loss", "act", "thing",  # lost; launched, struck or delivered; counted, but no metric
        "ours", "theirs", "russian", "ukrainian",  # whose losses; any word for the enemy; any for Ukraine
        "by", "to", "between",  # rose by so many to so many; between so many and so many
        "russia", "say", "actor", "quote",  # Russia as a subject; says; a unit or service; "according to him"
        "as_of", "since", "until", "on",  # before a date
    }
)  # fmt: skip
PSEUDO_METRICS: Final = frozenset({"people"})  # people without a uniform: personnel where the sentence is a tally
_END: Final = "\x00"  # in a trie: the word ends here
_STOP: Final = "\x01"  # likewise, as texts are cut into tokens
_NEXT: Final = "\x02"  # the rest of a word, and whatever stands before the next one
_SIGNS: Final = {
    _END: r"(?![^\W\d_])",
    _STOP: f"(?!{LETTER})",
    _NEXT: rf"(?:{LETTER}|[{MARKS}])*+[\W_]*+",
}
_SKIPPABLE: Final = frozenset({"-", "/", "("})
_LONGEST_TERM: Final = 16  # words; in Japanese each character is one


@dataclass(slots=True)
class Meaning:
    """Return what one term says: category to value, e.g. `{"metric": "tanks"}`."""

    values: dict[str, Any]
    weight: int = 0  # letters of the pattern: the more specific one wins


@dataclass(slots=True)
class _Node:
    after: dict[int, _Node] = field(default_factory=dict)
    meaning: Meaning | None = None


class Lexicon:
    """All terms of one language, found by the longest match."""

    def __init__(self, table: dict[str, Any]) -> None:
        self.code: str = table["code"]
        self.noun_first = table.get("order") == "noun_first"
        self.compound = bool(table.get("compound"))
        self.prefixes: tuple[str, ...] = tuple(sorted(map(fold, table.get("prefixes", ())), key=len, reverse=True))
        self._root = _Node()
        self._patterns: dict[str, int] = {}
        self._exact: dict[str, int] = {}
        self._starred: list[tuple[str, str, int]] = []
        self._starts: dict[str, list[int]] = {}
        self._seen: dict[str, tuple[int, ...]] = {}
        self._numbers: dict[str, int] = {}
        self._joiners: tuple[str, ...] = ()
        for pattern, category, value in terms(table):
            self._add(pattern, category, value)
        self._compounds(table)

    def _add(self, pattern: str, category: str, value: object) -> None:
        for spelling in expand(fold(pattern)):
            node, weight = self._root, 0
            for word in cut(spelling):
                number = self._patterns.setdefault(word, len(self._patterns))
                if number == len(self._patterns) - 1:
                    self._index(word, number)
                node = node.after.setdefault(number, _Node())
                weight += 2 * len(word.strip("*")) + ("*" not in word)
            node.meaning = node.meaning or Meaning({}, weight)
            node.meaning.values.setdefault(category, value)

    def _index(self, word: str, number: int) -> None:
        bare = word.strip("*")
        if not bare:
            raise ValueError(f"{self.code}: a lone * would match every word")
        if word.startswith("*"):
            self._starred.append((bare, word, number))
        elif word.endswith("*"):
            self._starts.setdefault(bare, []).append(number)
        else:
            self._exact[bare] = number

    def _compounds(self, table: dict[str, Any]) -> None:
        if self.compound:
            words = {w: int(v) for v, ws in table["numbers"].items() for w in ws}
            words |= {w: int(v) for v, ws in table["scales"].items() for w in ws}
            self._numbers = {fold(w): v for w, v in words.items() if w.isalpha()}
            self._joiners = tuple(fold(w) for w in table["words"].get("and", ()) if w.isalpha())

    def _ids(self, word: str) -> tuple[int, ...]:
        known = self._seen.get(word)
        if known is None:
            if len(self._seen) > 100_000:  # noqa: PLR2004 - a bound for the memory of a daemon, not a meaning
                self._seen.clear()
            known = self._seen[word] = tuple(self._matching(word))
        return known

    def _matching(self, word: str) -> Iterator[int]:
        if word in self._exact:
            yield self._exact[word]
        for length in range(len(word), 0, -1):
            yield from self._starts.get(word[:length], ())
        for bare, pattern, number in self._starred:
            if bare in word if pattern.endswith("*") else word.endswith(bare):
                yield number

    def match(self, pieces: Sequence[Token], at: int) -> tuple[int, Meaning] | None:
        """Return the longest term at a token: the index after it, and what it says."""
        best: tuple[int, int, Meaning] | None = None
        paths = [(self._root, at)]
        for depth in range(_LONGEST_TERM):
            paths = [step for node, here in paths for step in self._steps(node, pieces, here, first=depth == 0)]
            if not paths:
                break
            for node, here in paths:
                found = node.meaning
                if found and (best is None or (depth, found.weight) > (best[0], best[2].weight)):
                    best = depth, here, found
        if best:
            return best[1], best[2]
        return self._glued(pieces, at)

    def _steps(self, node: _Node, pieces: Sequence[Token], at: int, *, first: bool) -> Iterator[tuple[_Node, int]]:
        if not first and at + 1 < len(pieces) and pieces[at].text in _SKIPPABLE and pieces[at].kind == MARK:
            at += 1
        if at < len(pieces) and pieces[at].kind in {WORD, NUMBER}:
            for number in self._ids(pieces[at].text):
                if number in node.after:
                    yield node.after[number], at + 1

    def _glued(self, pieces: Sequence[Token], at: int) -> tuple[int, Meaning] | None:
        """Return a term behind a glued article or conjunction, or number words written as one."""
        word = pieces[at].text
        for prefix in self.prefixes:
            if word.startswith(prefix) and len(word) > len(prefix) + 1:
                rest = [pieces[at]._replace(text=word[len(prefix) :]), *pieces[at + 1 : at + _LONGEST_TERM]]
                inner = self.match(rest, 0)
                if inner:
                    return at + inner[0], inner[1]
        value = self._spelled(word) if self._numbers else None
        return (at + 1, Meaning({"number": value})) if value is not None else None

    def _spelled(self, word: str) -> int | None:
        """Return the value of number words written as one: einundzwanzig, ventitre, huszonharom."""
        value, rest = 0, word
        while rest:
            head = next((rest[:n] for n in range(len(rest), 1, -1) if rest[:n] in self._numbers), None)
            if head is None:
                return None
            number, rest = self._numbers[head], rest[len(head) :]
            value = value * number if number >= 100 and 0 < value < number else value + number  # noqa: PLR2004 - hundreds
            joiner = next((j for j in self._joiners if rest.startswith(j) and len(rest) > len(j)), "")
            rest = rest[len(joiner) :]
        return value


def cut(spelling: str) -> list[str]:
    """Return the words of a pattern, cut like a text is, with their stars."""
    words: list[str] = []
    for part in spelling.split():
        pieces = [piece.text for piece in tokens(part.replace("*", "")) if piece.kind in {WORD, NUMBER}]
        if not pieces:
            continue
        pieces[0] = "*" * part.startswith("*") + pieces[0]
        pieces[-1] += "*" * (part.endswith("*") and part != "*")
        words += pieces
    if not words:
        raise ValueError(f"a pattern without words: {spelling!r}")
    return words


def expand(pattern: str) -> list[str]:
    """Return `a (b|c|) d` as its spellings."""
    if re.search(r"\([^)]*\(", pattern):
        raise ValueError(f"brackets inside brackets: {pattern!r}")
    parts = [part.split("|") for part in re.split(r"[()]", pattern)] if "(" in pattern else [[pattern]]
    return [" ".join("".join(choice).split()) for choice in itertools.product(*parts)]


def terms(table: dict[str, Any]) -> Iterator[tuple[str, str, object]]:
    """Every pattern of a language with its category and value."""
    for section, category in (
        ("labels", "metric"),
        ("singular", "metric"),
        ("singular", "singular"),
        ("claimants", "claimant"),
    ):
        for value, patterns in table.get(section, {}).items():
            yield from ((pattern, category, value) for pattern in patterns)
            if category == "claimant":
                spellings = (spelling for pattern in patterns for spelling in expand(pattern))
                yield from ((spelling, "ukrainian", True) for spelling in spellings if _ukrainian(spelling, table))
    for section, category in (("numbers", "number"), ("scales", "scale")):
        for value, patterns in table.get(section, {}).items():
            yield from ((pattern, category, int(value)) for pattern in patterns)
    for category, patterns in table.get("words", {}).items():
        yield from ((pattern, category, True) for pattern in patterns)
    for section, category in (("months", "month"), ("weekdays", "weekday")):
        for place, patterns in enumerate(table.get(section, ())):
            yield from ((pattern, category, place + 1) for pattern in patterns)


def _ukrainian(spelling: str, table: dict[str, Any]) -> bool:
    """Tell whether a claimant's name says that it is Ukraine's: there are other general staffs."""
    stems = tuple(word.strip("*") for word in table.get("words", {}).get("ukrainian", ()))
    return bool(stems) and any(word.startswith(stems) for word in spelling.split())


@cache
def languages() -> dict[str, dict[str, Any]]:
    """Every language's table, by its code.

    Raises ValueError for a table that does not hold together: it ships with the program.
    """
    found = {}
    for path in (files("pipelines") / "vocabulary" / "languages").iterdir():
        if path.name.endswith(".toml"):
            table = tomllib.loads(path.read_text("utf-8"))
            _check(path.name, table)
            found[table["code"]] = table
    return dict(sorted(found.items()))


def _check(name: str, table: dict[str, Any]) -> None:
    known_metrics = METRICS.keys() | PSEUDO_METRICS
    wrong = [
        *(table.keys() - SECTIONS),
        *(table.get("words", {}).keys() - WORDS),
        *(table.get("labels", {}).keys() - known_metrics),
        *(table.get("singular", {}).keys() - known_metrics),
        *(table.get("claimants", {}).keys() - claimants().keys()),
    ]
    if wrong:
        raise ValueError(f"{name}: unknown keys {sorted(wrong)}")
    if name != f"{table.get('code')}.toml" or len(table.get("months", ())) not in {0, 12}:
        raise ValueError(f"{name}: code must be the file's name, and months twelve")


@cache
def lexicon(code: str) -> Lexicon:
    """Return the compiled terms of one language."""
    return Lexicon(languages()[code])


@cache
def claimants() -> dict[str, dict[str, Any]]:
    """Who counts: `pipelines/vocabulary/claimants.toml`."""
    return tomllib.loads((files("pipelines") / "vocabulary" / "claimants.toml").read_text("utf-8"))


@cache
def bounds() -> dict[str, Any]:
    """Return what size a number can be: `pipelines/vocabulary/bounds.toml`."""
    return tomllib.loads((files("pipelines") / "vocabulary" / "bounds.toml").read_text("utf-8"))


@cache
def trigger() -> re.Pattern[str]:
    """Return any word that a tally cannot do without, in any language, as one pattern over lowered text.

    A text without it holds no claim and costs one search.
    """
    sections = ("labels", "singular")
    return _any_of(
        (table, pattern)
        for table in languages().values()
        for section in sections
        for patterns in table.get(section, {}).values()
        for pattern in patterns
    )


@cache
def war() -> re.Pattern[str]:
    """Return any word for Russia, the enemy or Ukraine, likewise: prose about neither is not read."""
    return _any_of(
        (table, pattern)
        for table in languages().values()
        for category in ("russian", "ukrainian", "theirs")
        for pattern in table["words"].get(category, ())
    )


@cache
def hint(code: str, *categories: str) -> re.Pattern[str]:
    """Return what a piece of folded text matches wherever the lexicon finds a term of these categories in it.

    It may match where the lexicon finds none, never the other way round.
    """
    table = languages()[code]
    glued = bool(table.get("prefixes") or table.get("unspaced") or table.get("compound"))
    inside: set[str] = set()  # the longest word of terms that may begin inside a word
    ahead: set[str] = set()
    for pattern, category, _ in terms(table):
        for words in map(cut, expand(fold(pattern)) if category in categories else ()):
            if glued or words[0][0].isdigit() or any(word.startswith("*") for word in words):
                inside.add(max((word.strip("*") for word in words), key=len))
            else:
                ahead.add(_NEXT.join(word.rstrip("*") + _STOP * word.isalpha() for word in words))
    begins = rf"(?<!{LETTER})"
    tries = [*([begins + _as_trie(ahead)] if ahead else ()), *([_as_trie(inside)] if inside else ())]
    return re.compile("|".join(tries) or "(?!)")


def _any_of(patterns: Iterable[tuple[dict[str, Any], str]]) -> re.Pattern[str]:
    """Return one pattern for the longest word of each pattern, as it may stand in a lowered text, folded or not."""
    inside: set[str] = set()  # words that may stand behind a glued article, or without spaces around them
    whole: set[str] = set()
    for table, pattern in patterns:
        glued = bool(table.get("prefixes") or table.get("unspaced"))
        for spelling in expand(pattern):
            word = max(spelling.lower().split(), key=lambda part: len(part.strip("*")))
            target = inside if glued or word.startswith("*") else whole
            ends = not (glued or word.endswith("*"))
            target.update(form + _END * ends for form in (word.strip("*"), fold(word.strip("*"))))
    return re.compile(f"(?<![^\\W\\d_]){_as_trie(whole)}|{_as_trie(inside)}")


def _as_trie(words: set[str]) -> str:
    kept: set[str] = set()
    for word in sorted(words, key=len):
        if not any(word[:length] in kept for length in range(1, len(word))):
            kept.add(word)
    root: dict[str, Any] = {}
    for word in kept:
        node = root
        for char in word:
            node = node.setdefault(char, {})
    return f"(?:{_trie_pattern(root)})"


def _trie_pattern(node: dict[str, Any]) -> str:
    branches = [_character(char) + _trie_pattern(rest) for char, rest in sorted(node.items())]
    if len(branches) > 1:
        return f"(?:{'|'.join(branches)})"
    return branches[0] if branches else ""


def _character(char: str) -> str:
    return _SIGNS.get(char) or re.escape(char)
