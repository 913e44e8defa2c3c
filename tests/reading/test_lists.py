from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.records import GENERAL_STAFF
from tests.reading.rendering import (
    BILINGUAL,
    DASHES,
    DAY,
    ENGLISH,
    HEADINGS,
    LABELS,
    SEPARATORS,
    UKRAINIAN,
    by_metric,
    change,
    figures,
    number,
    read,
    stated,
)

Figures = dict[str, tuple[int, int | None]]


@settings(max_examples=150, deadline=None)
@given(
    figures,
    st.sampled_from(sorted(LABELS)),
    st.lists(st.sampled_from(DASHES), min_size=14, max_size=14),
    st.sampled_from(SEPARATORS),
    st.sampled_from((" ", "")),
    st.sampled_from(("", " од", " од.", " units", ",", ";")),
)
def test_any_figures_in_any_official_layout_are_read_back(
    told: Figures, language: str, dashes: list[str], separator: str, glued: str, unit: str
) -> None:
    """Every total and every signed change comes back exactly, whatever the dash, the space or the unit."""
    lines = [
        f"{LABELS[language][metric]}{dash}{number(total, separator)}{change(daily, separator, glued)}{unit}"
        for (metric, (total, daily)), dash in zip(told.items(), dashes, strict=True)
    ]
    found = read("\n".join([HEADINGS[language].format(d=DAY), *lines]))
    assert stated(found) == told
    assert {claim.as_of for claim in found.claims} == {DAY}
    assert not found.problems


@settings(max_examples=60, deadline=None)
@given(figures, st.sampled_from(SEPARATORS[:4]))
def test_a_list_in_one_paragraph_is_read_like_one_in_lines(told: Figures, separator: str) -> None:
    """Mirrors join the lines: label, dash, number, label, dash, number."""
    told = {m: (max(total, 1), daily) for m, (total, daily) in told.items()}
    joined = ", ".join(
        f"{UKRAINIAN[metric]} ‒ {number(total, separator)} (+{abs(daily or 0)}) од"
        for metric, (total, daily) in told.items()
    )
    found = read(f"{HEADINGS['uk'].format(d=DAY)} {joined}.")
    assert stated(found) == {metric: (total, abs(daily or 0)) for metric, (total, daily) in told.items()}


def test_spans_point_at_the_numbers_in_the_text() -> None:
    """What is cut out of the text at a span is the number, with its sign."""
    found = read(f"{HEADINGS['uk'].format(d=DAY)}\nтанків ‒ 6\u00a0498 (+11) од,\nлітаків – 336 (−1) од,\nРСЗВ – 986")
    tanks, aircraft = by_metric(found)["tanks"], by_metric(found)["aircraft"]
    assert tanks.total_span
    assert tanks.daily_span
    assert found.text[slice(*tanks.total_span)] == "6\u00a0498"
    assert found.text[slice(*tanks.daily_span)] == "+11"
    assert aircraft.daily == -1
    assert tanks.quote == "танків ‒ 6\u00a0498 (+11) од,"


@pytest.mark.parametrize(
    ("printed", "daily"),
    [
        ("", None),
        (" (+)", None),
        (" (+0)", 0),
        ("(+38)", 38),
        (" (-5)", -5),
        (" (+20 за минулу добу)", 20),
        (" (+1 250)", 1250),
    ],
)
def test_a_change_is_what_is_printed(printed: str, daily: int | None) -> None:
    """No change is null, (+) is null, and only (+0) is zero."""
    found = read(f"{HEADINGS['uk'].format(d=DAY)}\nтанків ‒ 6498{printed} од,\nРСЗВ – 986 (+2) од")
    assert stated(found)["tanks"] == (6498, daily)


def test_a_change_behind_its_unit_and_prisoners_on_the_line() -> None:
    """The bank's portal prints people, then the change, then prisoners."""
    found = read(
        "16.05.2022\nТанки — 1228 (+8)\nББМ — 2974\nОсобовий склад — близько 27700 осіб (+300), 498 полонених", None
    )
    assert stated(found) == {
        "tanks": (1228, 8), "armoured_vehicles": (2974, None), "personnel": (27700, 300), "prisoners": (498, None),
    }  # fmt: skip
    assert by_metric(found)["personnel"].hedge == "about"
    assert by_metric(found)["tanks"].as_of == date(2022, 5, 16)


