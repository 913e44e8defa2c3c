from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.records import KYIV
from scheduler.schedule import AT_ONCE, DENSE, LONGEST_PAUSE, History, Rhythm, bounds, day_of, next_poll
from spiders.base import Window
from spiders.sources import declared

MORNING = Rhythm(
    cadence=timedelta(minutes=30), window=Window(opens=time(6), closes=time(10), grace=timedelta(hours=2))
)
NIGHT = Rhythm(
    cadence=timedelta(minutes=30), window=Window(opens=time(3, 30), closes=time(4), grace=timedelta(hours=1))
)
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)  # days of 23 and of 25 hours

days = st.one_of(st.sampled_from([SPRING, AUTUMN]), st.dates(date(2022, 2, 24), date(2030, 12, 31)))
shares = st.floats(0, 1, exclude_max=True)
rhythms = st.one_of(
    st.sampled_from([MORNING, NIGHT, Rhythm(cadence=timedelta(minutes=15), window=None)]),
    st.sampled_from([Rhythm(cadence=spider.cadence, window=spider.window) for spider in declared().values()]),
)
moments = st.builds(
    lambda day, second: datetime.combine(day, time(), KYIV).astimezone(UTC) + timedelta(seconds=second),
    days,
    st.integers(0, 25 * 3600),
)


@st.composite
def histories(draw: st.DrawFn) -> tuple[History, datetime]:
    """Draw what may be known of a source at a moment; clocks may have been set back since."""
    now = draw(moments)
    ago = st.timedeltas(-timedelta(hours=2), timedelta(days=40))
    return (
        History(
            polled_at=now - draw(ago) if draw(st.booleans()) else None,
            failures=draw(st.integers(0, 40)),
            latest=day_of(now) - timedelta(days=draw(st.integers(-1, 40))) if draw(st.booleans()) else None,
            hinted_at=now - draw(ago) if draw(st.booleans()) else None,
        ),
        now,
    )


@given(rhythms, histories(), shares)
def test_the_next_poll_is_never_in_the_past_and_never_far(
    rhythm: Rhythm, known: tuple[History, datetime], share: float
) -> None:
    """Whatever is known, whatever the hour: from now on, and within the cadence or the longest pause."""
    history, now = known
    at = next_poll(rhythm, history, now, lambda: share)
    assert at.tzinfo is UTC
    longest = max(rhythm.cadence * 1.1, max(LONGEST_PAUSE, rhythm.cadence) * 1.25, AT_ONCE)
    assert now <= at <= now + longest


def polls(rhythm: Rhythm, day: date, share: float, published: time | None = None) -> list[datetime]:
    """Return the polls of a whole Kyiv day on which the report is there from `published` on."""
    began = datetime.combine(day, time(), KYIV).astimezone(UTC)
    ended = datetime.combine(day + timedelta(days=1), time(), KYIV).astimezone(UTC)
    history = History(polled_at=began - timedelta(minutes=1), latest=day - timedelta(days=1))
    appears = datetime.combine(day, published, KYIV).astimezone(UTC) if published else ended
    at: list[datetime] = []
    now = began
    while (now := next_poll(rhythm, history, now, lambda: share)) < ended:
        at.append(now)
        history = History(polled_at=now, latest=day if now >= appears else history.latest)
    return at


@settings(max_examples=40)
@given(days, shares, st.sampled_from([MORNING, NIGHT]))
@example(SPRING, 0.5, NIGHT)
@example(AUTUMN, 0.5, NIGHT)
def test_the_window_is_dense_to_its_end_on_any_day(day: date, share: float, rhythm: Rhythm) -> None:
    """From the opening to the end of the grace no gap is longer than five minutes, on days of 23 and 25 hours too."""
    assert rhythm.window is not None
    opens, ends = bounds(rhythm.window, day)
    within = [at for at in polls(rhythm, day, share) if opens <= at < ends]
    gaps = [later - earlier for earlier, later in zip([opens, *within], [*within, ends], strict=True)]
    assert DENSE[0] <= max(gaps) <= DENSE[1]
    assert within[0] - opens <= AT_ONCE


