"""Measure the judge on a true history with planted slips.

usage: python -m tests.benchmarks.contradictions FIGURES.csv [--seeds N] [--since DATE]

FIGURES.csv has the columns as_of, metric, total: one corrected history. Two streams are made of it:

printed    the publisher reports every day with its printed changes; about every fifth day one number is wrong, and
           on a quarter of the days a relay repeats the true totals before it.
mirrors    the publisher reports without changes, two mirrors copy it, each with one wrong number in a hundred, before
           or after it.
"""

from __future__ import annotations

import argparse
import csv
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path

from pipelines.records import GENERAL_STAFF, KYIV, Observation
from scheduler.checks.finding import Finding
from scheduler.checks.judge import Judge

Totals = dict[date, dict[str, int]]
Cell = tuple[str, date]


@dataclass
class Outcome:
    """What was planted and what became of it."""

    planted: dict[Cell, tuple[str, int | str]] = field(default_factory=dict)  # field or source, and the true value
    found: Counter[str] = field(default_factory=Counter)
    false: int = 0


def read(path: Path, since: date) -> Totals:
    """Read the history."""
    totals: Totals = defaultdict(dict)
    with path.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if (day := date.fromisoformat(row["as_of"])) >= since:
                totals[day][row["metric"]] = int(row["total"])
    return dict(sorted(totals.items()))


def slip(rng: random.Random, total: int, before: int) -> int:
    """Return a number as a hand might copy it."""
    text = str(total)
    place = rng.randrange(len(text))
    kind = rng.choice(["digit", "swap", "lost", "doubled", "stale"])
    if kind == "stale":
        return before
    if kind == "digit":
        return int(text[:place] + rng.choice("123456789") + text[place + 1 :])
    if kind == "swap":
        place = min(place, len(text) - 2)
        return int(text[:place] + text[place + 1] + text[place] + text[place + 2 :])
    return int(text[:place] + text[place + 1 :] or 0) if kind == "lost" else int(text[: place + 1] + text[place:])


def said(source: str, at: datetime, metric: str, total: int, daily: int | None = None) -> Observation:
    """Return an observation of the day of its time; a source is named after its role."""
    role = source.rstrip("0123456789")
    return Observation(
        source=source,
        role=role,
        claimant=GENERAL_STAFF,
        metric=metric,
        as_of=at.date(),
        total=total,
        daily=daily,
        known_at=at,
    )  # type: ignore[arg-type]


def hour(day: date, hours: float) -> datetime:
    """Return an hour of a Kyiv day."""
    return datetime.combine(day, time(0), KYIV) + timedelta(hours=hours)


def falls(totals: Totals) -> set[Cell]:
    """Return the cells in which a total really falls, and the days after them."""
    days = list(totals)
    real = {(m, y) for x, y in pairwise(days) for m in totals[y] if totals[y][m] < totals[x].get(m, 0)}
    return real | {(m, d + timedelta(days=1)) for m, d in real}


def contradictions(rows: list[Observation]) -> dict[Cell, list[Finding]]:
    """Judge and return the contradictions by cell."""
    judge, found = Judge(), defaultdict(list)
    for row in rows:
        for event in judge.feed(row):
            news = isinstance(event, Finding) and event.kind.startswith("contradiction.") and event.severity != "info"
            if news:
                found[event.metric, event.as_of].append(event)
    return found


def printed(totals: Totals, rng: random.Random) -> Outcome:
    """Plant a wrong total or a wrong change now and then."""
    outcome, rows, real = Outcome(), [], falls(totals)
    for number, (x, y) in enumerate(pairwise(totals)):
        report = {m: (v, v - totals[x][m]) for m, v in totals[y].items() if m in totals[x]}
        if rng.random() < 0.25:
            rows += [said("relay", hour(y, 7), m, v) for m, (v, _) in report.items()]
        metric = rng.choice([m for m, (v, _) in report.items() if v > 100])
        if number > 40 and number % 5 == 0 and not any(m_d[1] in {x, y} for m_d in real):
            total, change = report[metric]
            if rng.random() < 1 / 6:
                wrong = slip(rng, max(change, 1), change)
                if wrong != change:
                    outcome.planted[metric, y], report[metric] = ("daily", change), (total, wrong)
            elif (wrong := slip(rng, total, total - change)) != total:
                outcome.planted[metric, y], report[metric] = ("total", total), (wrong, change)
        rows += [said("official", hour(y, 8), m, v, c) for m, (v, c) in report.items()]
    found = contradictions(rows)
    for cell, (name, value) in outcome.planted.items():
        hints = [f.suggestion for f in found.get(cell, []) if f.known_at.astimezone(KYIV).date() == cell[1]]
        outcome.found["found"] += bool(hints)
        outcome.found["blamed"] += any(s and s.field == name for s in hints)
        outcome.found["suggested"] += any(s and (s.field, s.value) == (name, value) for s in hints)
    outcome.false = len(found.keys() - outcome.planted.keys() - real)
    return outcome


def mirrors(totals: Totals, rng: random.Random) -> Outcome:
    """Plant wrong copies in two mirrors."""
    outcome, rows, before = Outcome(), [], {}
    for day, report in totals.items():
        hours = {name: rng.uniform(6, 20) for name in ("official", "mirror1", "mirror2")}
        for name, at in hours.items():
            for metric, total in report.items():
                copied = total
                if name != "official" and rng.random() < 0.01 and before and (metric, day) not in outcome.planted:
                    copied = slip(rng, total, before.get(metric, total))
                    if copied != total:
                        outcome.planted[metric, day] = (name, total)
                rows.append(said(name, hour(day, at), metric, copied))
        before = report
    found = contradictions(sorted(rows, key=lambda o: (o.known_at, o.metric)))
    for cell, (name, _) in outcome.planted.items():
        told = [f for f in found.get(cell, []) if f.kind == "contradiction.sources"]
        outcome.found["found"] += bool(told)
        hint = told[0].suggestion if told else None
        named = hint is not None and hint.value is not None  # without a value, the finding names neither side
        outcome.found["named at once"] += named and told[0].source == name
        outcome.found["another named at once"] += named and told[0].source != name
        outcome.found["named"] += bool(told) and told[-1].source == name
        outcome.found["once"] += len({f.key for f in told}) == 1
    outcome.false = len(found.keys() - outcome.planted.keys() - falls(totals))
    return outcome


def main() -> None:
    """Print one line per stream."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figures", type=Path)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--since", type=date.fromisoformat, default=date(2023, 1, 1))
    given = parser.parse_args()
    totals = read(given.figures, given.since)
    for name, stream in (("printed", printed), ("mirrors", mirrors)):
        outcomes = [stream(totals, random.Random(seed)) for seed in range(given.seeds)]  # noqa: S311 - no secrets here
        planted = sum(len(o.planted) for o in outcomes)
        shares = sum((o.found for o in outcomes), Counter())
        told = ", ".join(f"{what} {count / planted:.3f}" for what, count in shares.items())
        print(f"{name}: planted {planted}, {told}, false {sum(o.false for o in outcomes)}")


if __name__ == "__main__":
    main()
