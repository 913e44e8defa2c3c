"""Other people's words in our mail."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scheduler.mails.quoting import CONTEXT, clean, excerpt, one_line, web_address


def test_the_number_stays_marked_wherever_it_stands_in_a_long_text() -> None:
    """Cutting moves with the number, and cuts between words."""
    text = "слово " * 500 + "близько 145830 осіб " + "слово " * 500
    at = text.index("145830")
    cut = excerpt(text, (at, at + 6))
    assert cut.marked == "145830"
    assert cut.lead.startswith("…слово ")
    assert cut.lead.endswith("близько ")
    assert cut.tail.endswith("слово…")


def test_a_short_text_is_quoted_whole() -> None:
    """Nothing is cut that need not be."""
    assert str(excerpt("танків ‒ 3432 (+9) од,", (9, 13))) == "танків ‒ 3432 (+9) од,"


@given(st.text(), st.none() | st.tuples(st.integers(-5, 500), st.integers(-5, 500)))
def test_no_text_and_no_span_breaks_an_excerpt(text: str, span: tuple[int, int] | None) -> None:
    """Whatever the page said and the reader thought, the excerpt is bounded."""
    cut = excerpt(text, span)
    assert len(str(cut)) <= 3 * CONTEXT + 2


@given(st.text())
def test_cleaning_keeps_the_length(text: str) -> None:
    """Spans index the text that was read; they must index what is shown."""
    assert len(clean(text)) == len(text)


def test_control_and_reordering_characters_do_not_come_through() -> None:
    """A terminal is not steered, and 45 cannot be shown as 54."""
    assert clean("a\x1b[31mb\x00c\u202e54\n") == "a [31mb c\ufffd54\n"


def test_one_line_is_one_line() -> None:
    """Every line end that Unicode knows is a blank in a header."""
    assert one_line("a\r\nBcc: x\u2028y\x0bz", 80) == "a Bcc: x y z"
    assert one_line("7\u00a0940", 80) == "7\u00a0940", "a number holds together"
    assert one_line("x" * 99, 10) == "x" * 9 + "…"


def test_only_the_web_is_linked() -> None:
    """What runs, or breaks out of an attribute, is no link."""
    assert web_address("https://t.me/GeneralStaffZSU/6021?single") == "https://t.me/GeneralStaffZSU/6021?single"
    for hostile in ("javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "https://", "http://a b", "//x"):
        assert web_address(hostile) == ""
    assert web_address("http://[broken") == ""
