"""Which pages of an archive are worth looking at, told by their bytes alone: most hold nothing for us.

Rejecting a page must cost less than unpacking it: RE2 does it ten times faster than what the standard library has.
"""

from __future__ import annotations

import html
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import Any, Final

import re2

Finder = Callable[[bytes], Any]

_ENTITIES: Final = re.compile(rb"(?:&(?:#\d{2,6}|#[xX][0-9a-fA-F]{2,5}|[A-Za-z]{1,6}cy);\s?){3}")
_ESCAPES: Final = re.compile(rb"(?:\\u[0-9a-fA-F]{4}\s?){2}")
_ESCAPE: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")


def promising(page: bytes) -> bool:
    r"""Whether a page can hold a tally.

    It names whose losses and what was lost, in one of our languages: in UTF-8, UTF-16 or windows-1251, as HTML
    entities or as the \uXXXX of JSON.
    """
    if page.startswith(_BOMS):
        page = page.decode("utf-16", "replace").encode()
    if _names_both(page):
        return True
    if (b"&#" in page or b"cy;" in page) and _ENTITIES.search(page):
        page = html.unescape(page.decode("utf-8", "replace")).encode("utf-8", "replace")
        return _names_both(page) or _names_both(_unescaped(page))
    return _names_both(_unescaped(page))


def _unescaped(page: bytes) -> bytes:
    if b"\\u" not in page or not _ESCAPES.search(page):
        return b""
    text = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), page.decode("utf-8", "replace"))
    return text.encode("utf-8", "replace")


def _names_both(page: bytes) -> bool:
    whose, what = finders()
    return bool(whose(page)) and bool(what(page))


@cache
def finders() -> tuple[Finder, Finder]:
    """Return what finds a word of each kind in a page."""
    path = files("pipelines") / "vocabulary" / "traces.toml"
    words = tomllib.loads(path.read_text("utf-8"))
    return _finder(needles(words["whose"])), _finder(needles(words["what"]))


def needles(words: dict[str, list[str]]) -> tuple[bytes, ...]:
    """Return the pieces of words as bytes: in UTF-8, and in windows-1251 what it can write."""
    every = [word for kind in words.values() for word in kind]
    found = {word.encode() for word in every}
    return tuple(sorted(_shortest(found | set(_cyrillic(every)))))


def _cyrillic(words: Iterable[str]) -> Iterator[bytes]:
    for word in words:
        if not word.isascii():
            try:
                yield word.encode("windows-1251")
            except UnicodeEncodeError:
                continue


def _shortest(words: set[bytes]) -> Iterator[bytes]:
    """Leave out a piece that holds another one."""
    return (word for word in words if not any(other in word for other in words - {word}))


def _finder(pieces: tuple[bytes, ...]) -> Finder:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # bytes as they are
    options.max_mem = 64 << 20
    found = re2.compile(b"|".join(map(re2.escape, pieces)), options)
    return lambda page: found.search(page.lower())
