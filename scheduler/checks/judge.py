"""The judge: a fold over observations in the order in which the world could know them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from pipelines.ledger import is_withdrawn
from pipelines.metrics import METRICS
from scheduler.checks import dates, decrease, increment, recounts, revised, sources, stale
from scheduler.checks.book import Entry, Series, independent
from scheduler.checks.breaks import Breaks
from scheduler.checks.case import Case
from scheduler.checks.finding import Finding, Ruling
from scheduler.checks.pace import Pace
from scheduler.checks.taken_back import TakenBack
from scheduler.checks.told import Cell, Said, Told
from scheduler.checks.weigh import SLIP_RATE, Anchor, Setting, weigh

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipelines.records import Observation

Key = tuple[str, str, str, date]  # Finding.key

REVISED = 0.1  # what remains of the slip rate where a source replaced its own number on second thoughts
BELIEVED = 0.2  # doubt from which a number stays out of every baseline: the same at which a person is asked


class Judge:
    """Feeds observations to the checks, one at a time, and never looks ahead.

    Observations must come in the order of `pipelines.ledger.order`. The same ones give the same findings, and
    the first of them give the first of the findings. `verdicts` are what people said of findings: a number that
    was explained is judged no more, and what is measured against it follows the explanation.
    """

    def __init__(self, *, budget: int = 12, verdicts: Mapping[Key, Ruling] | None = None) -> None:
        self.rule(verdicts or {})
        self._told = Told()
        self._series: dict[tuple[str, str], Series] = {}
        self._breaks = Breaks(self._told, self._series, budget=budget)
        self._reports: dict[tuple[str, str, date], stale.Report] = defaultdict(stale.Report)
        self._rows: dict[tuple[str, str, date], dict[str, int]] = defaultdict(dict)
        self._late: dict[tuple[str, str, date], dates.Replaced] = defaultdict(dates.Replaced)
        self._habits: dict[tuple[str, str], sources.Habit] = defaultdict(sources.Habit)
        self._copies: dict[str, sources.Copies] = defaultdict(sources.Copies)
        self._recounts = recounts.Recounts()
        self._taken_back = TakenBack()

    def rule(self, verdicts: Mapping[Key, Ruling]) -> None:
        """Let what people say of findings decide on what is fed from now on."""
        self._rulings: dict[Cell, list[Ruling]] = defaultdict(list)
        for key, ruling in sorted(verdicts.items()):
            self._rulings[key[1:]].append(ruling)

    def feed(self, observation: Observation) -> list[Said]:
        """Take in one observation; return what it makes us say, if anything."""
        metric = METRICS[observation.metric]
        if not metric.valid_on(observation.as_of):
            return []
        series = self._series.get((observation.claimant, metric.key))
        if series is None:
            series = self._series[observation.claimant, metric.key] = Series(metric, Pace(metric))
        if is_withdrawn(observation):
            return list(self._take_back(observation, series))
        if observation.total is None:
            return list(self._change_alone(observation, series))
        known = series.entry(observation.as_of.toordinal(), observation.source)
        if known and (known.total, known.said.daily) == (observation.total, observation.daily):
            return []
        return [*self._taken_back.end(observation), *self._judge(observation, series, known)]

    def let_go(self, since: date) -> None:
        """Forget what was said of earlier days; what was learned from it stays."""
        for series in self._series.values():
            series.let_go(since.toordinal())
        for memory in (self._reports, self._rows, self._late):
            for report in [report for report in memory if report[2] < since]:
                del memory[report]

    def _judge(self, said: Observation, series: Series, known: Entry | None) -> Iterator[Said]:
        case = self._case(said, series, known)
        self._rows[said.claimant, said.source, said.as_of][said.metric] = case.total
        news = revised.check(case)
        if news:
            yield news
        self._learn_habits(case, series)
        lags = self._habits[said.claimant, said.source].lags
        finding = None if lags else self._first(case, series)
        entry = case.entry(misdated=lags or (finding is not None and finding.kind == dates.KIND))
        series.keep(entry)
        self._obey(entry, series)
        if finding is not None:
            yield from self._tell(finding)
        else:
            yield from self._relieve(case)
        self._learn_copies(entry, series)
        yield from self._repeated(case, entry)
        yield from self._replaced(case, known)
        yield from self._look_back(case, series, finding)
        yield from self._follow(case, entry, series)

    def _take_back(self, said: Observation, series: Series) -> Iterator[Said]:
        """Forget what a source said of a cell, and tell; what was wrong with its number is over."""
        day = said.as_of.toordinal()
        gone = series.words.get(day, {}).pop(said.source, None)
        self._rows.get((said.claimant, said.source, said.as_of), {}).pop(said.metric, None)
        self._believe(series, day)
        old = self._told.of((said.claimant, said.metric, said.as_of))
        if old is not None and old.source == said.source:
            message = f"{said.source} took its number back"
            yield from self._told.end(old.cell, said.ref, said.known_at, message)
        yield from self._taken_back.tell(said, gone.total if gone else None)

    # What is known around the arrival

    def _case(self, said: Observation, series: Series, known: Entry | None) -> Case:
        total, day = said.total or 0, said.as_of.toordinal()
        base = series.last_before(day, said.source)
        learned = series.pace.law(day) is not None
        elsewhere = self._elsewhere(said, series)
        setting = self._setting(said, series, base, elsewhere, known) if base or elsewhere else None
        rate = SLIP_RATE[said.role] * (REVISED if known else 1)
        return Case(
            said=said,
            total=total,
            base=base,
            setting=setting,
            weighing=weigh(
                total,
                said.daily,
                setting,
                rate,
                base.weighed() if base else None,
                astray=partial(self._astray, said),
                learned=learned,
            ),
            learned=learned,
            others=elsewhere,
            earlier=known.said if known else None,
        )

    def _elsewhere(self, said: Observation, series: Series) -> tuple[Entry, ...]:
        """Return what other sources say of the cell, without copies and those that show yesterday as a rule."""
        words = independent(series.words.get(said.as_of.toordinal()), said.source)
        current = (e for e in words if not self._habits[said.claimant, e.said.source].lags)
        return self._copies[said.claimant].witnesses(said.source, current)

    def _setting(
        self, said: Observation, series: Series, base: Entry | None, elsewhere: tuple[Entry, ...], known: Entry | None
    ) -> Setting:
        day = said.as_of.toordinal()
        after = series.first_after(day, said.source)
        if known is not None and after is not None and after.total == known.total:
            after = None  # it carries the number that is being replaced: of the two, it is the one in doubt
        rows = self._rows.get((said.claimant, said.source, said.as_of), {})
        return self._recounts.expect(
            Setting(
                day=day,
                law=series.law(day),
                before=base.anchors if base else (),
                after=(after.total, after.day) if after else None,
                rows=tuple(v for k, v in rows.items() if k != said.metric),
                others=tuple((e.total, SLIP_RATE[e.said.role]) for e in elsewhere if not _is_copy(e, said)),
            ),
            said,
        )

    def _astray(self, said: Observation, total: int) -> float:
        """Return the probability of a total as the next one of another metric of this claimant."""
        day, p = said.as_of.toordinal(), 0.0
        rows = [s for (claimant, key), s in self._series.items() if claimant == said.claimant and key != said.metric]
        for series in rows:
            last = series.last_before(day, said.source)
            if last is not None and last.total < total and total - last.total <= series.law(day).reach():
                p += series.law(day).p(total - last.total, day - last.day)
        return p / len(rows) if rows else 0.0

    # What is said of it

    def _first(self, case: Case, series: Series) -> Finding | None:
        """Return the most telling finding of the arrival: one cell has one."""
        misdated = dates.check(case, series.entry(series.newest, case.said.source))
        if misdated:
            return misdated
        for check in (
            increment.check,
            sources.check,
            decrease.check,
            stale.check,
            increment.jump,
            increment.yesterday,
        ):
            finding = check(case)
            if finding:
                return finding
        return None

    def _learn_habits(self, case: Case, series: Series) -> None:
        """Compare each source of the cell with what the other one said of this day and of the day before."""
        day, said = case.said.as_of.toordinal(), case.said
        before = series.words.get(day - 1) or {}
        for source, other in (series.words.get(day) or {}).items():
            if source != said.source:
                self._habits[said.claimant, said.source].learn(case.total, other.total, before.get(source))
                self._habits[said.claimant, source].learn(other.total, case.total, before.get(said.source))

    def _learn_copies(self, entry: Entry, series: Series) -> None:
        """Note which sources said the same where the publisher says something else."""
        words = series.words[entry.day].values()
        publisher = next((e for e in words if e.said.role == "official"), None)
        if publisher is None or len(words) < 3:  # noqa: PLR2004 - the publisher and two that agree
            return
        wrong = [e for e in words if e.total != publisher.total]
        for place, e in enumerate(wrong):
            if entry is publisher or entry is e:
                same = [w.said.source for w in wrong[:place] if w.total == e.total]
                self._copies[e.said.claimant].learn(e.said.source, same)

    def _tell(self, finding: Finding) -> Iterator[Said]:
        if finding.kind != sources.KIND and self._ruling(finding.cell, finding.source, finding.observed):
            return
        yield from self._told.tell(finding)
        for cell in self._recounts.learn(finding):
            old = self._told.of(cell)
            if old is not None:
                yield from self._told.tell(recounts.label(replace(old, ref=finding.ref, known_at=finding.known_at)))

    def _relieve(self, case: Case) -> Iterator[Said]:
        """End what was said of a cell when its source, or the one that dissented from it, now says what fits."""
        cell = (case.said.claimant, case.said.metric, case.said.as_of)
        old = self._told.of(cell)
        if old is None or case.earlier is None:
            return
        agreed = old.kind == sources.KIND and all(e.total == case.total for e in case.others)
        if agreed or old.source == case.said.source:
            message = f"{case.said.source} now says {case.total:,} in place of {case.earlier.total:,}"
            yield from self._told.end(cell, case.said.ref, case.said.known_at, message)

    def _repeated(self, case: Case, entry: Entry) -> Iterator[Said]:
        """Tell of a whole report that says what the day before said, metric by metric, in one group."""
        if case.earlier is not None or entry.misdated:
            return
        report = self._reports[case.said.claimant, case.said.source, case.said.as_of]
        for repeated in report.add(case):
            series = self._series[case.said.claimant, repeated.said.metric]
            same = series.entry(entry.day, case.said.source)
            if same is not None and same.said is repeated.said:
                same.disbelieve()
                self._believe(series, entry.day)
                text = f"{repeated.said.source} repeats the report of the day before on {case.said.as_of}"
                found = stale.finding(repeated, text)
                yield from self._tell(replace(found, ref=case.said.ref, known_at=case.said.known_at, whole=True))

    def _replaced(self, case: Case, known: Entry | None) -> Iterator[Said]:
        """Tell of a report that gives today's numbers to the day before, whose own numbers it would replace."""
        if known is None:
            return
        said = case.said
        for late in self._late[said.claimant, said.source, said.as_of].add(case, self._moving(said)):
            series = self._series[said.claimant, late.said.metric]
            entry = series.entry(known.day, said.source)
            if entry is not None and entry.said is late.said:
                entry.misdated = True
                self._believe(series, entry.day)
                found = replace(dates.day_late(late), ref=said.ref, known_at=said.known_at, whole=True)
                yield from self._tell(found)

    def _moving(self, said: Observation) -> int:
        """Count the numbers by which the report of a source differs from its report of the day before."""
        report = self._rows[said.claimant, said.source, said.as_of]
        before = self._rows.get((said.claimant, said.source, said.as_of - timedelta(days=1)), {})
        return sum(total != before.get(metric, total) for metric, total in report.items())

    def _look_back(self, case: Case, series: Series, finding: Finding | None) -> Iterator[Said]:
        """Say what this number says of the one before it, where that one is in doubt."""
        base = case.base
        if base is None or case.setting is None:
            return
        if finding is not None and finding.as_of == base.said.as_of and finding.source == base.said.source:
            base.blame(case.weighing.best("previous"), case.weighing.share_of("previous"))
            self._believe(series, base.day)
        if finding is not None or len(base.anchors) == 1 or base.said.source != case.said.source:
            return
        doubted = base.doubt
        base.weigh_again(case.total, case.said.daily, case.setting)
        self._believe(series, base.day)
        old = self._told.of(base.cell)
        if old is None or old.kind == sources.KIND or old.kind.startswith("trend."):
            return  # the next day settles neither what others say nor whether the change was usual
        if not base.believed and old.suggestion is not None and old.suggestion.field == "daily":
            yield from self._told.tell(increment.reconsidered(old, base.anchors[0].total, base.said, case.said))
        if doubted < BELIEVED or base.doubt >= BELIEVED:
            return
        if old.kind == decrease.KIND and old.suggestion is not None and old.suggestion.diagnosis != "correction":
            yield from self._told.tell(decrease.corrected(old, case.said))
        yield from self._told.end(base.cell, case.said.ref, case.said.known_at, "the next day continues from it")

    def _change_alone(self, said: Observation, series: Series) -> Iterator[Said]:
        """Judge a printed change without a total against the totals that others gave."""
        day = said.as_of.toordinal()
        now, before = series.lead(day), series.lead(day - 1)
        if now and before and now.believed and before.believed:
            finding = increment.alone(said, now.said, before.said)
            if finding and self._told.of(now.cell) is None:
                yield from self._tell(finding)

    def _obey(self, entry: Entry, series: Series) -> None:
        """Let a person's verdict on a cell decide what is measured against it."""
        ruling = self._ruling(entry.cell, entry.said.source, entry.total)
        verdict = ruling.verdict if ruling else None
        if verdict in {"correction", "redefinition"}:
            entry.doubt, entry.anchors = 0.0, (Anchor(entry.total, entry.day, 1.0),)
        elif verdict == "typo":
            entry.disbelieve()
        elif verdict == "ours":
            entry.misdated = True
        if verdict:
            series.pace.exclude(entry.day)

    def _ruling(self, cell: Cell, source: str, number: int | None) -> Ruling | None:
        """Return what a person said of that number of that source: of the cell, or of the whole report."""
        of_cell = (one for one in self._rulings.get(cell, ()) if one.source == source or one.observed == number)
        of_report = (one for one in self._rulings.get((cell[0], "", cell[2]), ()) if one.source == source)
        return next(chain(of_cell, of_report), None)

    # What the pace, the trend and the milestones make of it

    def _believe(self, series: Series, day: int) -> None:
        """Bring the pace and the trend in line with what is believed of a day and the next."""
        for d in (day, day + 1):
            now, before = series.lead(d), series.lead(d - 1)
            if now is None:
                continue
            trend = self._breaks.of(now.said.claimant)
            if before is not None and now.sound and before.sound:
                change = now.total - before.total
                if series.pace.learn(d, change) and trend:
                    trend.revise(now.said.metric, now.said.as_of, change)
            elif series.pace.forget(d) and trend:
                trend.quarantine(now.said.metric, now.said.as_of)

    def _follow(self, case: Case, entry: Entry, series: Series) -> Iterator[Said]:
        self._believe(series, entry.day)
        if series.lead(entry.day) is not entry or entry.misdated or case.change is None:
            return
        if entry.day not in series.followed:
            series.followed.add(entry.day)
            ruled = self._ruling(entry.cell, entry.said.source, entry.total) is not None
            for finding in self._breaks.follow(case, entry, ruled=ruled):
                yield from self._tell(self._recounts.name(finding))
        if entry.sound and not case.falls and self._told.of(entry.cell) is None and case.earlier is None:
            yield from series.milestones.check(case)


def _is_copy(entry: Entry, said: Observation) -> bool:
    """Whether two sources print the same line: a total that stands beside the same change says nothing for itself."""
    return said.daily is not None and (entry.total, entry.said.daily) == (said.total, said.daily)
