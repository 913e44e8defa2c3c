"""One of every kind of mail, for `mail preview` and for looking at them.

The figures are real ones of February and March 2023; the faults in them are invented.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from types import MappingProxyType

from pipelines.records import GENERAL_STAFF, KYIV
from scheduler.checks.finding import Suggestion
from scheduler.mails.notices import Came, Dated, Digest, Notice, SilenceEnded, Storm
from scheduler.mails.view import ActLink, Event, IncidentLine, Point, Quote, Saying, Series, Thread

DAY = date(2023, 3, 7)
MORNING = datetime(2023, 3, 7, 9, 12, tzinfo=KYIV)

PERSONNEL = (
    110740, 111170, 111760, 112470, 112960, 113390, 114130, 114660, 115290, 116080, 116950, 117770, 118530, 119300,
    120160, 120760, 121480, 122170, 123080, 123860, 124710, 125510, 126160, 126650, 127500, 128420, 129030, 129870,
    130590, 131290, 132160, 133190, 134100, 135010, 135740, 136880, 137780, 138340, 139080, 139770, 140460, 141260,
    142270, 142860, 143680, 144440, 145060, 145850, 146820, 147470, 148130, 148690, 149240, 149890, 150610, 151370,
    152190, 153120, 153770,
)  # fmt: skip
"""Totals of the reports up to the day before."""

EVE = {
    "personnel": 153770, "tanks": 3423, "armoured_vehicles": 6703, "artillery_systems": 2433, "mlrs": 488,
    "air_defence_systems": 250, "aircraft": 302, "uavs": 2086, "vehicles_and_fuel_tanks": 5307,
    "special_equipment": 234,
}  # fmt: skip
PRINTED = {
    "personnel": 1060, "tanks": 9, "armoured_vehicles": 11, "artillery_systems": 23, "mlrs": 0,
    "air_defence_systems": 3, "aircraft": 1, "uavs": 9, "vehicles_and_fuel_tanks": 16, "special_equipment": 2,
}  # fmt: skip


def _series(total: int, daily: int) -> Series:
    past = [
        Point(day=DAY - timedelta(days=back), total=value, daily=None)
        for back, value in zip(range(len(PERSONNEL), 0, -1), PERSONNEL, strict=True)
    ]
    return Series(metric="personnel", points=(*past, Point(day=DAY, total=total, daily=daily)), flagged=(DAY,))


def _opened(*lines: IncidentLine) -> tuple[Event, ...]:
    return tuple(Event(what="opened", incident=line.id, at=line.opened_at) for line in lines)


POST = (
    "Загальні бойові втрати противника з 24.02.22 по 07.03.23 орієнтовно склали:\n"
    "особового складу ‒ близько 145830 (+1060) осіб ліквідовано,\n"
    "танків ‒ 3432 (+9) од,\nбойових броньованих машин ‒ 6714 (+11) од,"
)
LINE = IncidentLine(
    id=41,
    kind="contradiction.decrease",
    metric="personnel",
    severity="critical",
    state="open",
    message="The total of personnel fell from 153,770 to 145,830, while the post itself prints a change of +1,060.",
    opened_at=MORNING,
    before=153770,
    now=145830,
    printed=1060,
    expected=154830,
    suggestion=Suggestion(
        field="total",
        value=154830,
        diagnosis="digits_swapped",
        evidence="153,770 of the day before and the printed +1,060 make 154,830; the ministry's page says the same.",
    ),
    source="telegram_general_staff",
    sayings=(
        Saying(source="telegram_general_staff", role="official", total=145830, daily=1060, since=MORNING),
        Saying(source="mod_gov_ua", role="official", total=154830, daily=1060, since=MORNING + timedelta(minutes=21)),
    ),
    quotes=(
        Quote(
            source="telegram_general_staff",
            text=POST,
            marked=(POST.index("145830"), POST.index("145830") + 6),
            language="uk",
            url="https://t.me/GeneralStaffZSU/6021",
            published_at=MORNING,
        ),
    ),
)


def decrease() -> Thread:
    """Tell of two digits swapped in the official post: the total falls."""
    return Thread(
        claimant=GENERAL_STAFF,
        as_of=DAY,
        transition=1,
        incidents=(LINE,),
        news=_opened(LINE),
        series=_series(145830, 1060),
    )


def answerable() -> Thread:
    """Tell of two incidents where readers can answer by links: of all at once, or of one."""
    acts = ("ack", "snooze_24h", "snooze_7d", "typo", "correction", "redefinition", "ours", "close")
    told = followed()
    lines = tuple(replace(line, acts=_links(str(line.id), acts[3:])) for line in told.incidents)
    return replace(told, incidents=lines, acts=_links("all", acts))


def _links(of: str, acts: Sequence[str]) -> tuple[ActLink, ...]:
    return tuple(ActLink(act=act, url=f"https://tallywatch.example.org/act/{of}.{act}") for act in acts)


def stale() -> Thread:
    """Tell of yesterday's figures under today's date, printed changes and all."""
    lines = tuple(
        IncidentLine(
            id=52 + number,
            kind="contradiction.stale",
            metric=metric,
            severity="critical" if metric == "personnel" else "warning",
            state="open",
            message=f"The report gives {total:,} again, as the one before, beside a change of {PRINTED[metric]:+,}.",
            opened_at=MORNING,
            before=total,
            now=total,
            printed=PRINTED[metric],
            expected=total + PRINTED[metric],
            suggestion=Suggestion(field="total", value=total + PRINTED[metric], diagnosis="carried_over"),
            source="mod_gov_ua",
            sayings=(Saying(source="mod_gov_ua", role="official", total=total, daily=PRINTED[metric], since=MORNING),),
        )
        for number, (metric, total) in enumerate(EVE.items())
    )
    return Thread(
        claimant=GENERAL_STAFF,
        as_of=DAY,
        transition=1,
        incidents=lines,
        news=_opened(*lines),
        series=_series(EVE["personnel"], PRINTED["personnel"]),
    )


def sources() -> Thread:
    """Tell of a relay that gives another number, which a mirror has copied."""
    prose = (
        "According to the General Staff, Russia has lost about 154,380 troops since the invasion began, "
        "including 1,060 over the past day."
    )
    later = MORNING + timedelta(hours=1)
    line = IncidentLine(
        id=61,
        kind="contradiction.sources",
        metric="personnel",
        severity="warning",
        state="open",
        message="example_news says 154,380 while telegram_general_staff and mod_gov_ua say 154,830.",
        opened_at=later,
        before=153770,
        now=154380,
        printed=1060,
        expected=154830,
        suggestion=Suggestion(
            field="total",
            value=154830,
            diagnosis="digits_swapped",
            evidence="Two official places say 154,830, which the printed +1,060 confirms.",
        ),
        source="example_news",
        sayings=(
            Saying(source="telegram_general_staff", role="official", total=154830, daily=1060, since=MORNING),
            Saying(source="mod_gov_ua", role="official", total=154830, daily=1060, since=MORNING),
            Saying(source="example_news", role="relay", total=154380, daily=1060, since=later),
            Saying(source="example_mirror", role="mirror", total=154380, daily=None, since=later),
        ),
        quotes=(
            Quote(
                source="example_news",
                text=prose,
                marked=(prose.index("154,380"), prose.index("154,380") + 7),
                language="en",
                url="https://news.example.org/2023/03/07/losses",
                archived="https://tallywatch.example.org/versions/812",
                published_at=later,
            ),
        ),
    )
    series = _series(154830, 1060)
    return Thread(
        claimant=GENERAL_STAFF, as_of=DAY, transition=1, incidents=(line,), news=_opened(line), series=series
    )


def followed() -> Thread:
    """Follow up: the ministry's page confirms, somebody looks into it, and there is a second incident."""
    confirmed = replace(LINE, state="acknowledged")
    second = replace(
        LINE,
        id=42,
        kind="contradiction.increment",
        metric="tanks",
        severity="warning",
        message="From 3,423 to 3,423 is +0, but the post prints a change of +9.",
        before=3423,
        now=3423,
        printed=9,
        expected=3432,
        suggestion=Suggestion(field="total", value=3432, diagnosis="carried_over", evidence="3,423 + 9 = 3,432."),
        sayings=(),
        quotes=(),
    )
    later = MORNING + timedelta(minutes=21)
    return Thread(
        claimant=GENERAL_STAFF,
        as_of=DAY,
        transition=2,
        incidents=(confirmed, second),
        news=(
            Event(what="updated", incident=41, at=later, note="mod_gov_ua says 154,830."),
            Event(what="acknowledged", incident=41, at=later, by="olena"),
            Event(what="opened", incident=42, at=later),
        ),
        series=_series(145830, 1060),
    )


