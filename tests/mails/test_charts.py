"""Pictures of the series: drawn when asked for, bounded, the same for the same series."""

from __future__ import annotations

import asyncio
import struct
import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from scheduler.artist import Artist
from scheduler.charts import ledger_chart, overview_chart, series_chart
from scheduler.mails.samples import decrease
from scheduler.mails.series import WINDOW, changes, usual
from scheduler.mails.view import Point, Series

DAY = date(2023, 3, 7)


def series(*totals: int | None, printed: int | None = None, flagged: bool = True) -> Series:
    """Make a series that ends on the day in question."""
    days = [DAY - timedelta(days=back) for back in reversed(range(len(totals)))]
    points = tuple(Point(day=day, total=total, daily=printed) for day, total in zip(days, totals, strict=True))
    return Series(metric="tanks", points=points, flagged=(DAY,) if flagged else ())


def size(png: bytes) -> tuple[int, int]:
    """Read width and height out of a PNG's header."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def test_a_change_is_that_of_the_totals_else_the_printed_one() -> None:
    """Where a day is missing, what was printed stands for it; where neither is known, there is no bar."""
    told = changes(series(10, 12, None, 15, printed=7))
    assert [(day.change, day.printed) for day in told] == [(7, 7), (2, 7), (7, 7), (7, 7)]
    assert [day.change for day in changes(series(10, None, 15))] == []
    assert [day.day for day in changes(series(10, 12)) if day.flagged] == [DAY]


def test_a_mail_shows_the_last_sixty_reports() -> None:
    """And knows the change of the first of them from the day before."""
    told = changes(series(*range(100)))
    assert len(told) == WINDOW
    assert told[0].change == 1


def test_what_is_usual_leaves_out_the_flagged_day() -> None:
    """The error must not widen what it is measured against."""
    assert usual(changes(series(*range(0, 300, 10), 99999))) == (10, 10)
    assert usual(()) == (0, 0)


@pytest.mark.parametrize(
    "drawn",
    [
        decrease().series,
        series(18, 18, 18),
        series(18),
        series(5, 3, 1),
        series(100, 110, 1110, printed=10),
        series(None, None),
        Series(metric="tanks", points=()),
        replace(series(1, 2, 3), metric="$unknown_{metric}^$"),
    ],
    ids=["sample", "no movement", "one day", "falling", "a digit doubled", "no totals", "nothing", "strange name"],
)
def test_whatever_the_series_the_picture_has_its_size(drawn: Series) -> None:
    """600 by 280 pixels at twice the density, and less than a mail can carry."""
    png = series_chart(drawn, "uk")
    assert size(png) == (1200, 560)
    assert len(png) < 60_000


def test_the_same_series_gives_the_same_bytes_here_and_in_a_child() -> None:
    """A mail composed again is the same mail."""
    drawn = decrease().series
    assert drawn is not None
    assert series_chart(drawn, "uk") == asyncio.run(Artist().draw(drawn, "uk"))


def test_a_chart_that_cannot_be_drawn_is_left_out_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever composes goes on without a picture."""
    unknown: Any = "xx"
    with pytest.raises(RuntimeError, match=r"could not be drawn: .*xx"):
        asyncio.run(Artist().draw(series(1, 2), unknown))
    assert asyncio.run(Artist()(series(1, 2), unknown)) is None
    assert "without its chart of tanks" in caplog.text
    assert asyncio.run(Artist()(None)) is None


def test_a_process_that_waited_draws_and_one_that_is_not_needed_goes() -> None:
    """Two blocks at once have one each; nothing is left of them."""
    drawn = decrease().series
    assert drawn is not None

    async def use() -> tuple[bytes, set[int], set[int]]:
        artist = Artist()
        async with artist.ready(), artist.ready():
            waiting = children()
            png = await artist.draw(drawn, "uk")
        return png, waiting, children()

    png, waiting, left = asyncio.run(use())
    assert png == series_chart(drawn, "uk")
    assert len(waiting) == 2
    assert not waiting & left


def children() -> set[int]:
    """Return the processes that this one has started and that are still there."""
    return {
        int(number) for task in Path("/proc/self/task").iterdir() for number in (task / "children").read_text().split()
    }


def test_an_overview_grows_with_its_panels() -> None:
    """Two columns; a panel of its own for each metric."""
    width, height = size(overview_chart([series(1, 2, 9)] * 3, "Three of them"))
    assert (width, height) == (2200, 2 * (70 + 190 * 2))


@pytest.mark.parametrize("totals", [(), (5,), (5, None, 9), tuple(range(0, 8000, 10))])
def test_the_ledger_is_drawn_however_long_it_is(totals: tuple[int | None, ...]) -> None:
    """One picture of one size; a dispute and what was to be expected are to be seen in it."""
    drawn = series(*totals)
    png = ledger_chart(drawn)
    assert size(png) == (2200, 680)
    assert len(png) < 150_000
    assert (ledger_chart(drawn, {DAY}) != png) == (len([total for total in totals if total is not None]) > 2)


def test_matplotlib_is_loaded_on_first_use_only() -> None:
    """The daemon does not pay for it: 36 MB."""
    code = "import sys, scheduler.charts, scheduler.mails.compose; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
