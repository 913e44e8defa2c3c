from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

import pytest

from pipelines.records import GENERAL_STAFF
from tests.reading.rendering import by_metric, read, stated

DAY = date(2024, 10, 11)

SAID: dict[str, str] = tomllib.loads((Path(__file__).parent / "said.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("language", SAID)
def test_changes_words_and_totals_in_each_language(language: str) -> None:
    """A change in digits, one in words, and a hedged total in the same sentence."""
    found = read(SAID[language], DAY)
    assert stated(found) == {"personnel": (666340, 1140), "tanks": (None, 8), "artillery_systems": (None, 59)}
    assert by_metric(found)["personnel"].hedge == "about"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("8 тис. 815 танків", 8815), ("8815 танків", 8815), ("8 815 танків", 8815), ("8,815 танків", 8815),
        ("8.815 танків", 8815), ("8'815 танків", 8815), ("вісім тисяч 815 танків", 8815), ("танків - 8 тис. 815", 8815),
    ],
)  # fmt: skip
def test_number_forms(written: str, value: int) -> None:
    """Separators, split thousands and words say the same number."""
    assert stated(read(f"Генштаб ЗСУ: з початку вторгнення росіяни втратили {written}.", DAY)) == {
        "tanks": (value, None)
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Генштаб ЗСУ: росіяни втратили вже 1 мільйон 209 880 військових.", 1209880),
        ("ذكرت هيئة الأركان العامة الأوكرانية أن خسائر الجيش الروسي بلغت نحو مليون و209 آلاف و880 جنديا.", 1209880),
        ("ستاد کل ارتش اوکراین: روسیه تاکنون ۱٬۲۰۹٬۸۸۰ نظامی از دست داده است.", 1209880),
        ("ウクライナ軍参謀本部によると、ロシア軍の損失は累計で兵員120万9880人に達した。", 1209880),
        ("乌克兰武装部队总参谋部称，俄军累计损失约120.988万名士兵。", 1209880),
        ("Ukrayna Genelkurmay Başkanlığı: Rus ordusu bugüne kadar 1 milyon 209 bin 880 asker kaybetti.", 1209880),
        ("Der ukrainische Generalstab: Russland verlor insgesamt 1'209'880 Soldaten.", 1209880),
    ],
)
def test_millions_in_each_way_of_writing(text: str, value: int) -> None:
    """Scales, myriads and digits of other scripts."""
    assert stated(read(text, date(2026, 1, 1)))["personnel"][0] == value


def test_comma_or_dot_is_decided_by_the_whole_document() -> None:
    """The same mark cannot separate thousands in one line and decimals in the next."""
    text = "Estado Mayor: Rusia perdió en total unos 164,910 soldados, 3,532 tanques y 2,568 sistemas de artillería."
    assert stated(read(text, date(2023, 3, 19))) == {
        "personnel": (164910, None), "tanks": (3532, None), "artillery_systems": (2568, None),
    }  # fmt: skip


def test_a_rounded_headline_yields_to_the_exact_number() -> None:
    """Rounded "almost 900" and "over 294 thousand" are not claims beside 870 and 294,700."""
    text = (
        "Майже 900 загарбників за добу\nГенштаб ЗСУ: противник втратив понад 294 тисячі, "
        "точніше близько 294 700 осіб, з яких 870 за добу."
    )
    assert stated(read(text, date(2023, 10, 23))) == {"personnel": (294700, 870)}


def test_a_rounding_alone_is_no_claim() -> None:
    """A floor is not the number."""
    text = (
        "Мais de mil militares russos num dia, diz Kiev. Segundo o Estado-Maior ucraniano "
        "foram mais de 133.000 militares desde o início da invasão, além de 3.245 tanques."
    )
    assert stated(read(text, date(2023, 2, 7))) == {"tanks": (3245, None)}


def test_the_implied_one() -> None:
    """Slavic lists name a thing once and mean one."""
    text = (
        "Генштаб ЗСУ: за добу окупанти втратили 1 010 військових, танк, бойову броньовану "
        "машину та 25 артилерійських систем."
    )
    assert stated(read(text, date(2025, 12, 10))) == {
        "personnel": (None, 1010), "tanks": (None, 1), "armoured_vehicles": (None, 1), "artillery_systems": (None, 25),
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        (
            "Wojska rosyjskie straciły ostatniej doby 880 żołnierzy (w sumie 212 030) i 13 "
            "czołgów (w sumie 3873), podał Sztab Generalny Ukrainy."
        ),
        "Ukrajinský generální štáb: ruské ztráty na vojácích vzrostly o 880 na 212 030, počet tanků o 13 na 3873.",
        "Генштаб ЗСУ: окупанти втратили 212 030 (+880) військових і 3873 (+13) танки.",
        "Ukraine's General Staff: total Russian losses stand at 212,030 (+880) personnel; 3,873 (+13) tanks.",
    ],
)
def test_change_and_total_in_either_order(text: str) -> None:
    """The change may come first, the total in brackets, or both beside the noun."""
    assert stated(read(text, date(2023, 6, 7))) == {"personnel": (212030, 880), "tanks": (3873, 13)}


