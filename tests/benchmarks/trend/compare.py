"""Compare the trend check with the methods of the literature, on a real history with planted breaks.

    python -m tests.benchmarks.trend.compare FIGURES.csv [--passes 8] [--rscript Rscript]

FIGURES.csv has the columns as_of, metric, total: one source, corrected. Days with an alarm on the history as it
is are the burden; breaks planted at random say what that buys: one day x10 or x3, two weeks x2, three days of
nothing, four weeks rising to x2. A reference is read at the burden of the check, between the settings of its
own threshold, in the same years: that is generous to it. It takes ten minutes on one core; without R only the
rolling negative binomial is run, in one.
"""

from __future__ import annotations

import argparse
import csv
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from math import exp, lgamma, log
from pathlib import Path

import numpy as np

from pipelines.metrics import METRICS
from scheduler.checks.trend import DayChange, Trend

Changes = dict[str, dict[date, int]]  # metric -> day -> change
Alarms = dict[str, set[date]]
Planted = list[tuple[str, str, date]]  # kind, metric, first day

SINCE = date(2023, 1, 1)
ORIGIN = date(2022, 2, 25)
DEADLINE_S = 1800  # of R; three times what it takes
LENGTH = {"spike10": 1, "spike3": 1, "shift2": 14, "zero3": 3, "drift2": 28}


def read(path: Path) -> Changes:
    """Read the daily changes of a table of totals."""
    totals: dict[str, dict[date, int]] = defaultdict(dict)
    with path.open() as file:
        for row in csv.DictReader(file):
            totals[row["metric"]][date.fromisoformat(row["as_of"])] = int(row["total"])
    return {
        metric: {day: of[day] - of[day - timedelta(1)] for day in sorted(of) if day - timedelta(1) in of}
        for metric, of in totals.items()
    }


def plant(changes: Changes, rng: random.Random) -> tuple[Changes, Planted]:
    """Plant breaks into metrics that move by two a day or more, at least 75 days apart."""
    broken, planted = {metric: dict(of) for metric, of in changes.items()}, []
    for metric, of in broken.items():
        day, last = SINCE + timedelta(rng.randrange(75)), max(of)
        while day < last - timedelta(30):
            past = [of[d] for d in (day - timedelta(i) for i in range(1, 57)) if d in of]
            if len(past) < 40 or day not in of or statistics.median(past) < 2:
                day += timedelta(1)
                continue
            kind = rng.choice(list(LENGTH))
            for i in range(LENGTH[kind]):
                at = day + timedelta(i)
                of[at] = _broken(kind, i, of[at], statistics.median(past), METRICS[metric].step)
            planted.append((kind, metric, day))
            day += timedelta(75 + rng.randrange(30))
    return broken, planted


def _broken(kind: str, i: int, change: int, median: float, step: int) -> int:
    times = {"spike10": 10, "spike3": 3, "shift2": 2, "zero3": 0, "drift2": 1 + (i + 1) / 28}[kind]
    base = max(change, median) if kind.startswith("spike") else change
    return round(base * times / step) * step


def ours(changes: Changes, budget: int = 12) -> Alarms:
    """Days that the check tells of, with falls of a total left to the contradictions."""
    trend, told = Trend(budget=budget), defaultdict(set)
    known_at = datetime(2022, 2, 25, tzinfo=UTC)
    for day in sorted({day for of in changes.values() for day in of}):
        for metric in sorted(metric for metric, of in changes.items() if day in of):
            change = changes[metric][day]
            row = DayChange(
                metric=metric,
                as_of=day,
                change=change,
                total=None,
                ref=0,
                known_at=known_at,
                quarantined=change < 0,
            )
            for verdict in trend.feed(row):
                told[verdict.metric].add(verdict.as_of)
    return told