def resolved() -> Thread:
    """Follow up: the publisher corrects its post."""
    line = replace(LINE, state="closed")
    end = MORNING + timedelta(days=1, hours=4, minutes=12)
    return Thread(
        claimant=GENERAL_STAFF,
        as_of=DAY,
        transition=3,
        incidents=(line,),
        news=(Event(what="resolved", incident=41, at=end, note="telegram_general_staff now says 154,830."),),
        series=_series(154830, 1060),
    )


def explained() -> Thread:
    """Follow up: a person says what it was."""
    line = replace(LINE, state="explained", verdict="typo")
    note = "Two digits swapped; the press office confirms 154,830."
    return Thread(
        claimant=GENERAL_STAFF,
        as_of=DAY,
        transition=2,
        incidents=(line,),
        news=(Event(what="explained", incident=41, at=MORNING + timedelta(hours=2), by="olena", note=note),),
    )


def spike() -> Thread:
    """Tell of a day that its own past does not explain."""
    line = IncidentLine(
        id=70,
        kind="trend.spike",
        metric="personnel",
        severity="warning",
        state="open",
        message="Personnel rose by 1,740 in a day; its last eight weeks explain 430 to 1,140.",
        opened_at=MORNING,
        field="daily",
        before=153770,
        now=155510,
        printed=1740,
        expected=750,
        source="telegram_general_staff",
    )
    series = _series(155510, 1740)
    return Thread(
        claimant=GENERAL_STAFF, as_of=DAY, transition=1, incidents=(line,), news=_opened(line), series=series
    )


