"""What the trend check tells, and what it keeps to itself."""

from datetime import UTC, date, datetime, timedelta

from scheduler.checks.trend import DayChange, Trend, TrendVerdict

START = date(2023, 1, 1)
USUAL = (18, 25, 21, 14, 30, 22, 19)


def feed(trend: Trend, changes: list[int], *, metric: str = "tanks") -> list[TrendVerdict]:
    """Feed one metric day by day."""
    told = []
    for i, change in enumerate(changes):
        as_of = START + timedelta(days=i)
        known_at = datetime(as_of.year, as_of.month, as_of.day, 6, tzinfo=UTC)
        told += trend.feed(
            DayChange(
                metric=metric, as_of=as_of, change=change, total=None, ref=i, known_at=known_at, quarantined=False
            )
        )
    return told


def test_an_ordinary_history_is_quiet() -> None:
    """Days like those before them say nothing."""
    assert feed(Trend(), list(USUAL) * 20) == []


def test_a_day_far_above_its_past_is_a_spike() -> None:
    """Ten times the usual change is told on the day itself."""
    (told,) = feed(Trend(), [*USUAL * 10, 210])
    assert (told.kind, told.as_of, told.observed) == ("trend.spike", START + timedelta(days=70), 210)


def test_a_told_day_does_not_poison_the_baseline() -> None:
    """The same spike a week later is told again."""
    assert [v.as_of for v in feed(Trend(), [*USUAL * 10, 210, *USUAL, 210])] == [
        START + timedelta(days=70),
        START + timedelta(days=78),
    ]
