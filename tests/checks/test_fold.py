"""The judge is a fold: it never looks ahead, and order of arrival does not matter once it is sorted by knowledge."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines import ledger
from pipelines.records import Observation
from tests.checks.series import CHANGES, day, judged, said, true_total

METRICS = tuple(CHANGES)
SLIPS = st.lists(
    st.tuples(
        st.sampled_from(METRICS),
        st.integers(20, 34),
        st.sampled_from([("mirror", "mirror"), ("relay", "relay"), ("official", "official")]),
        st.integers(-1200, 1200),
        st.booleans(),  # corrected the next day
    ),
    max_size=5,
)
QUICK = settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def stream(slips: list[tuple[str, int, tuple[str, str], int, bool]]) -> list[Observation]:
    """Return five weeks of three sources with some numbers wrong, in order of knowledge."""
    wrong = {(m, n, s[0]): (off, fixed) for m, n, s, off, fixed in slips}
    rows = []
    for number in range(35):
        for hour, (source, role) in enumerate([("official", "official"), ("relay", "relay"), ("mirror", "mirror")]):
            at = datetime.combine(day(number), time(5 + hour), UTC)
            for metric in METRICS:
                true = true_total(metric, number)
                off, fixed = wrong.get((metric, number, source), (0, False))
                daily = true - true_total(metric, number - 1) if role == "official" and number else None
                row = said(metric, number, max(0, true + off), daily=daily, source=source, role=role, at=at)  # type: ignore[arg-type]
                rows.append(row)
                if fixed:
                    rows.append(replace(row, total=true, known_at=at + timedelta(hours=20)))
    return [replace(row, ref=i) for i, row in enumerate(sorted(rows, key=ledger.order))]


@given(SLIPS, st.integers(0, 700))
@QUICK
def test_a_prefix_gives_a_prefix(slips: list[tuple[str, int, tuple[str, str], int, bool]], cut: int) -> None:
    """What is said of the first rows does not depend on those that follow, even in the middle of a report."""
    rows = stream(slips)
    whole = [e for e in judged(rows) if e.ref < cut]
    assert judged(rows[:cut]) == whole


@given(SLIPS, st.randoms())
@QUICK
def test_order_of_arrival_does_not_matter(
    slips: list[tuple[str, int, tuple[str, str], int, bool]], rng: object
) -> None:
    """Shuffled and sorted by knowledge again, the same observations give the same findings and figures."""
    rows = stream(slips)
    shuffled = list(rows)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    again = sorted(shuffled, key=ledger.order)
    assert judged(again) == judged(rows)


@given(SLIPS)
@QUICK
def test_judging_again_changes_nothing(slips: list[tuple[str, int, tuple[str, str], int, bool]]) -> None:
    """The same rows judged twice give the same events; repeating each row at once adds none."""
    rows = stream(slips)
    twice = [row for row in rows for _ in range(2)]
    assert judged(rows) == judged(rows) == judged(twice)


@given(SLIPS)
@QUICK
def test_every_end_has_a_beginning(slips: list[tuple[str, int, tuple[str, str], int, bool]]) -> None:
    """A resolution ends a finding that was told before it."""
    told = set()
    for event in judged(stream(slips)):
        if hasattr(event, "kind"):
            told.add(event.key)
        else:
            assert event.key in told
