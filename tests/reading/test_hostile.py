from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.reading.vocabulary import expand, languages
from tests.reading.rendering import DASHES, UKRAINIAN, read

WORDS = sorted({
    spelling.replace("*", "")
    for table in languages().values()
    for section in (*table["words"].values(), *table["labels"].values(), *table["claimants"].values())
    for spelling in expand(section[0])
})  # fmt: skip
PIECES = st.one_of(
    st.sampled_from(WORDS),
    st.sampled_from(
        (*DASHES, "(", ")", "+", ",", ".", ";", ":", "\n", "\n\n", "/", "%", " ", "24.02.22", "по", "«", "т. ")
    ),
    st.integers(-5, 2_000_000).map(str),
    st.text(max_size=8),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=60))
def test_no_text_crashes_the_reader(pieces: list[str]) -> None:
    """Whatever words, marks and numbers stand beside each other, all spans lie in the text."""
    found = read(" ".join(pieces))
    for claim in found.claims:
        for span, value in ((claim.total_span, claim.total), (claim.daily_span, claim.daily)):
            assert (span is None) == (value is None)
            assert span is None or 0 <= span[0] < span[1] <= len(found.text)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_crash_the_reader(content: bytes) -> None:
    """Nor any bytes, as a page."""
    read(b"<html><body>" + content, content_type="text/html")


@pytest.mark.parametrize(
    "piece",
    [
        "За добу знищено 12 танків, 5 літаків та 300 осіб, повідомив Генштаб. ",
        "".join(f"{label} ‒ 1234 (+5) од,\n" for label in UKRAINIAN.values()),
        "танків - (+ ",
        "1234567890 ",
        "1" * 10,
        "(" * 10,
        "\n" * 10,
    ],
    ids=["prose", "list", "marks", "digits", "one number", "brackets", "lines"],
)
def test_time_grows_with_the_text_and_no_faster(piece: str) -> None:
    """Ten times the text takes about ten times the time."""

    def seconds(times: int) -> float:
        text = piece * times
        started = time.process_time()
        read(text)
        return time.process_time() - started

    seconds(10)
    short = min(seconds(40) for _ in range(3))
    assert seconds(400) < 40 * short + 0.05


@pytest.mark.parametrize("piece", ["1234567890 ", "1", "(", "\n"], ids=["digits", "one number", "brackets", "lines"])
def test_five_megabytes_of_nothing_yield_nothing(piece: str) -> None:
    """A page of digits ends, and claims nothing; what it costs is measured by the benchmark."""
    assert read("танків " + piece * (5_000_000 // len(piece))).claims == ()
