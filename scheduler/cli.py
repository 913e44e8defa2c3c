"""The command `tallywatch`: its commands by name, loaded when they are called."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from pipelines.exceptions import PipelineError
from scheduler.exceptions import TallywatchError

COMMANDS = {
    "demo": "The whole job on a local mirror with planted faults, at high speed.",
    "daemon": "Run until told to stop.",
    "crawl": "Poll the sources now, once.",
    "backfill": "Fill a window of the past.",
    "parse": "Read texts, HTML or JSON and print the claims.",
    "backtest": "Stream observations of a CSV through the checks.",
    "status": "Is everything well: leader, database, mails, sources.",
    "sources": "What is polled.",
    "doctor": "Check that everything is configured and reachable.",
    "incidents": "The work list.",
    "silences": "What nobody wants to be mailed of for a while.",
    "evidence": "What an incident rests on, as a pack that anybody can check.",
    "figures": "The ledger, as known now or then.",
    "reread": "Read stored documents again after the reader has learned.",
    "export": "The ledger as a file: CSV, JSON or Parquet.",
    "mail": "The outbox.",
    "backup": "All that is kept, in one file.",
    "restore": "A backup into an empty database.",
}
"""Name -> what it does: the list of `tallywatch --help`, which imports none of them."""


class LazyGroup(TyperGroup):
    """A group whose commands live in `scheduler.commands.NAME` and are imported on use."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override] # Typer's Context is Click's
        """Name the commands in the order of the help."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override] # likewise
        """Import one command; None for a name that does not exist."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command = get_command(importlib.import_module(f"scheduler.commands.{cmd_name}").app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override] # likewise
        """Write the list without importing anything."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


app = typer.Typer(
    cls=LazyGroup,
    help="Watches the daily tallies of Russian losses. Begin with: tallywatch demo",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def tallywatch(
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
    now: str | None = typer.Option(None, "--now", help="Pretend that it is this time (ISO; naive is Kyiv time)."),
) -> None:
    """Watches the daily tallies of Russian losses. Begin with: tallywatch demo."""
    if debug:
        os.environ["TALLYWATCH_DEBUG"] = "1"
    if now is not None:
        os.environ["TALLYWATCH_NOW"] = now


def main() -> None:
    """Run one command and exit: 0 done, 1 something is wrong in the world, 2 wrong use or configuration.

    An error that we know is one sentence on stderr; with --debug its traceback follows.
    """
    try:
        app()
    except (TallywatchError, PipelineError) as error:
        if os.environ.get("TALLYWATCH_DEBUG"):
            raise
        print(f"tallywatch: {error}", file=sys.stderr)
        sys.exit(getattr(error, "exit_code", 1))
    except BrokenPipeError:
        # The reader of our output (head, less) has left: nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
