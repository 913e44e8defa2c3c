from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from pipelines import reading
from pipelines.records import GENERAL_STAFF, Claim
from tests.reading.rendering import read

LATE = date(2025, 6, 1)
TANKS = "\nтанків ‒ 6498 (+11) од,\nлітаків – 336 (+1) од,\nРСЗВ – 986 (+2) од"


@pytest.mark.parametrize(
    "heading",
    [
        "Загальні бойові втрати противника з 24.02.22 по 19.02.24 орієнтовно склали:",
        "Загальні бойові втрати противника з 24.02.2022 по 19.02.2024 (орієнтовно):",
        "Загальні бойові втрати противника від 24.02.22 до 19.02.24 орієнтовно становлять:",
        "Втрати ворога станом на 19 лютого 2024 року:",
        "Бойові втрати ворога на 19 лютого 2024 року",
        "The total combat losses of the enemy from 24.02.22 to 19.02.24 were approximately:",
        "The estimated combat losses of the enemy as of February 19, 2024",
        "Losses of the enemy, 19 February 2024:",
        "Pérdidas desde el 24 de febrero de 2022 hasta el 19 de febrero de 2024:",
        "Verluste des Feindes, Stand 19.02.2024:",
        "19.02.2024",
        "2024-02-19",
    ],
)
def test_the_heading_says_the_day_whenever_it_is_published(heading: str) -> None:
    """A full date in the heading is kept, and flagged when the publication is more than a day away."""
    claims = read(heading + TANKS, LATE).claims
    assert {claim.as_of for claim in claims} == {date(2024, 2, 19)}
    assert all(claim.note and "2025-06-01" in claim.note for claim in claims)


def test_a_heading_without_a_year_takes_it_from_the_publication() -> None:
    """Early headings had a day and a month."""
    text = "The total combat losses of the enemy from 24.02 to 26.04 were approximately:" + TANKS
    assert {claim.as_of for claim in read(text, date(2022, 6, 5)).claims} == {date(2022, 4, 26)}
    assert {claim.as_of for claim in read(text, date(2023, 1, 5)).claims} == {date(2022, 4, 26)}


def test_a_heading_of_the_day_itself_has_no_note() -> None:
    """The report of a day is published on it, or late in the evening before."""
    text = "Втрати ворога станом на 19 лютого 2024 року:" + TANKS
    for published in (date(2024, 2, 18), date(2024, 2, 19), date(2024, 2, 20)):
        assert {claim.note for claim in read(text, published).claims} == {None}


@pytest.mark.parametrize(
    "text",
    [
        "9 грудня армія Росії втратила в Україні 1 010 військових, звітує Генштаб ЗСУ.",
        "За минулу добу, 9 грудня 2025 року, армія Росії втратила 1 010 військових, звітує Генштаб ЗСУ.",
        "On 9 December 2025 the Russian army lost 1,010 soldiers, Ukraine's General Staff said.",
    ],
)
def test_a_day_of_losses_is_reported_the_next_day(text: str) -> None:
    """The change covers the 24 hours before the report."""
    assert {claim.as_of for claim in read(text, date(2025, 12, 10)).claims} == {date(2025, 12, 10)}


@pytest.mark.parametrize(
    "text",
    [
        "Генштаб ЗСУ 10 грудня: за добу армія Росії втратила 1 010 військових.",
        (
            "Der ukrainische Generalstab am 10. Dezember: Russland verlor insgesamt 1.183.620 "
            "Soldaten, davon 1.010 binnen 24 Stunden."
        ),
        (
            "Ukraine's General Staff said on Wednesday, 10 December 2025, that Russia lost 1,010 "
            "soldiers in the past day."
        ),
    ],
)
def test_the_day_beside_the_one_who_says_it_is_the_reports(text: str) -> None:
    """Who reports on a day reports for it."""
    assert {claim.as_of for claim in read(text, date(2025, 12, 10)).claims} == {date(2025, 12, 10)}


def test_the_day_of_the_invasion_is_no_report_day() -> None:
    """Every text names 24 February 2022."""
    text = "Since 24 February 2022 Russia has lost 666,340 soldiers and 8,986 tanks, Ukraine's General Staff said."
    assert {claim.as_of for claim in read(text, date(2024, 10, 11)).claims} == {date(2024, 10, 11)}


@pytest.mark.parametrize(
    ("url", "day"),
    [
        ("https://example.org/news/total-losses-from-24022022-po-29122023", date(2023, 12, 29)),
        ("https://example.org/news/combat-losses-of-the-enemy-as-of-february-8-2026", date(2026, 2, 8)),
        ("https://example.org/2024/10/11/losses", date(2024, 10, 11)),
        ("https://example.org/bojovi-vtraty-na-22-serpnya-2026-roku", date(2026, 8, 22)),
        ("https://example.org/losses", None),
    ],
)
def test_the_address_says_the_day_when_the_text_does_not(url: str, day: date | None) -> None:
    """The address comes after the text and before the publication."""
    assert {claim.as_of for claim in read("Втрати противника:" + TANKS, None, url=url).claims} == {day}


def test_a_naive_publication_is_kyiv_time_and_an_aware_one_becomes_it() -> None:
    """23:30 UTC is the next day in Kyiv."""
    text = "Втрати противника:" + TANKS
    late = datetime(2024, 2, 18, 23, 30)  # noqa: DTZ001 - a naive time is the case
    assert {c.as_of for c in reading.read(text, published_at=late).claims} == {date(2024, 2, 18)}
    assert {c.as_of for c in reading.read(text, published_at=late.replace(tzinfo=UTC)).claims} == {date(2024, 2, 19)}


def test_a_text_without_any_date_has_no_day() -> None:
    """Nothing is invented."""
    assert {claim.as_of for claim in read("Втрати противника:" + TANKS, None).claims} == {None}


def test_the_day_of_an_undated_text_from_its_totals() -> None:
    """Exactly one day must fit all totals; two that fit are none."""
    claims = read("Втрати противника:" + TANKS, None).claims
    known = {"tanks": {date(2024, 2, 18): 6487, date(2024, 2, 19): 6498, date(2024, 2, 20): 6498},
             "aircraft": {date(2024, 2, 19): 336, date(2024, 2, 20): 336},
             "mlrs": {date(2024, 2, 19): 986, date(2024, 2, 20): 988}}  # fmt: skip
    assert reading.date_from_totals(claims, lambda metric: known[metric]) == date(2024, 2, 19)
    two = [claim for claim in claims if claim.metric == "tanks"]
    assert reading.date_from_totals(two, lambda metric: known[metric]) is None
    assert reading.date_from_totals([], lambda metric: known[metric]) is None


def test_a_dated_claim_does_not_vote() -> None:
    """Only what has no day gets one."""
    dated: tuple[Claim, ...] = read("19.02.2024" + TANKS, None).claims
    assert {claim.claimant for claim in dated} == {GENERAL_STAFF}
    assert reading.date_from_totals(dated, lambda _: {date(2024, 2, 20): 6498}) is None
