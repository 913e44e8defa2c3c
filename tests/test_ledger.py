"""What the ledger makes of observations."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import ledger
from pipelines.records import GENERAL_STAFF, Dissent, Observation
from spiders.items import Role

AS_OF = date(2024, 3, 1)
MORNING = datetime(2024, 3, 1, 6, tzinfo=UTC)


def said(source: str, total: int | None, hours: int = 0, daily: int | None = None) -> Observation:
    """Return what a source says, so many hours after the morning; its name begins with its role."""
    role: Role = source.split("_", maxsplit=1)[0]  # type: ignore[assignment]
    return Observation(
        source=source,
        role=role,
        claimant=GENERAL_STAFF,
        metric="tanks",
        as_of=AS_OF,
        total=total,
        daily=daily,
        known_at=MORNING + timedelta(hours=hours),
    )


def test_official_beats_relay_beats_mirror() -> None:
    """Whom to follow is decided by who speaks, not by when or by how many."""
    rows = [
        said("official_a", 6_700),
        said("relay_a", 6_710, 1),
        said("mirror_a", 6_720, 2),
        said("mirror_b", 6_720, 3),
    ]
    for skip in range(3):
        figure = ledger.figure(rows[skip:])
        assert figure is not None
        assert figure.total == rows[skip].total


def test_among_equals_the_latest_version() -> None:
    """Of two mirrors the later word is followed, and the other one is kept as dissent."""
    figure = ledger.figure([said("mirror_a", 6_700), said("mirror_b", 6_701, 1)])
    assert figure is not None
    assert (figure.total, figure.supports, figure.status) == (6_701, ("mirror_b",), "disputed")
    assert figure.dissents == (Dissent(source="mirror_a", total=6_700, since=MORNING),)


def test_among_equals_what_a_third_source_says_too() -> None:
    """An official page that still shows yesterday does not win over the official post and the news that quotes it."""
    figure = ledger.figure([said("official_a", 6_700), said("official_b", 6_690, 1), said("relay_a", 6_700, 2)])
    assert figure is not None
    assert (figure.total, figure.supports, figure.status) == (6_700, ("official_a", "relay_a"), "disputed")


def test_status_of_a_figure() -> None:
    """Reported by one, confirmed by an independent second, disputed by a third, corrected by its publisher."""
    first, second = said("official_a", 6_700), said("relay_a", 6_700, 1)
    third, edit = said("mirror_a", 6_790, 2), said("official_a", 6_790, 3)
    states = ledger.history([first, second, third, edit])
    assert [f.status for f in states] == ["reported", "confirmed", "disputed", "disputed"]
    moved = said("relay_a", 6_790, 4)
    assert ledger.history([first, second, third, edit, moved])[-1].status == "corrected"


def test_copies_are_one_witness() -> None:
    """A source that copies another one confirms nothing."""
    rows = [said("official_a", 6_700), said("mirror_a", 6_700, 1)]
    copies = ledger.figure(rows, witnesses={"official_a": "group", "mirror_a": "group"})
    alone = ledger.figure(rows)
    assert copies is not None
    assert alone is not None
    assert (copies.status, alone.status) == ("reported", "confirmed")


def test_withdrawn() -> None:
    """A source that takes its number back, alone, leaves a cell that was withdrawn; nothing is filled in."""
    figure = ledger.figure([said("official_a", 6_700), said("official_a", None, 1)])
    assert figure is not None
    assert (figure.total, figure.status) == (None, "withdrawn")


def test_the_printed_change_is_never_computed() -> None:
    """A change stands in a figure when a source printed it beside the same total."""
    mirror = ledger.figure([said("mirror_a", 6_700)])
    both = ledger.figure([said("mirror_a", 6_700), said("relay_a", 6_700, 1, daily=8)])
    assert mirror is not None
    assert both is not None
    assert (mirror.daily, both.daily) == (None, 8)


def test_figures_answer_for_the_past() -> None:
    """A figure as of a moment knows nothing of what came later."""
    rows = [said("mirror_a", 6_700), said("official_a", 6_701, 5)]
    before = ledger.figure(rows, MORNING + timedelta(hours=4))
    assert before is not None
    assert (before.total, before.known_since) == (6_700, MORNING)
    assert ledger.figure(rows, MORNING - timedelta(hours=1)) is None


def test_one_cell_at_a_time() -> None:
    """Unlike things are never put into one figure."""
    with pytest.raises(ValueError, match="one cell"):
        ledger.figure([said("mirror_a", 1), replace(said("mirror_a", 1), metric="mlrs")])


WORDS = st.lists(
    st.builds(
        said,
        st.sampled_from(["official_a", "relay_a", "mirror_a", "mirror_b"]),
        st.sampled_from([None, 6_700, 6_701, 6_710]),
        st.integers(0, 6),
        st.sampled_from([None, 8]),
    ),
    max_size=8,
)


@given(WORDS, st.randoms())
def test_order_of_arrival_does_not_matter(rows: list[Observation], rng: object) -> None:
    """The same observations in any order have the same history."""
    shuffled = list(rows)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert ledger.history(shuffled) == ledger.history(rows)


@given(WORDS, st.integers(0, 6))
def test_history_and_figure_agree(rows: list[Observation], hours: int) -> None:
    """The figure as of a moment is the last state of the history until then."""
    at = MORNING + timedelta(hours=hours)
    until = [f for f in ledger.history(rows) if f.known_since <= at]
    assert ledger.figure(rows, at) == (until[-1] if until else None)


@given(WORDS)
def test_nobody_is_lost(rows: list[Observation]) -> None:
    """Every source with a total supports the figure or dissents from it."""
    figure = ledger.figure(rows)
    stating = {o.source for o in sorted(rows, key=ledger.order)}
    if figure is not None and figure.total is not None:
        last = {o.source: o.total for o in sorted(rows, key=ledger.order)}
        assert {*figure.supports, *(d.source for d in figure.dissents)} == {s for s in stating if last[s] is not None}