@settings(max_examples=40)
@given(days, shares, st.times(time(6, 1), time(9, 59)))
def test_it_is_sparse_again_once_the_report_is_there(day: date, share: float, published: time) -> None:
    """A report is seen within five minutes; from then on the cadence is enough."""
    at = polls(MORNING, day, share, published)
    appears = datetime.combine(day, published, KYIV).astimezone(UTC)
    seen = next(poll for poll in at if poll >= appears)
    assert seen - appears <= DENSE[1]
    after = [poll for poll in at if poll >= seen]
    assert all(later - earlier >= MORNING.cadence * 0.89 for earlier, later in pairwise(after))


def test_a_day_of_25_hours_has_an_hour_more_of_polls() -> None:
    """The hour that comes twice is polled twice, the one that is left out is not made up for."""
    hourly = Rhythm(cadence=timedelta(hours=1), window=None)
    counts = {day: len(polls(hourly, day, 0.5)) for day in (SPRING, date(2026, 6, 1), AUTUMN)}
    assert counts == {SPRING: 23, date(2026, 6, 1): 24, AUTUMN: 25}


@given(rhythms, moments, shares, st.timedeltas(timedelta(days=2), timedelta(days=400)))
def test_a_long_stop_is_made_up_for_by_one_poll(rhythm: Rhythm, now: datetime, share: float, away: timedelta) -> None:
    """After days without anybody the next poll is at once, and the one after it is a regular one."""
    history = History(polled_at=now - away, latest=day_of(now) - timedelta(days=30))
    first = next_poll(rhythm, history, now, lambda: share)
    assert first - now <= AT_ONCE
    second = next_poll(rhythm, History(polled_at=first, latest=day_of(first)), first, lambda: share)
    assert second - first >= min(DENSE[0], rhythm.cadence * 0.89)


@given(shares, st.integers(1, 60))
def test_a_source_that_fails_is_left_alone_for_longer_each_time(share: float, failures: int) -> None:
    """The pause doubles with each failure, up to an hour and its jitter."""
    now = datetime(2026, 6, 1, 5, 0, tzinfo=UTC)  # its window is open
    waits = [
        next_poll(MORNING, History(polled_at=now, failures=count), now, lambda: share) - now
        for count in (failures, failures + 1)
    ]
    expected = min(waits[0] * 2, LONGEST_PAUSE * (0.75 + share / 2))
    assert abs(waits[1] - expected) < timedelta(milliseconds=1)


def test_another_source_that_has_the_report_makes_a_poll_due_at_once() -> None:
    """Before the window too; but once polled since, or with the report, or failing, the hint is none."""
    now = datetime(2026, 6, 1, 2, 0, tzinfo=UTC)  # 05:00 in Kyiv
    yesterday, today = date(2026, 5, 31), date(2026, 6, 1)
    polled = now - timedelta(minutes=1)
    hint = now - timedelta(seconds=5)

    def due(history: History) -> timedelta:
        return next_poll(MORNING, history, now, lambda: 0.5) - now

    assert due(History(polled_at=polled, latest=yesterday, hinted_at=hint)) <= AT_ONCE
    assert DENSE[0] <= due(History(polled_at=now, latest=yesterday, hinted_at=hint)) <= DENSE[1]
    assert due(History(polled_at=polled, latest=today, hinted_at=hint)) > timedelta(minutes=20)
    assert due(History(polled_at=polled, latest=yesterday, hinted_at=hint, failures=6)) > timedelta(minutes=20)
    assert due(History(polled_at=polled, latest=yesterday, hinted_at=now - timedelta(days=1))) > timedelta(minutes=20)
    ahead = now + timedelta(minutes=30)  # the clock was set back: a hint of its future would call after each poll
    assert due(History(polled_at=now, latest=yesterday, hinted_at=ahead)) > timedelta(minutes=20)
