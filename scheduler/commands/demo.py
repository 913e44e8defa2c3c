"""`tallywatch demo`: the whole job on a local mirror with planted faults, at high speed."""

from __future__ import annotations

import logging
import os
import shlex
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from scheduler import loop
from scheduler.demo.press import days
from scheduler.demo.run import Rehearsal, rehearse
from scheduler.output import JsonOption, emit

if TYPE_CHECKING:
    from email.message import EmailMessage

    from scheduler.demo.outcome import Told, Verdict

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: tallywatch demo --home /tmp/tallywatch-demo")
def demo(
    home: Annotated[Path, typer.Option(help="Its home directory, made anew at each run.")] = Path(".demo"),
    as_json: JsonOption = False,
) -> None:
    """Run the real job over ten weeks of real figures with six planted faults; under a minute.

    A small web server on this machine plays a Telegram channel, the ministry and a news site. The real spiders
    crawl it day by day, the checks judge, mails go into a Maildir. Exits 1 when a planted fault was not found, or
    something was reported that was not planted.
    """
    place = home.expanduser().absolute()
    started = perf_counter()
    rehearsal = _watched(place)
    seconds = round(perf_counter() - started, 1)
    if as_json:
        _print_lines(rehearsal, place, seconds)
    else:
        _print_report(rehearsal, home, seconds)
    if not rehearsal.right:
        raise typer.Exit(1)


def _watched(place: Path) -> Rehearsal:
    """Run the demo under a progress bar, on stderr: stdout is for what it found."""
    os.environ.setdefault("MPLCONFIGDIR", str(place / "matplotlib"))
    logging.getLogger().addHandler(logging.NullHandler())  # troubles are part of the report, not of the screen
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("Starting PostgreSQL", total=len(list(days())))
        return loop.run(
            lambda: rehearse(place, lambda day: progress.update(task, advance=1, description=f"{day:%d %B %Y}"))
        )


def _print_lines(rehearsal: Rehearsal, place: Path, seconds: float) -> None:
    lines: list[dict[str, Any]] = [_verdict_line(verdict) for verdict in rehearsal.outcome.verdicts]
    lines += [{"genuine": _told_line(told)} for told in rehearsal.outcome.genuine]
    lines += [{"unplanted": _told_line(told)} for told in rehearsal.outcome.unplanted]
    lines += [{"trouble": trouble} for trouble in rehearsal.troubles]
    lines.append(
        {
            "right": rehearsal.right,
            "mails": rehearsal.mails,
            "home": str(place),
            "maildir": str(rehearsal.maildir),
            "picture": str(rehearsal.picture),
            "seconds": seconds,
        }
    )
    emit(lines)


def _verdict_line(verdict: Verdict) -> dict[str, Any]:
    return {
        "fault": verdict.fault.name,
        "as_of": verdict.fault.expect.as_of,
        "planted": verdict.fault.planted,
        "found": verdict.found,
        "incidents": [_told_line(told) for told in verdict.told],
    }


def _told_line(told: Told) -> dict[str, Any]:
    return {
        "id": told.id,
        "kind": told.kind,
        "metric": told.metric,
        "as_of": told.as_of,
        "severity": told.severity,
        "message": told.message,
    }


def _print_report(rehearsal: Rehearsal, home: Path, seconds: float) -> None:
    console = Console()
    console.print(_table(rehearsal))
    for told in rehearsal.outcome.genuine:
        console.print(Text(f"Not planted, but real: {told.kind} on {told.as_of}, {told.message}"))
    for told in rehearsal.outcome.unplanted:
        console.print(Text(f"Not planted, but told: {told.kind} on {told.as_of}, {told.message}", style="bold red"))
    for trouble in rehearsal.troubles:
        console.print(Text(f"Trouble: {trouble}", style="bold red"))
    if rehearsal.shown is not None:
        console.print(Rule(Text(f"One of {rehearsal.mails} mails"), align="left"))
        _print_mail(console, rehearsal.shown)
    console.print(Rule())
    console.print(_where(rehearsal, home, seconds), soft_wrap=True)


def _print_mail(console: Console, mail: EmailMessage) -> None:
    """Print what a reader without pictures sees."""
    body = mail.get_body(("plain",))
    head = "".join(f"{name}: {mail[name]}\n" for name in ("From", "To", "Subject"))
    console.print(Text(f"{head}\n{body.get_content().strip() if body else ''}\n"), soft_wrap=True)


def _table(rehearsal: Rehearsal) -> Table:
    table = Table(title="Planted and found", title_justify="left", show_lines=True)
    for heading in ("Day", "Planted", "Told"):
        table.add_column(heading, overflow="fold")
    table.add_column("", no_wrap=True)
    for verdict in rehearsal.outcome.verdicts:
        planted = Text.assemble((verdict.fault.title, "bold"), "\n", verdict.fault.planted)
        mark = Text("found", "green") if verdict.found else Text("NOT FOUND", "bold red")
        table.add_row(f"{verdict.fault.expect.as_of:%d %b}", planted, _told(verdict), mark)
    return table


def _told(verdict: Verdict) -> Text:
    """Show the first thing that was told; a whole report has one for each metric."""
    if not verdict.told:
        return Text("nothing")
    first, *more = verdict.told
    rest = f"\nand {len(more)} more of the same report" if more else ""
    return Text.assemble((first.kind, "bold"), f"\n{first.message}{rest}")


def _where(rehearsal: Rehearsal, home: Path, seconds: float) -> Text:
    command = _this_command()
    return Text(
        f"{rehearsal.mails} mails are in {rehearsal.maildir}\n"
        f"The series with the incidents marked: {rehearsal.picture}\n"
        f"Done in {seconds} s. All of it is in {home} and is made anew by the next demo.\n\n"
        "What to try next:\n"
        f"  export TALLYWATCH_HOME={shlex.quote(str(home.absolute()))} TALLYWATCH_NOW=2023-04-15T12:00\n"
        f"  {command} incidents list\n"
        f"  {command} figures --metric personnel --from 2023-03-13 --to 2023-03-17\n"
        f"  {command} figures --metric artillery_systems --from 2023-03-22 --to 2023-03-22 --known-at 2023-03-23\n"
        f"  {command} mail list\n"
    )


def _this_command() -> str:
    """Return how this shell can call us again: inside a checkout that is not by the bare name."""
    called = Path(sys.argv[0]).absolute()
    here = Path.cwd()
    return shlex.quote(str(called.relative_to(here))) if called.is_relative_to(here) else called.name
