"""The report of a backtest: what would have been told, when and why, in one HTML file that needs nothing else."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date
from importlib.resources import files
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from jinja2 import Environment

from pipelines import ledger
from pipelines.metrics import METRICS
from scheduler.expected import Moved, bands

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipelines.records import Figure, Observation
    from scheduler.backtest import Arrival
    from scheduler.checks.finding import Finding

WIDTH, HEIGHT, MARGIN = 1060, 150, 14  # of a chart, in pixels
AXIS = 16  # below it, for the dates
TICKS = 8  # dates on an axis, at most
CEILING = 0.985  # share of the days that the scale shows in full: one lost digit must not flatten the others


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a chart, in pixels; what it says, in words."""

    x: float
    y: float
    text: str
    flags: str  # "", or the gravest severity that was told of it
    disputed: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """A date on the axis."""

    x: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """The daily changes of one metric, with what was expected and what was told."""

    name: str
    first: date
    last: date
    top: int
    zero: float
    days: list[Day]
    band: str  # points of a polygon
    ticks: list[Tick]

    @property
    def told(self) -> int:
        """Days that were told of."""
        return sum(bool(day.flags) for day in self.days)

    @property
    def disputed(self) -> int:
        """Days on which sources differ."""
        return sum(day.disputed for day in self.days)


@dataclass(slots=True)
class Collected:
    """What a backtest leaves behind for its report."""

    observations: dict[tuple[str, str, date], list[Observation]] = field(default_factory=lambda: defaultdict(list))
    findings: list[Finding] = field(default_factory=list)

    def take(self, arrival: Arrival) -> None:
        """Keep a row and what was said of it."""
        said = arrival.observation
        self.observations[said.claimant, said.metric, said.as_of].append(said)
        self.findings.extend(arrival.findings)


def html(collected: Collected, title: str) -> str:
    """Write the report."""
    figures = [f for said in collected.observations.values() if (f := ledger.figure(said)) is not None]
    template = (files("scheduler") / "templates" / "report.html.j2").read_text("utf-8")
    page = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(template)
    told = [f for f in collected.findings if f.severity != "info"]
    return page.render(
        title=title,
        rows=sum(map(len, collected.observations.values())),
        days=len({f.as_of for f in figures}),
        counts=_counts(collected.findings),
        charts=_charts(figures, told),
        groups=_groups(told),
        news=[f for f in collected.findings if f.severity == "info" and f.kind.startswith("milestone.")],
        width=WIDTH,
        height=HEIGHT,
        axis=AXIS,
    )


def _counts(findings: Iterable[Finding]) -> list[tuple[str, int, int, int]]:
    """Count per kind: findings, cells and days."""
    told = Counter(f.kind for f in findings)
    cells = Counter(kind for kind, *_ in {f.key for f in findings})
    days = Counter(kind for kind, _ in {(f.kind, f.as_of) for f in findings})
    return [(kind, number, cells[kind], days[kind]) for kind, number in sorted(told.items())]


def _groups(findings: Iterable[Finding]) -> list[tuple[str, list[Finding]]]:
    """Put the findings of one report together, in the order in which they were told."""
    ordered = sorted(findings, key=lambda f: (f.known_at, f.group, f.ref))
    return [(name, list(group)) for name, group in groupby(ordered, key=lambda f: f.group)]


def _charts(figures: Iterable[Figure], told: Sequence[Finding]) -> list[Chart]:
    flags: dict[tuple[str, str, date], list[Finding]] = defaultdict(list)
    for finding in told:
        flags[finding.claimant, finding.metric, finding.as_of].append(finding)
    by_series: dict[tuple[str, str], list[Figure]] = defaultdict(list)
    for figure in sorted(figures, key=lambda f: f.as_of):
        if figure.total is not None:
            by_series[figure.claimant, figure.metric].append(figure)
    return [_chart(key, series, flags) for key, series in sorted(by_series.items()) if len(series) > 1]


def _chart(key: tuple[str, str], series: list[Figure], flags: dict[tuple[str, str, date], list[Finding]]) -> Chart:
    claimant, metric = key
    changes = [
        (figure, (figure.total or 0) - (before.total or 0), (figure.as_of - before.as_of).days)
        for before, figure in pairwise(series)
    ]
    sizes = sorted(abs(change) for _, change, _ in changes)
    top = max(1, sizes[int(CEILING * (len(sizes) - 1))])
    low = -top / 4 if any(change < 0 for _, change, _ in changes) else 0.0
    first, last = series[0].as_of, series[-1].as_of
    wide = (WIDTH - 2 * MARGIN) / max(1, (last - first).days)

    def x(day: date) -> float:
        return round(MARGIN + (day - first).days * wide, 1)

    def y(change: float) -> float:
        inside = min(max(change, low), top)
        return round(HEIGHT - MARGIN - (inside - low) / (top - low) * (HEIGHT - 2 * MARGIN), 1)

    moves, days = [], []
    for figure, change, gap in changes:
        found = flags.get(figure.cell, [])
        moves.append(Moved(day=figure.as_of, change=change, ordinary=not found and gap == 1))
        text = _words(figure, change, found)
        days.append(Day(x(figure.as_of), y(change), text, _gravest(found), bool(figure.dissents)))
    band = list(bands(METRICS[metric], moves))
    upper = [f"{x(one.day)},{y(one.high)}" for one in band]
    lower = [f"{x(one.day)},{y(one.low)}" for one in reversed(band)]
    name = METRICS[metric].names["en"] + ("" if claimant == "general_staff_ukraine" else f" ({claimant})")
    ticks = [Tick(x(on), text) for on, text in _dates(first, last)]
    return Chart(name, first, last, top, y(0), days, " ".join([*upper, *lower]), ticks)


def _dates(first: date, last: date) -> list[tuple[date, str]]:
    """Choose the beginnings of months that an axis names: as many as there is room for, years before all."""
    months = [date(year, month, 1) for year in range(first.year, last.year + 1) for month in range(1, 13)]
    inside = [day for day in months if first <= day <= last]
    apart = next((n for n in (1, 3, 6, 12, 24) if len(inside) <= n * TICKS), 60)
    kept = [day for day in inside if (day.year * 12 + day.month - 1) % apart == 0]
    return [
        (day, f"{day.year}" if day.month == 1 else f"{day:%b %Y}" if day == kept[0] else f"{day:%b}") for day in kept
    ]


def _gravest(found: Sequence[Finding]) -> str:
    severities = {f.severity for f in found}
    return "critical" if "critical" in severities else "warning" if severities else ""


def _words(figure: Figure, change: int, found: Sequence[Finding]) -> str:
    lines = [f"{figure.as_of}: {figure.total:,} ({change:+,}), {figure.status}"]
    lines += [f"{d.source} says {d.total:,} since {d.since:%Y-%m-%d %H:%M}" for d in figure.dissents]
    return "\n".join([*lines, *(f.message for f in found)])
