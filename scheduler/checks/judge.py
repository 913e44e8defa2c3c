"""The judge: a fold over observations in the order in which the world could know them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Literal

from pipelines.metrics import METRICS
from scheduler.checks import dates, decrease, increment, revised, sources, stale
from scheduler.checks.book import Entry, Series, others
from scheduler.checks.case import TELL, Case, group
from scheduler.checks.finding import Finding, Resolution
from scheduler.checks.pace import Pace
from scheduler.checks.slips import CARRIED_OVER, DIGIT_KEPT
from scheduler.checks.trend import DayChange, Trend
from scheduler.checks.weigh import PROVED, SLIP_RATE, Anchor, Setting, Weighing, total_alone, total_with_change

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pipelines.records import Observation
    from scheduler.checks.slips import CARRIED_OVER, DIGIT_KEPT
from scheduler.checks.trend import TrendVerdict

Said = Finding | Resolution
Key = tuple[str, str, str, date]  # Finding.key
Verdict = Literal["typo", "correction", "redefinition", "ours"]  # what a person said of an incident
REVISED = 0.1  # what remains of the slip rate where a source replaced its own number on second thoughts
RECOUNT_FALL = 0.05  # falls among the other totals of a report with one: once two of ten, mostly none
NEGLIGIBLE = 0.02  # a doubt below it is no reason to keep other hypotheses of a number


class Judge:
    """Feeds observations to the checks, one at a time, and never looks ahead.

    Observations must come in the order of `pipelines.ledger.order`. The same ones give the same findings, and
    the first of them give the first of the findings.
    """

    def __init__(self, *, budget: int = 12, verdicts: Mapping[Key, Verdict] | None = None) -> None:
        self._budget = budget
        self._verdicts = verdicts or {}
        self._series: dict[tuple[str, str], Series] = {}
        self._trends: dict[str, Trend] = {}
        self._reports: dict[tuple[str, str, date], stale.Report] = {}
        self._rows: dict[tuple[str, str, date], dict[str, int]] = defaultdict(dict)
        self._habits: dict[tuple[str, str], sources.Habit] = defaultdict(sources.Habit)
        self._recounts: set[tuple[str, date]] = set()  # days on which the publisher corrected a total downwards
        self._open: dict[tuple[str, str, date], Finding] = {}  # the finding that each cell has

    def feed(self, observation: Observation) -> list[Said]:
        """Take in one observation; what it makes us say, if anything."""
        metric = METRICS[observation.metric]
        if observation.total is None or not metric.valid_on(observation.as_of):
            return []
        series = self._series.setdefault((observation.claimant, metric.key), Series(metric, Pace(metric)))
        known = series.entry(observation.as_of.toordinal(), observation.source)
        if known and (known.total, known.said.daily) == (observation.total, observation.daily):
            return []
        return list(self._judge(observation, series, known))

    def _judge(self, said: Observation, series: Series, known: Entry | None) -> Iterator[Said]:
        case = self._case(said, series, known)
        self._rows[said.claimant, said.source, said.as_of][said.metric] = case.total
        news = revised.check(case)
        if news:
            yield news
        finding = self._first(case, series)
        entry = _entry(case, finding)
        series.words.setdefault(entry.day, {})[said.source] = entry
        series.newest = max(series.newest, entry.day)
        yield from self._repeated(case, entry, finding, series)
        if finding is not None:
            yield from self._tell(finding, case)
        else:
            yield from self._relieve(case, entry)
        yield from self._look_back(case, series, finding)
        yield from self._trend(case, entry, series)

    # What is known around the arrival

    def _case(self, said: Observation, series: Series, known: Entry | None) -> Case:
        total, day = said.total or 0, said.as_of.toordinal()
        base = series.last_before(day, said.source)
        law, learned = series.law(day)
        elsewhere = tuple(others((series.words.get(day) or {}).values(), said.source))
        if self._habits[said.claimant, said.source].lags:
            elsewhere = ()
        else:
            elsewhere = tuple(e for e in elsewhere if not self._habits[said.claimant, e.said.source].lags)
        setting = self._setting(said, series, base, elsewhere, known)
        return Case(
            said=said,
            total=total,
            base=base,
            setting=setting,
            weighing=_weigh(said, total, setting, base, learned=learned, rate=SLIP_RATE[said.role] * (REVISED if known else 1)),
            learned=learned,
            others=elsewhere,
            earlier=known.said if known else None,
        )

    def _setting(
        self, said: Observation, series: Series, base: Entry | None, elsewhere: tuple[Entry, ...], known: Entry | None
    ) -> Setting | None:
        if base is None and not elsewhere:
            return None
        day = said.as_of.toordinal()
        after = series.first_after(day, said.source)
        if known is not None and after is not None and after.total == known.total:
            after = None  # it carries the number that is being replaced: of the two, it is the one in doubt
        law = series.law(day)[0]
        if (said.claimant, said.as_of) in self._recounts:
            law = law.with_fall(RECOUNT_FALL)
        rows = self._rows.get((said.claimant, said.source, said.as_of), {})
        return Setting(
            day=day,
            law=law,
            before=base.anchors if base else (),
            after=(after.total, after.day) if after else None,
            rows=tuple(v for k, v in rows.items() if k != said.metric),
            others=tuple((e.total, SLIP_RATE[e.said.role]) for e in elsewhere),
        )

    # What is said of it

    def _first(self, case: Case, series: Series) -> Finding | None:
        """The most telling finding of the arrival: one cell has one."""
        head = series.entry(series.newest, case.said.source)
        found = dates.check(case, head)
        if found:
            return found
        self._learn_habit(case, series)
        checks: tuple[Callable[[Case], Finding | None], ...] = (
            increment.check,
            sources.check,
            decrease.check,
            stale.check,
        )
        if case.said.daily is None:
            checks = (*checks, increment.jump, increment.yesterday)
        return next((f for f in (check(case) for check in checks) if f), None)

    def _learn_habit(self, case: Case, series: Series) -> None:
        day = case.said.as_of.toordinal()
        before = others((series.words.get(day - 1) or {}).values(), case.said.source)
        here = others((series.words.get(day) or {}).values(), case.said.source)
        for other in here:
            past = next((e for e in before if e.said.source == other.said.source), None)
            if past is not None and past.total != other.total and case.total in {past.total, other.total}:
                self._habits[case.said.claimant, case.said.source].learn(behind=case.total == past.total)

    def _repeated(self, case: Case, entry: Entry, finding: Finding | None, series: Series) -> Iterator[Said]:
        """A whole report that says what the day before said is told metric by metric, in one group."""
        if case.earlier is not None or entry.misdated:
            return
        key = (case.said.claimant, case.said.source, case.said.as_of)
        for repeated in self._reports.setdefault(key, stale.Report()).add(case):
            if finding is not None and repeated is case:
                continue
            words = self._series[case.said.claimant, repeated.said.metric].words[entry.day]
            words[case.said.source].doubt = 0.9
            message = f"{repeated.said.source} repeats the report of the day before on {case.said.as_of}"
            yield from self._tell(replace(stale.finding(repeated, message), ref=case.said.ref), repeated)

    def _tell(self, finding: Finding, case: Case) -> Iterator[Said]:
        cell = (finding.claimant, finding.metric, finding.as_of)
        old = self._open.get(cell)
        if old is not None and old.kind == finding.kind and _content(old) == _content(finding):
            return
        if old is not None and old.kind != finding.kind:
            yield Resolution(
                key=old.key, ref=finding.ref, known_at=finding.known_at, message=f"told as {finding.kind} from now on"
            )
        self._open[cell] = finding
        if finding.kind == decrease.KIND and finding.suggestion and finding.suggestion.diagnosis == "correction":
            self._recounts.add((finding.claimant, finding.as_of))
        yield finding

    def _relieve(self, case: Case, entry: Entry) -> Iterator[Said]:
        """A source that changed its number to one that fits has ended what was said of it."""
        cell = (case.said.claimant, case.said.metric, case.said.as_of)
        old = self._open.get(cell)
        if old is None or old.source != case.said.source or case.earlier is None:
            return
        del self._open[cell]
        yield Resolution(
            key=old.key,
            ref=case.said.ref,
            known_at=case.said.known_at,
            message=f"{case.said.source} now says {case.total:,}",
        )

    def _look_back(self, case: Case, series: Series, finding: Finding | None) -> Iterator[Said]:
        """What this number says of the one before it, where that one is in doubt."""
        base = case.base
        if base is None or case.setting is None:
            return
        if finding is not None and finding.as_of == base.said.as_of and finding.source == base.said.source:
            best = case.weighing.best("previous")
            base.doubt = case.weighing.share_of("previous")
            base.anchors = (Anchor(best.value, base.day, 1.0),) if best and best.value is not None else base.anchors
            self._relearn(series, base.day)
            return
        if len(base.anchors) < 2 or finding is not None:
            return
        law, day = case.setting.law, case.setting.day
        weights = [a.weight * law.p(case.total - a.total, day - a.day) for a in base.anchors]
        if case.said.daily is not None:
            exact = [
                w if a.day == day - 1 and a.total + case.said.daily == case.total else 0.0
                for w, a in zip(weights, base.anchors, strict=True)
            ]
            weights = exact if any(exact) else weights
        whole = sum(weights)
        if whole <= 0:
            return
        base.anchors = tuple(
            sorted(
                (Anchor(a.total, a.day, w / whole) for a, w in zip(base.anchors, weights, strict=True)),
                key=lambda a: -a.weight,
            )
        )
        doubted, base.doubt = (
            base.doubt,
            1 - sum(a.weight for a in base.anchors if a.total == base.total and a.day == base.day),
        )
        self._relearn(series, base.day)
        old = self._open.get((base.said.claimant, base.said.metric, base.said.as_of))
        if old is not None and doubted >= 0.5 and base.doubt < 0.2 and old.kind != sources.KIND:
            del self._open[base.said.claimant, base.said.metric, base.said.as_of]
            yield Resolution(
                key=old.key, ref=case.said.ref, known_at=case.said.known_at, message="the next day continues from it"
            )

    # What the trend says of it

    def _relearn(self, series: Series, day: int) -> None:
        """Bring the pace in line with what is believed of a day and the next."""
        for d in (day, day + 1):
            now, before = series.lead(d), series.lead(d - 1)
            if now and before and max(now.doubt, before.doubt) < 0.2 and not now.misdated and not before.misdated:
                series.pace.learn(d, now.total - before.total)
            else:
                series.pace.forget(d)

    def _trend(self, case: Case, entry: Entry, series: Series) -> Iterator[Said]:
        self._relearn(series, entry.day)
        said = case.said
        if series.lead(entry.day) is not entry or entry.misdated or case.change is None:
            return
        trend = self._trends.setdefault(said.claimant, Trend(budget=self._budget))
        cell = (said.claimant, said.metric, said.as_of)
        day = DayChange(
            metric=said.metric,
            as_of=said.as_of,
            change=case.total - (case.level or 0),
            total=case.total,
            ref=said.ref,
            known_at=said.known_at,
            quarantined=cell in self._open or entry.doubt >= 0.2,
        )
        for verdict in trend.feed(day):
            if verdict.as_of != said.as_of or cell not in self._open:
                yield from self._tell(_trend_finding(verdict, said), case)


def _weigh(said: Observation, total: int, setting: Setting | None, base: Entry | None, *, learned: bool, rate: float) -> Weighing:
    if setting is None:
        return Weighing(1.0)
    previous = None
    if base is not None and base.setting is not None and base.setting.before and len(base.anchors) == 1:
        previous = (base.total, base.setting, SLIP_RATE[base.said.role] * (PROVED if base.proved else 1))
    if said.daily is not None and any(setting.day - a.day == 1 for a in setting.before):
        return total_with_change(total, said.daily, setting, rate, previous)
    if not learned and not setting.others and base is not None and total >= base.total:
        return Weighing(1.0)
    if setting.others:
        usual = all(said == total for said, _ in setting.others)
    else:
        least = rate * _most(total, base)
        usual = base is not None and total >= base.total and min(setting.follows(total), setting.precedes(total)) > least
    if usual:
        return Weighing(1.0)
    return total_alone(total, setting, rate, previous)


def _most(total: int, base: Entry | None) -> float:
    """How much a slip can weigh against a number that fits so badly, at the very most: below, nothing is worth a look."""
    return CARRIED_OVER / TELL if base is not None and total == base.total else DIGIT_KEPT / TELL


def _entry(case: Case, finding: Finding | None) -> Entry:
    said, day = case.said, case.said.as_of.toordinal()
    entry = Entry(said=said, setting=case.setting)
    entry.misdated = finding is not None and finding.kind == dates.KIND
    entry.doubt = case.weighing.share_of("total")
    entry.proved = (said.daily is not None and not case.arithmetic_fails and case.change is not None) or any(
        e.total == case.total for e in case.others
    )
    entry.anchors = _anchors(case, day)
    return entry


def _anchors(case: Case, day: int) -> tuple[Anchor, ...]:
    """What the total may truly be: as stated, as most probably meant, or unknown since the day before."""
    doubt = case.weighing.share_of("total")
    if doubt < NEGLIGIBLE:
        return (Anchor(case.total, day, 1.0),)
    found = [Anchor(case.total, day, 1 - doubt)]
    named = [m for m in case.weighing.meant if m.number == "total" and m.value is not None][:3]
    found += [Anchor(m.value, day, m.share) for m in named if m.value is not None]
    rest = doubt - sum(m.share for m in named)
    if case.setting is not None and case.setting.before and rest > 0:
        last = max(case.setting.before, key=lambda a: a.weight)
        found.append(Anchor(last.total, last.day, rest))
    whole = sum(a.weight for a in found)
    return tuple(sorted((Anchor(a.total, a.day, a.weight / whole) for a in found), key=lambda a: -a.weight))


def _content(finding: Finding) -> tuple[object, ...]:
    """What makes a later finding of the same cell news."""
    suggestion = finding.suggestion
    told = (suggestion.field, suggestion.value, suggestion.diagnosis) if suggestion else None
    return finding.source, finding.severity, told


def _trend_finding(verdict: TrendVerdict, said: Observation) -> Finding:
    return Finding(
        kind=verdict.kind,
        claimant=said.claimant,
        metric=verdict.metric,
        as_of=verdict.as_of,
        source=said.source,
        ref=said.ref,
        known_at=said.known_at,
        severity=verdict.severity,
        group=group(said.claimant, verdict.as_of, said.source),
        observed=verdict.observed,
        expected=verdict.expected,
        suggestion=None,
        message=verdict.message,
    )
