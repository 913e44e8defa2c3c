from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from scheduler.backfill import plan as planning
from scheduler.backfill.plan import Plan, Window, cut
from scheduler.backfill.ways import ITSELF, FromItself
from scheduler.exceptions import WrongUse
from scheduler.service import Service, source_of
from tests.backfill.conftest import FIRST, LAST, NOW, Serve
from tests.ledger.reports import FIGURES, TELEGRAM, Post, keep

TODAY = date(2026, 8, 1)
MARCH = Window(first=date(2023, 3, 4), last=date(2023, 3, 11))


async def plan(service: Service, asked: Window, *names: str) -> Plan:
    """Plan for some sources, by their own spiders."""
    sources = [source_of(name, service.config) for name in names or ("telegram_general_staff",)]
    return await planning.make(service, sources, asked, via=ITSELF, way=FromItself(service.config))


@pytest.mark.parametrize(
    ("months", "expected"),
    [
        (1, [("2022-02-24", "2022-02-28"), ("2022-03-01", "2022-03-31"), ("2022-04-01", "2022-04-02")]),
        (6, [("2022-02-24", "2022-04-02")]),
        (3, [("2022-02-24", "2022-03-31"), ("2022-04-01", "2022-04-02")]),
        (0, [("2022-02-24", "2022-04-02")]),
    ],
)
def test_a_window_is_cut_along_the_calendar(months: int, expected: list[tuple[str, str]]) -> None:
    """Whoever asks for the same window gets the same units, whatever is missing by then."""
    parts = cut(Window(first=date(2022, 2, 24), last=date(2022, 4, 2)), months)
    assert [(str(part.first), str(part.last)) for part in parts] == expected


def test_the_end_of_a_year_is_an_end() -> None:
    """December is followed by January."""
    parts = list(cut(Window(first=date(2022, 12, 30), last=date(2023, 1, 2)), 1))
    assert [(str(part.first), str(part.last)) for part in parts] == [
        ("2022-12-30", "2022-12-31"),
        ("2023-01-01", "2023-01-02"),
    ]


@pytest.mark.parametrize(
    ("first", "last"),
    [(date(2023, 3, 2), date(2023, 3, 1)), (TODAY, TODAY + timedelta(days=1)), (date(2021, 1, 1), date(2021, 2, 1))],
)
def test_a_window_that_cannot_be_filled_is_wrong_use(first: date, last: date) -> None:
    """Turned round, in the future, or before anybody counted."""
    with pytest.raises(WrongUse):
        planning.window(first, last, TODAY)


def test_days_with_a_report_are_not_missing(serve: Serve) -> None:
    """Six of eight days are there: two are missing."""

    async def work(service: Service) -> Any:
        await keep(service, *(Post(place=TELEGRAM, day=day) for day in FIGURES))
        return await plan(service, MARCH), await plan(service, Window(first=min(FIGURES), last=max(FIGURES)))

    holes, whole = serve(work)
    assert [(unit.window, unit.missing) for unit in holes.units] == [(MARCH, 2)]
    assert whole.units == ()


def test_what_a_source_cannot_be_asked_for_is_said(serve: Serve) -> None:
    """A page of the latest knows no past, a feed its last days; neither becomes a unit."""

    async def work(service: Service) -> Any:
        return await plan(service, Window(first=FIRST, last=LAST), "mediazona", "ukrinform")

    made = serve(work)
    assert [(part.source, part.missing) for part in made.out_of_reach] == [("mediazona", 61), ("ukrinform", 58)]
    assert [(unit.source, unit.missing) for unit in made.units] == [("ukrinform", 3)]
    assert NOW.date() == TODAY
