"""Reports of our own making: any figures, in the layouts that the publisher and its mirrors use."""

from __future__ import annotations

from datetime import date, datetime, time

from hypothesis import strategies as st

from pipelines import reading
from pipelines.records import GENERAL_STAFF, Claim, Reading

UKRAINIAN = {
    "personnel": "особового складу", "tanks": "танків", "armoured_vehicles": "бойових броньованих машин",
    "artillery_systems": "артилерійських систем", "mlrs": "РСЗВ", "air_defence_systems": "засоби ППО",
    "aircraft": "літаків", "helicopters": "гелікоптерів", "uavs": "БПЛА оперативно-тактичного рівня",
    "cruise_missiles": "крилаті ракети", "ships": "кораблі/катери", "submarines": "підводні човни",
    "vehicles_and_fuel_tanks": "автомобільної техніки та автоцистерн", "special_equipment": "спеціальна техніка",
}  # fmt: skip
ENGLISH = {
    "personnel": "personnel", "tanks": "tanks", "armoured_vehicles": "APV", "artillery_systems": "artillery systems",
    "mlrs": "MLRS", "air_defence_systems": "anti-aircraft warfare systems", "aircraft": "aircraft",
    "helicopters": "helicopters", "uavs": "UAV operational-tactical level", "cruise_missiles": "cruise missiles",
    "ships": "warships / boats", "submarines": "submarines", "vehicles_and_fuel_tanks": "vehicles and fuel tanks",
    "special_equipment": "special equipment",
}  # fmt: skip
BILINGUAL = {metric: f"{label} / {ENGLISH[metric]}" for metric, label in UKRAINIAN.items()}
HEADINGS = {
    "uk": "Загальні бойові втрати противника з 24.02.22 по {d:%d.%m.%y} орієнтовно склали:",
    "en": "The total combat losses of the enemy from 24.02.2022 to {d:%d.%m.%Y} were approximately:",
    "both": "Загальні бойові втрати противника з 24.02.22 по {d:%d.%m.%y} / The total combat losses of the enemy:",
}
LABELS = {"uk": UKRAINIAN, "en": ENGLISH, "both": BILINGUAL}
DASHES = (" ‒ ", " – ", " - ", " — ", ": ", "‒ ", "-", " -\u00a0")
SEPARATORS = ("", " ", "\u00a0", "\u202f", ",", ".", "'")
DAY = date(2024, 2, 19)

figures = st.fixed_dictionaries(
    {metric: st.tuples(st.integers(0, 2_000_000), st.none() | st.integers(-300, 2_000)) for metric in UKRAINIAN}
)


def number(value: int, separator: str) -> str:
    """Write a number with a separator of thousands."""
    return f"{value:,}".replace(",", separator)


def change(value: int | None, separator: str, glued: str) -> str:
    """Write a change in brackets, with its sign."""
    return "" if value is None else f"{glued}({'-' if value < 0 else '+'}{number(abs(value), separator)})"


def read(text: str | bytes, day: date | None = DAY, **more: str) -> Reading:
    """Read a text as if published at noon of a day."""
    return reading.read(text, published_at=datetime.combine(day, time(12)) if day else None, **more)


def stated(found: Reading, claimant: str = GENERAL_STAFF) -> dict[str, tuple[int | None, int | None]]:
    """Return metric to total and change, of one claimant."""
    return {c.metric: (c.total, c.daily) for c in found.claims if c.claimant == claimant}


def by_metric(found: Reading) -> dict[str, Claim]:
    """Return the claims by metric."""
    return {claim.metric: claim for claim in found.claims}
