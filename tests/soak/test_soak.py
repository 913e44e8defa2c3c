"""Five years of the real daemon in leaping time, with a fault every four days."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.soak.soak import YEAR, soak

YEARS = 5
FLAT = 0.15  # the ledger grows by a thousand reports a year, the daemon does not


@pytest.mark.proof
@pytest.mark.timeout(5400)
def test_five_years(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """Every fault is told or explained, no mail is lost or comes twice, and neither memory nor tasks grow."""
    came = soak(round(YEARS * YEAR), tmp_path)
    record_property(f"soak of {YEARS} years", "\n" + came.table())
    assert came.missed == []
    assert came.unexplained == []
    assert came.lost == []
    assert came.doubled == []
    assert came.versions == came.expected_versions
    assert len(set(came.tasks)) == 1
    assert came.grown < FLAT
