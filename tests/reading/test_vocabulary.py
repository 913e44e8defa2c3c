from __future__ import annotations

import subprocess
import sys

import pytest

from pipelines.metrics import METRICS
from pipelines.reading.tokens import fold, tokens
from pipelines.reading.vocabulary import PSEUDO_METRICS, cut, expand, hint, languages, lexicon, terms

COMMON = {"personnel", "tanks", "armoured_vehicles", "artillery_systems", "mlrs", "air_defence_systems", "aircraft",
          "helicopters", "uavs", "cruise_missiles", "ships", "submarines", "vehicles_and_fuel_tanks", "special_equipment"}  # fmt: skip


@pytest.mark.parametrize("code", languages())
def test_each_language_knows_every_category(code: str) -> None:
    """A file that leaves one out would miss it silently."""
    table = languages()[code]
    assert set(table["labels"]) >= COMMON
    assert set(table["labels"]) <= METRICS.keys() | PSEUDO_METRICS
    for category in ("about", "more_than", "total", "daily", "other", "loss", "act", "russian", "ukrainian"):
        assert table["words"].get(category), category
    assert table["claimants"]["general_staff_ukraine"]
    assert len(table["months"]) == 12


@pytest.mark.parametrize("code", languages())
def test_no_label_hides_behind_another(code: str) -> None:
    """Each label, as it is written, is found whole and means what its file says."""
    wrong = []
    for metric, patterns in languages()[code]["labels"].items():
        for spelling in {text for pattern in patterns for text in expand(pattern)}:
            pieces = [piece for piece in tokens(fold(spelling.replace("*", ""))) if piece.text != "/"]
            match = lexicon(code).match(pieces, 0)
            if match is None or match[0] != len(pieces) or match[1].values.get("metric") != metric:
                wrong.append((metric, spelling))
    assert wrong == []


@pytest.mark.parametrize("code", languages())
def test_a_hint_misses_no_term(code: str) -> None:
    """Wherever the lexicon finds a term, so does the expression that tells whether a text is worth cutting."""
    missed = []
    for pattern, category, _ in terms(languages()[code]):
        for words in map(cut, {(spellings := expand(fold(pattern)))[0], spellings[-1]}):
            for text in (" ".join(words).replace("*", ""), f"1{' («'.join(words)}_".replace("*", "а\u0301б")):
                match = lexicon(code).match([piece for piece in tokens(text) if piece.text != "1"], 0)
                if match and category in match[1].values and not hint(code, category).search(text):
                    missed.append((category, text))
    assert missed == []


def test_folding_keeps_every_character_at_its_place() -> None:
    """A span of the folded text is a span of the text."""
    text = "İSTANBUL ﬁ ß ДЖ\u00a0é Ё ΌΣ אב ١٢٣ ｱ 『』 ‒—−"
    assert len(fold(text)) == len(text)
    assert fold("БПЛА Ё É ٣ −") == "бпла е e 3 -"


def test_importing_the_reader_is_light() -> None:
    """Neither an article extractor nor a date library is imported before it is needed."""
    code = (
        "import sys, pipelines.reading;"
        "print([m for m in ('trafilatura', 'dateparser', 'htmldate', 'lxml', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
