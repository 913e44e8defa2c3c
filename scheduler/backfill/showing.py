"""How far a backfill is, on stderr: a bar on a terminal, else a line for each unit."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from scheduler.backfill.plan import Unit
from scheduler.backfill.work import Rows, Step, Watch


class Pace:
    """How fast units are settled, whoever works on them: what the time left is estimated from."""

    def __init__(self) -> None:
        self.began = monotonic()
        self.before: float | None = None  # share that was settled when we began

    def left(self, share: float) -> float | None:
        """Return the seconds left when this share is settled; None as long as nothing tells."""
        if self.before is None:
            self.before = share
        won = share - self.before
        return (monotonic() - self.began) / won * (1 - share) if won > 0 else None


def settled(rows: Rows) -> tuple[int, float]:
    """Return how many units are settled, and their share of all days: a unit may be a month or four years."""
    days = {row["id"]: (row["last"] - row["first"]).days + 1 for row in rows}
    over = [row["id"] for row in rows if row["state"] != "waiting"]
    return len(over), sum(days[unit] for unit in over) / (sum(days.values()) or 1)


def spoken(seconds: float | None) -> str:
    """Say how long something will take, no more exactly than is known."""
    if seconds is None:
        return "time left unknown"
    if seconds < 90:  # noqa: PLR2004 - a minute and a half is the last time that is told in seconds
        return f"about {round(seconds)} s left"
    return f"about {round(seconds / 60)} min left"


def line(step: Step) -> str:
    """Say what came of a unit."""
    outcome, window = step.outcome, step.window
    counts = f"{outcome.new} new, {outcome.changed} changed, {outcome.unchanged} unchanged, {outcome.seconds:.1f} s"
    if outcome.problems:
        counts += f"; {len(outcome.problems)} problems, the first: {outcome.problems[0]}"
    what = counts if outcome.complete else f"failed: {outcome.problems[0] if outcome.problems else 'unfinished'}"
    return f"{step.source} {window.first} to {window.last}: {what}"


class Left(ProgressColumn):
    """The time left, as the task's fields have it."""

    def render(self, task: Task) -> Text:
        """Show it."""
        return Text(spoken(task.fields["left"]))


@contextmanager
def watching(units: tuple[Unit, ...]) -> Iterator[Watch]:
    """Show the work on some units while the block runs."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("units"), Left())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        pace = Pace()
        task = bar.add_task("Filling", total=len(units), left=None)

        def watch(rows: Rows, step: Step | None) -> None:
            number, share = settled(rows)
            bar.update(task, completed=number, left=pace.left(share))
            if step is not None and (step.outcome.problems or not step.outcome.complete):
                bar.console.print(Text(line(step)))

        yield watch


def _lines() -> Watch:
    pace = Pace()

    def watch(rows: Rows, step: Step | None) -> None:
        number, share = settled(rows)
        left = spoken(pace.left(share))
        if step is not None:
            print(f"{line(step)}; {number} of {len(rows)} units, {left}", file=sys.stderr, flush=True)  # noqa: T201 - what a log of the command shows

    return watch
