"""Filters of the text template: lines, tables and quotations in 72 columns."""

from __future__ import annotations

import textwrap
import unicodedata

from scheduler.mails.page import Page, Table
from scheduler.mails.quoting import Excerpt

WIDTH = 72
BRIEFLY = 3
"""Rows of a table that a messenger is told."""

HEADER = 24
"""Widest row header; a longer one takes several lines."""


def wrapped(text: str, indent: int = 0) -> str:
    """Fold a sentence; an address or a command is never broken."""
    margin = " " * indent
    return textwrap.fill(
        text, WIDTH, initial_indent=margin, subsequent_indent=margin, break_long_words=False, break_on_hyphens=False
    )


def grid(table: Table) -> str:
    """Align a table: headers to the left, values to the right."""
    rows = [*([table.columns] if table.columns else []), *((row.header, *row.cells) for row in table.rows)]
    marks = [False] * bool(table.columns) + [row.marked for row in table.rows]
    widths = [max(columns(row[index]) for row in rows) for index in range(len(rows[0]))]
    widths[0] = min(widths[0], HEADER)
    return "\n".join(_row(row, widths, marked=mark) for row, mark in zip(rows, marks, strict=True))


def _row(row: tuple[str, ...], widths: list[int], *, marked: bool) -> str:
    sign = "> " if marked else "  "
    *above, header = textwrap.wrap(row[0], widths[0]) or [""]
    cells = "".join(f"  {padding(cell, width)}{cell}" for cell, width in zip(row[1:], widths[1:], strict=True))
    last = f"{header}{padding(header, widths[0])}{cells}".rstrip()
    return "\n".join(sign + line for line in (*above, last))


def padding(text: str, width: int) -> str:
    """Return the blanks that fill text up to a width."""
    return " " * (width - columns(text))


def columns(text: str) -> int:
    """Return how many columns of a terminal text takes; a combining mark takes none."""
    return sum(not unicodedata.combining(char) for char in text)


def quotation(words: Excerpt) -> str:
    """Set words as a mail's quotation, so that none of its lines can pass for ours; the number between stars."""
    text = f"{words.lead}*{words.marked}*{words.tail}" if words.marked else str(words)
    lines = [folded for line in text.splitlines() for folded in textwrap.wrap(line, WIDTH - 4)]
    return "\n".join(f"  > {line}" for line in lines)


def short(page: Page) -> str:
    """Return the page in a few lines, for a messenger: what is wrong, what it probably is, what to do."""
    section = page.sections[0] if page.single else None
    numbers = page.numbers if page.single else None
    lines = [
        page.context,
        " · ".join(page.tags),
        *(words.text for words in page.news),
        *(words.text for words in ((*section.sentences[:1], *section.likely[:1]) if section else ())),
        *(f"{row.header}: {', '.join(row.cells)}" for row in (numbers.rows if numbers else ())),
        *(one.heading or row_names(one.who) for one in (() if page.single else page.sections)),
        *(command for _, command in page.acts[:1]),
    ]
    return "\n".join(filter(None, lines)) + "\n"


def row_names(table: Table | None) -> str:
    """Return a table in one line: its name, and what its rows are about."""
    return f"{table.caption}: {'; '.join(row.header for row in table.rows[:BRIEFLY])}" if table else ""


FILTERS = {"wrapped": wrapped, "grid": grid, "quotation": quotation}