def test_several_days_on_one_page_keep_their_days() -> None:
    """A month's page has a list a day, each below its date."""
    found = read(
        "03.04.2022\nТанки — 644\nББМ — 1830\nЛітаки — 143\n\n02.04.2022\nТанки — 631\nББМ — 1776\nЛітаки — 143", None
    )
    assert {(c.as_of.day, c.total) for c in found.claims if c.metric == "tanks" and c.as_of} == {(3, 644), (2, 631)}


def test_lines_before_the_merge_are_two_metrics() -> None:
    """Until 30 April 2022 vehicles and fuel tanks were two lines, and launchers a third."""
    found = read(
        "The total combat losses of the enemy from 24.02 to 30.04 were approximately:\ntanks ‒ 1008 (+22),\n"
        "vehicles – 1701 (+6),\nfuel tanks – 76 (+0),\nmobile SRBM system ‒ 4 (+0).", date(2022, 4, 30),
    )  # fmt: skip
    assert stated(found) == {"tanks": (1008, 22), "vehicles": (1701, 6), "fuel_tanks": (76, 0), "srbm_systems": (4, 0)}


def test_an_unknown_label_is_a_problem_and_no_guess() -> None:
    """A category that we do not know is told, with its words; the others are read."""
    found = read(
        f"{HEADINGS['en'].format(d=DAY)}\ntanks ‒ 6498 (+11)\nAPV ‒ 12232 (+34)\nMLRS ‒ 986 (+2)\nhovercraft ‒ 3 (+1)"
    )
    assert set(stated(found)) == {"tanks", "armoured_vehicles", "mlrs"}
    assert [(p.problem, p.quote) for p in found.problems] == [("unknown label 'hovercraft'", "hovercraft ‒ 3 (+1)")]


def test_a_metric_before_its_time_is_a_problem() -> None:
    """Ground robots cannot have been reported in 2024."""
    found = read(
        f"{HEADINGS['en'].format(d=DAY)}\ntanks ‒ 6498\nAPV ‒ 12232\nMLRS ‒ 986\nunmanned ground vehicles ‒ 3"
    )
    assert "ground_robots" not in stated(found)
    assert [problem.problem for problem in found.problems] == ["ground_robots was not reported on 2024-02-19"]


def test_two_totals_of_one_metric_are_a_problem_and_no_claim() -> None:
    """Neither of two numbers for one cell is preferred."""
    found = read(f"{HEADINGS['en'].format(d=DAY)}\ntanks ‒ 6498\nAPV ‒ 12232\nMLRS ‒ 986\ntanks ‒ 6489")
    assert "tanks" not in stated(found)
    assert [problem.problem for problem in found.problems] == ["tanks: two different totals, 6489 and 6498"]


def test_a_total_that_cannot_be_read_is_a_problem() -> None:
    """Digits in no order are not repaired."""
    found = read(
        f"{HEADINGS['en'].format(d=DAY)}\ntanks ‒ 6498\nAPV ‒ 12232\nMLRS ‒ 986\nvehicles and fuel tanks ‒ 5.0001"
    )
    assert "vehicles_and_fuel_tanks" not in stated(found)
    assert [problem.problem for problem in found.problems] == ["a number that cannot be read"]


def test_a_label_that_lost_its_beginning_is_not_another_one() -> None:
    """The ministry once printed "-aircraft warfare systems": it is air defence, not aircraft."""
    found = read(
        f"{HEADINGS['en'].format(d=DAY)}\n-aircraft warfare systems ‒ 637\naircraft – 329 (+0)\nMLRS – 950 (+2)"
    )
    assert stated(found)["air_defence_systems"] == (637, None)
    assert stated(found)["aircraft"] == (329, 0)


def test_labels_within_labels_are_told_apart() -> None:
    """Fuel tanks are no tanks, unmanned ground vehicles no vehicles, submarines no ships."""
    for labels in (UKRAINIAN, ENGLISH, BILINGUAL):
        lines = [f"{label} ‒ {1000 + place}" for place, label in enumerate(labels.values())]
        assert [total for total, _ in stated(read("\n".join(lines))).values()] == list(range(1000, 1014))


@pytest.mark.parametrize(
    "heading",
    [
        "Втрати ворога за січень:",
        "Потери ВСУ за сутки:",
        "Минобороны РФ: уничтожено украинской техники:",
        "Losses of the Armed Forces of Ukraine:",
    ],
)
def test_lists_of_something_else_are_left_alone(heading: str) -> None:
    """A month's sums and Ukraine's losses come in lists too."""
    found = read(f"{heading}\nтанки — 5498\nлітаки — 336\nвертольоти — 325\nРСЗВ — 986")
    assert not [claim for claim in found.claims if claim.claimant == GENERAL_STAFF]
