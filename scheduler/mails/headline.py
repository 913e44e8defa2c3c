"""What is wrong, in one line: for the subject, the heading and the news."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pipelines.metrics import METRICS
from scheduler.mails.catalog import Catalog
from scheduler.mails.quoting import one_line
from scheduler.mails.view import IncidentLine, Thread

SEVERITIES = ("critical", "warning", "info")
SETTLED = {"explained", "closed", "withdrawn"}
MANY = 3
"""Incidents of one kind that are one event of the report."""

LINE = 90
SOURCE = 40
"""Bounds of a headline and of a source in it: sources name themselves."""


def worst_first(lines: Sequence[IncidentLine], catalog: Catalog) -> tuple[IncidentLine, ...]:
    """Order incidents: what still stands before what is settled, then by severity, kind and size.

    What has befallen many metrics at once stands before what has befallen one: it says more of the report.
    """
    kinds = list(catalog.table["headline"])
    metrics = list(METRICS)
    alike = Counter((line.kind, line.severity, line.state in SETTLED) for line in lines)

    def rank(line: IncidentLine) -> tuple[bool, int, bool, int, float, int, int]:
        settled = line.state in SETTLED
        return (
            settled,
            SEVERITIES.index(line.severity),
            alike[line.kind, line.severity, settled] < MANY,
            kinds.index(_entry(line.kind, catalog)),
            -(gap(line) or 0) / max(line.before or 1, 1),
            metrics.index(line.metric) if line.metric in metrics else len(metrics),
            line.id,
        )

    return tuple(sorted(lines, key=rank))


def moved(line: IncidentLine) -> int | None:
    """Return by how much the total moved since the report before."""
    return None if line.now is None or line.before is None else line.now - line.before


def gap(line: IncidentLine) -> int | None:
    """Return how far the numbers that should agree are apart.

    None where these numbers agree: the incident is then about others, of another day or source, and a mail must
    not say of these that they clash.
    """
    step = moved(line)
    match line.kind:
        case "contradiction.decrease":
            apart = min(step or 0, 0)
        case "contradiction.increment":
            apart = 0 if step is None or line.printed is None else step - line.printed
        case "contradiction.sources":
            totals = [saying.total for saying in line.sayings if saying.total is not None]
            apart = max(totals, default=0) - min(totals, default=0)
        case _:
            apart = 0 if line.now is None or line.expected is None else line.now - line.expected
    return abs(apart) or None


def blames_daily(line: IncidentLine) -> bool:
    """Whether the change is blamed and not the total: `expected` is a change then."""
    return line.field == "daily" or line.kind.startswith("trend.")


def change(line: IncidentLine) -> int | None:
    """Return the daily change: as printed, else as the totals have it."""
    return moved(line) if line.printed is None else line.printed


def values(line: IncidentLine, catalog: Catalog) -> dict[str, str | None]:
    """Return what the catalog's sentences may name, written out; None is what this incident does not have."""
    numbers = {
        "gap": (catalog.number, gap(line)),
        "still": (catalog.number, line.now if line.now == line.before else None),
        "before": (catalog.number, line.before),
        "now": (catalog.number, line.now),
        "moved": (catalog.change, moved(line)),
        "printed": (catalog.change, line.printed),
        "change": (catalog.change, change(line)),
        "expected": (catalog.change if blames_daily(line) else catalog.number, line.expected),
    }
    written = {name: None if value is None else write(value) for name, (write, value) in numbers.items()}
    return written | {
        "metric": catalog.metric(line.metric) or None,
        "source": one_line(line.source, SOURCE) or None,
        "kind": line.kind,
    }


def headline(line: IncidentLine, catalog: Catalog) -> str:
    """Say one incident in one line."""
    entry = f"headline/{_entry(line.kind, catalog)}"
    return one_line(
        catalog.first(
            (f"{entry}/one", f"{entry}/plain", f"{entry}/whole", "headline/other/plain"), values(line, catalog)
        ),
        LINE,
    )


def report_headline(lines: Sequence[IncidentLine], catalog: Catalog) -> str:
    """Say a whole report in one line; lines come worst first. What is settled counts once nothing else is left."""
    worst = lines[0]
    settled = worst.state in SETTLED
    counted = [line for line in lines if (line.state in SETTLED) == settled]
    alike = [line for line in counted if line.kind == worst.kind]
    if len(alike) == 1:
        said = headline(worst, catalog)
    else:
        many = f"headline/{_entry(worst.kind, catalog)}/many"
        said = catalog.text(many, n=catalog.number(len(alike)), kind=worst.kind)
    others = len(counted) - len(alike)
    return f"{said} ({catalog.plural('label/more', others)})" if others else said


def subject(thread: Thread, lines: Sequence[IncidentLine], catalog: Catalog) -> str:
    """Return the subject of a thread's first mail: what, which report, what it probably is."""
    worst = lines[0]
    parts = [report_headline(lines, catalog), catalog.day(thread.as_of)]
    if worst.suggestion is not None:
        parts.append(catalog.text(f"diagnosis/{worst.suggestion.diagnosis}/short"))
    return "[tallywatch] " + " · ".join(filter(None, parts))


def _entry(kind: str, catalog: Catalog) -> str:
    """Find the headline of a kind: its own, that of its family, else the one for any."""
    known = catalog.table["headline"]
    return next((name for name in (kind, kind.partition(".")[0]) if name in known), "other")