def test_every_claimant_has_his_own_numbers() -> None:
    """One article, sentence by sentence another count; a pronoun stays with the last one named."""
    text = (
        "Генштаб ЗСУ: за добу армія РФ втратила 1 010 військових і три танки.\n"
        "«Медіазона» підтвердила 152 142 загиблих російських військових. Зеленський сказав, "
        "що Росія втратила 350 тисяч "
        "військових убитими. За його словами, у грудні це 35 000 осіб.\n"
        "Міноборони РФ заявляє про знищення 200 українських танків і 340 літаків."
    )
    assert stated(read(text, date(2025, 12, 10))) == {"personnel": (None, 1010), "tanks": (None, 3)}


@pytest.mark.parametrize(
    "text",
    [
        "Минобороны РФ: за сутки уничтожено 12 украинских танков, 348 беспилотников и до 1200 военнослужащих.",
        "Генштаб ВС РФ: потери украинских формирований превысили 1,5 миллиона человек.",
        (
            "In December Russia lost 33,000 soldiers, 137 tanks and 1,099 artillery systems, the "
            "General Staff of Ukraine said."
        ),
        (
            "За даними Генштабу, минулої доби відбулося 136 бойових зіткнень. Ворог застосував "
            "4509 дронів-камікадзе та здійснив 80 ударів."
        ),
        "Повітряні сили збили 88 зі 100 дронів; Росія випустила також шість крилатих ракет.",
        "Генштаб підтвердив: уражено дві артилерійські системи, командний пункт і три склади боєприпасів.",
        "Mediazona and the BBC have confirmed the names of 152,142 Russian soldiers killed.",
        "Germany will deliver 14 Leopard 2A6 tanks and 40 armoured vehicles to Ukraine, the General Staff welcomed.",
        (
            "Nella battaglia di Berlino l'Armata Rossa perse 81.116 uomini, 1.997 carri armati, "
            "2.108 cannoni e 917 aerei."
        ),
        "Lo Stato maggiore israeliano: distrutti 30 carri armati e 14 sistemi di difesa aerea.",
        "Росія втратила 5 937 військових, визнав Шойгу у вересні 2022 року.",
        "Сили безпілотних систем у січні знищили понад 30 тисяч військових противника та 137 танків.",
        "Танковий батальйон 116-ї бригади отримав 12 танків.",
        "На Покровському напрямку окупанти втратили 187 осіб, знищено два танки та чотири дрони, повідомив Генштаб.",
    ],
)
def test_what_looks_like_the_tally_and_is_none(text: str) -> None:
    """Rivals, months, nights, engagements, targets, deliveries, other wars, parts of the front."""
    found = read(text, date(2025, 1, 10))
    assert not [claim for claim in found.claims if claim.claimant == GENERAL_STAFF]


def test_a_source_that_speaks_for_itself_needs_no_name() -> None:
    """In the General Staff's own channel nobody says who speaks."""
    text = "За минулу добу ворог втратив 1 010 осіб та три танки."
    assert stated(read(text, date(2025, 12, 10), speaker=GENERAL_STAFF)) == {
        "personnel": (None, 1010),
        "tanks": (None, 3),
    }


def test_the_morning_report_keeps_its_day() -> None:
    """The report of 08:00 covers the day before it and is the report of its own day."""
    text = (
        "Оперативна інформація станом на 08:00 09.01.2025 щодо російського "
        "вторгнення\n\nВтрати російських загарбників за минулу добу склали 1400 осіб. Також "
        "українські воїни знешкодили дев'ять танків."
    )
    found = read(text, date(2025, 2, 20))
    assert {claim.as_of for claim in found.claims} == {date(2025, 1, 9)}
    assert stated(found) == {"personnel": (None, 1400), "tanks": (None, 9)}


@pytest.mark.parametrize(
    "nothing", ["", " \n", "1234567", "танк", "(((((", "+++ 12 +++", "Танки — ", "\x00\x00", "🔥" * 50]
)
def test_nothing_is_read_from_nothing(nothing: str) -> None:
    """An empty or senseless text is a reading without claims."""
    assert read(nothing).claims == ()


def test_who_loses_is_not_what_is_lost() -> None:
    """The people before the verb do not take the number of the tanks behind it."""
    for who in ("росіяни", "окупанти"):
        text = f"За даними Генштабу ЗСУ, {who} втратили за добу 9 танків (всього 8224), 13 бронемашин (15 820)."
        assert stated(read(text, date(2024, 7, 16))) == {"tanks": (8224, 9), "armoured_vehicles": (15820, 13)}
