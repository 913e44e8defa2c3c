"""The judge is a fold: it never looks ahead, and order of arrival does not matter once it is sorted by knowledge."""

from __future__ import annotations

import pickle
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines import ledger
from pipelines.records import Figure, Observation
from scheduler.checks.finding import Finding, Ruling
from scheduler.checks.judge import Judge
from scheduler.fold import NEAR
from tests.checks.series import CHANGES, day, judged, said, true_total

METRICS = tuple(CHANGES)
DAYS = 48  # trends are judged from the 41st on
SLIPS = st.lists(
    st.tuples(
        st.sampled_from(METRICS),
        st.integers(43, DAYS - 1),
        st.sampled_from([("mirror", "mirror"), ("relay", "relay"), ("official", "official")]),
        st.integers(-1200, 1200),
        st.booleans(),  # corrected the next day
    ),
    max_size=5,
)
QUICK = settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def stream(slips: list[tuple[str, int, tuple[str, str], int, bool]]) -> list[Observation]:
    """Return seven weeks of three sources with some numbers wrong, in order of knowledge."""
    wrong = {(m, n, s[0]): (off, fixed) for m, n, s, off, fixed in slips}
    rows = []
    for number in range(DAYS):
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


def figures(rows: list[Observation]) -> dict[tuple[str, date], list[Figure]]:
    """Return the whole history of each cell."""
    cells = defaultdict(list)
    for row in rows:
        cells[row.metric, row.as_of].append(row)
    return {cell: ledger.history(of) for cell, of in cells.items()}


@given(SLIPS, st.integers(700, 900))
@QUICK
def test_a_prefix_gives_a_prefix(slips: list[tuple[str, int, tuple[str, str], int, bool]], cut: int) -> None:
    """What is said of the first rows does not depend on those that follow, even in the middle of a report."""
    rows = stream(slips)
    whole = [e for e in judged(rows) if e.ref < cut]
    assert judged(rows[:cut]) == whole


@given(SLIPS)
@QUICK
def test_letting_go_changes_nothing(slips: list[tuple[str, int, tuple[str, str], int, bool]]) -> None:
    """A judge that forgets what is out of its sight, and was put away and taken out again, says the same."""
    rows = stream(slips)
    judge, said = Judge(), []
    for number, row in enumerate(rows):
        judge.let_go(row.known_at.date() - NEAR - timedelta(days=1))
        if number % 200 == 0:
            judge = pickle.loads(pickle.dumps(judge))  # noqa: S301 - our own
        said += judge.feed(row)
    assert said == judged(rows)


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
    assert figures(shuffled) == figures(rows)


@given(SLIPS)
@QUICK
def test_judging_again_changes_nothing(slips: list[tuple[str, int, tuple[str, str], int, bool]]) -> None:
    """The same rows judged twice give the same events; repeating each row at once adds none."""
    rows = stream(slips)
    twice = [row for row in rows for _ in range(2)]
    assert judged(rows) == judged(rows) == judged(twice)


@given(SLIPS, st.randoms())
@QUICK
def test_what_people_said_holds_in_any_order(
    slips: list[tuple[str, int, tuple[str, str], int, bool]], rng: object
) -> None:
    """Judged again with the verdicts of people, the same observations give the same, whatever their order."""
    rows = stream(slips)
    told = [e for e in judged(rows) if isinstance(e, Finding) and e.severity != "info"]
    verdicts = {e.key: Ruling(verdict="typo", source=e.source, observed=e.observed) for e in told}
    shuffled = list(rows)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    once, again = (judged(o, Judge(verdicts=verdicts)) for o in (rows, sorted(shuffled, key=ledger.order)))
    assert again == once


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