def missing() -> Thread:
    """Tell of a report that did not come."""
    line = IncidentLine(
        id=80,
        kind="coverage.missing",
        metric="",
        severity="critical",
        state="open",
        message="No source has a report of 7 March; by now there was one on 99 of the last 100 days.",
        opened_at=MORNING + timedelta(hours=6),
    )
    return Thread(claimant=GENERAL_STAFF, as_of=DAY, transition=1, incidents=(line,), news=_opened(line))


def broken() -> Thread:
    """Tell of a source that answers, and nothing can be read from it."""
    line = IncidentLine(
        id=90,
        kind="coverage.broken",
        metric="",
        severity="warning",
        state="open",
        message="The page answered 200 with a captcha instead of a report, three times in a row.",
        opened_at=MORNING,
        source="mod_gov_ua",
    )
    return Thread(claimant="mod_gov_ua", as_of=DAY, transition=1, incidents=(line,), news=_opened(line))


def operations() -> Thread:
    """Tell the operators what the daemon has to say of itself."""
    line = IncidentLine(
        id=95,
        kind="operations.disk_full",
        metric="",
        severity="critical",
        state="open",
        message="The disk of the home directory is full; nothing is lost, and work goes on when there is room.",
        opened_at=MORNING,
        source="storage",
    )
    return Thread(claimant="tallywatch", as_of=DAY, transition=1, incidents=(line,), news=_opened(line))


def milestone() -> Thread:
    """Tell news that is not an error."""
    line = IncidentLine(
        id=99,
        kind="milestone.record",
        metric="personnel",
        severity="info",
        state="open",
        message="Personnel passed 155,000.",
        opened_at=MORNING,
        before=154830,
        now=155530,
        printed=700,
        source="telegram_general_staff",
    )
    return Thread(claimant=GENERAL_STAFF, as_of=DAY, transition=1, incidents=(line,), news=_opened(line))


def reminder() -> Thread:
    """Ask again: nobody has answered for a day."""
    event = Event(what="reminder", incident=41, at=MORNING + timedelta(days=1))
    return replace(decrease(), transition=2, news=(event,))


def fallback() -> Thread:
    """Tell what can be told when the templates cannot be used."""
    return stale()


def _dated(*threads: Thread) -> tuple[Dated, ...]:
    return tuple(
        Dated(claimant=thread.claimant, as_of=thread.as_of, line=line)
        for thread in threads
        for line in thread.incidents
    )


NOON = datetime(2023, 3, 7, 12, 0, tzinfo=KYIV)


def well() -> Digest:
    """Say that all is well, which is also a sign of life."""
    came = (
        Came(source="mod_gov_ua", documents=1, latest=DAY, success=NOON - timedelta(minutes=8)),
        Came(source="telegram_general_staff", documents=14, latest=DAY, success=NOON - timedelta(minutes=3)),
        Came(source="ukrinform", documents=3, latest=DAY, success=NOON - timedelta(minutes=11)),
    )
    return Digest(
        claimant=":digest",
        as_of=DAY,
        transition=1,
        period="daily",
        since=NOON - timedelta(days=1),
        until=NOON,
        came=came,
        strange=(),
        standing=(),
        milestones=_dated(milestone()),
        found=0,
        open=0,
        held=0,
        failed=0,
        silences=(),
    )


def digest() -> Digest:
    """Say what was strange, who is late, and what waits for somebody."""
    standing = _dated(missing(), decrease(), spike())
    return replace(
        well(),
        period="weekly",
        since=NOON - timedelta(days=7),
        strange=(*standing, *_dated(sources(), resolved())),
        standing=standing,
        found=27,
        open=len(standing),
        held=5,
        failed=1,
        silences=("the ministry recounts its vehicles",),
    )


def storm() -> Storm:
    """Say that more was found at once than a reader can read."""
    worst = _dated(decrease(), spike(), stale())
    return Storm(claimant=":storm", as_of=DAY, transition=1, at=MORNING, held=9970, cap=30, worst=worst)


def silence_ended() -> SilenceEnded:
    """Say that a silence is over, and what it kept."""
    kept = _dated(spike())
    return SilenceEnded(
        claimant=":silence 3",
        as_of=DAY,
        transition=1,
        number=3,
        scope=("trend.*", "personnel"),
        reason="the ministry recounts",
        author="olena@desk",
        begun_at=MORNING - timedelta(days=2),
        ended_at=MORNING,
        ended_by="",
        silenced=len(kept),
        incidents=kept,
    )


SAMPLES: Mapping[str, Callable[[], Thread | Notice]] = MappingProxyType(
    {
        sample.__name__: sample
        for sample in (
            decrease,
            stale,
            sources,
            followed,
            answerable,
            resolved,
            explained,
            spike,
            missing,
            broken,
            operations,
            milestone,
            reminder,
            fallback,
            well,
            digest,
            storm,
            silence_ended,
        )
    }
)
"""Kind of mail -> what one of it tells."""
