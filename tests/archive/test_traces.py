"""Pages are rejected on their bytes, and no page with a tally is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.reading.traces import promising

TEXTS = Path(__file__).parent.parent / "reading_texts"
TRUTH = [json.loads(line) for line in (TEXTS / "truth.jsonl").read_text("utf-8").splitlines()]
OURS = sorted(
    {truth["file"] for truth in TRUTH if any(c["claimant"] == "general_staff_ukraine" for c in truth["claims"])}
)


def _cp1251(text: str) -> bytes:
    return text.encode("windows-1251", "xmlcharrefreplace")


def _decimal(text: str) -> bytes:
    return text.encode("ascii", "xmlcharrefreplace")


def _hex(text: str) -> bytes:
    return "".join(char if char.isascii() else f"&#x{ord(char):X};" for char in text).encode()


def _json(text: str) -> bytes:
    return json.dumps(text).encode()


def _upper(text: str) -> bytes:
    return text.upper().encode()


def _utf16(text: str) -> bytes:
    return text.encode("utf-16")


@pytest.mark.parametrize("encode", [str.encode, _cp1251, _decimal, _hex, _json, _upper, _utf16])
def test_no_text_with_a_tally_is_rejected(encode: object) -> None:
    """In each language that is read, in each way that bytes can say it."""
    assert len(OURS) > 200
    assert [name for name in OURS if not promising(encode((TEXTS / name).read_text("utf-8")))] == []  # type: ignore[operator]


def test_named_entities_are_words_too() -> None:
    """Cyrillic has names of entities as well, though few write them."""
    assert promising(b"<p>&vcy;&ocy;&rcy;&ocy;&gcy;&acy;: &tcy;&acy;&ncy;&kcy;&icy;&vcy; 3441</p>")


@pytest.mark.parametrize(
    "page",
    [
        "<h1>Recipes</h1><p>Stir the soup for ten minutes and season it.</p>",
        "<h1>Погода</h1><p>Завтра дощ, вітер помірний, температура до десяти градусів.</p>",
        "<h1>Fish</h1><p>Clean the tank each month: 30 litres of fresh water.</p>",
        "<h1>Elections in Ukraine</h1><p>Votes are being counted.</p>",
    ],
)
def test_other_pages_are_rejected(page: str) -> None:
    """One kind of word alone is not enough."""
    assert not promising(page.encode())