def rolling(changes: Changes, limit: float) -> Alarms:
    """Tell days beyond `limit` of a negative binomial on the 56 days before.

    Told days stay in the baseline: leaving them out makes a new level an alarm that never ends, at this burden.
    """
    told: Alarms = defaultdict(set)
    for metric, of in changes.items():
        step, past = METRICS[metric].step, []
        for day in sorted(of):
            x, window = max(0, of[day] // step), past[-56:]
            if len(window) >= 28 and min(_tails(x, window)) < limit:
                told[metric].add(day)
            past.append(x)
    return told


def _tails(x: int, past: list[int]) -> tuple[float, float]:
    mean = max(statistics.fmean(past), 1 / 56)
    size = mean**2 / max(statistics.variance(past) - mean, 0.01 * mean)
    odds, start = log(mean / (mean + size)), size * log(size / (mean + size)) - lgamma(size)
    masses = [exp(start + lgamma(k + size) - lgamma(k + 1) + k * odds) for k in range(x + 1)]
    return min(1.0, sum(masses)), max(0.0, 1 - sum(masses[:-1]))


def has_surveillance(rscript: str | None) -> bool:
    """Whether there is an R that has the references."""
    if rscript is None or shutil.which(rscript) is None:
        return False
    asked = [rscript, "-e", 'if (!requireNamespace("surveillance", quietly = TRUE)) quit(status = 1)']
    return subprocess.run(asked, check=False, capture_output=True).returncode == 0


def with_r(rscript: str, runs: list[Changes]) -> dict[tuple[str, str], list[Alarms]]:
    """Run what R's surveillance has: by method and setting, the alarms of every run."""
    found: dict[tuple[str, str], list[Alarms]] = defaultdict(lambda: [defaultdict(set) for _ in runs])
    with tempfile.TemporaryDirectory() as folder:
        series, alarms = Path(folder, "series.csv"), Path(folder, "alarms.csv")
        with series.open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow(("run", "metric", "day", "change"))
            for run, changes in enumerate(runs):
                for metric, of in changes.items():
                    step = METRICS[metric].step
                    table.writerows((run, metric, (day - ORIGIN).days, of[day] // step) for day in sorted(of))
        script = Path(__file__).with_name("references.R")
        subprocess.run([rscript, str(script), str(series), str(alarms)], check=True, timeout=DEADLINE_S)
        with alarms.open() as file:
            for row in csv.DictReader(file):
                day = ORIGIN + timedelta(int(row["day"]))
                found[row["method"], row["setting"]][int(row["run"])][row["metric"]].add(day)
    return found


def measure(alarms: list[Alarms], planted: list[Planted], last: date) -> list[float]:
    """Give the burden per 14 days, and the share found of each kind of break."""
    base, *others = alarms
    days = {day for of in base.values() for day in of if day >= SINCE}
    hit, number = Counter(), Counter()
    for told, breaks in zip(others, planted, strict=True):
        for kind, metric, first in breaks:
            inside = {first + timedelta(i) for i in range(LENGTH[kind])}
            number[kind] += 1
            hit[kind] += bool(inside & (told.get(metric, set()) - base.get(metric, set())))
    return [14 * len(days) / (last - SINCE).days, *(hit[kind] / max(1, number[kind]) for kind in LENGTH)]


def row(name: str, figures: list[float]) -> None:
    """Print a line of the table."""
    burden, *found = figures
    print(f"| {name} | {burden:.2f} | {' | '.join(f'{x:.2f}' for x in found)} | {statistics.fmean(found):.3f} |")


def at(burden: float, settings: list[list[float]]) -> list[float]:
    """Read figures between settings at one burden."""
    ordered = sorted(settings)
    return [float(np.interp(burden, [s[0] for s in ordered], [s[i] for s in ordered])) for i in range(6)]


def main() -> None:
    """Print the comparison as a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("figures", type=Path)
    parser.add_argument("--passes", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rscript", default="Rscript")
    arguments = parser.parse_args()
    changes, rng = read(arguments.figures), random.Random(arguments.seed)  # noqa: S311 - repeatable, not secret
    broken = [plant(changes, rng) for _ in range(arguments.passes)]
    runs, planted = [changes, *(b for b, _ in broken)], [p for _, p in broken]
    last = max(day for of in changes.values() for day in of)
    print("| method | burden | " + " | ".join(LENGTH) + " | mean |\n|---|---|---|---|---|---|---|---|")
    here = measure([ours(run) for run in runs], planted, last)
    row("this check, budget 12", here)
    limits = (0.0027, 1e-3, 5e-4, 3e-4, 2e-4, 1e-4, 1e-5)
    row(
        "rolling negative binomial",
        at(here[0], [measure([rolling(r, limit) for r in runs], planted, last) for limit in limits]),
    )
    if not has_surveillance(arguments.rscript):
        print(
            "\nNo R with the package surveillance was found: EARS, Farrington and glrnb were left out.",
            file=sys.stderr,
        )
        return
    settings: dict[str, list[list[float]]] = defaultdict(list)
    for (method, _), alarms in with_r(arguments.rscript, runs).items():
        settings[method].append(measure(alarms, planted, last))
    for method in sorted(settings):
        row(method, at(here[0], settings[method]))
        row(f"{method}, at its lowest threshold", max(settings[method]))


if __name__ == "__main__":
    main()
