"""`tallywatch parse`: what a text says, number by number. Needs no database."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines import reading
from pipelines.records import Reading
from scheduler.clock import moment
from scheduler.exceptions import WrongUse

app = typer.Typer(add_completion=False)

_TYPES = {".html": "text/html", ".htm": "text/html", ".json": "application/json"}


@app.command()
def parse(
    files: Annotated[list[str], typer.Argument(metavar="FILE…|-", help="Texts, HTML or JSON; - is standard input.")],
    published: Annotated[
        str | None, typer.Option("--published", metavar="T", help="When it was published (ISO; naive is Kyiv time).")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", metavar="S", help="Read as if this source had published it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Say which rule and words decided each claim.")] = False,
) -> None:
    """Print the claims of texts, each number with where it stands.

    Example: tallywatch parse --published 2023-03-07T09:00 post.txt
    """
    at = moment(published, "--published") if published else None
    speaker = speaker_of(source) if source else None
    for file in files:
        found = reading.read(_bytes(file), content_type=_content_type(file), published_at=at, speaker=speaker)
        if as_json:
            _print_json(file, found, explain=explain)
        else:
            _print_human(file, found, explain=explain)


def speaker_of(source: str) -> str | None:
    """Tell the claimant that a source itself is.

    Raises WrongUse for a source that does not exist.
    """
    from spiders.sources import declared  # noqa: PLC0415 - half a second that only this option costs

    if source not in declared():
        raise WrongUse(f"--source: no source is called {source!r}; there are {', '.join(sorted(declared()))}")
    return declared()[source].claimant


def _bytes(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise WrongUse(f"{file}: {error.strerror}") from error


def _content_type(file: str) -> str:
    return _TYPES.get(Path(file).suffix.lower(), "text/plain")


def _print_json(file: str, found: Reading, *, explain: bool) -> None:
    from scheduler.output import emit  # noqa: PLC0415 - the configuration that it brings is not needed to read a text

    emit(_rows(file, found, explain=explain))


def _rows(file: str, found: Reading, *, explain: bool) -> list[dict[str, Any]]:
    claims = [
        {
            "file": file,
            "claimant": claim.claimant,
            "metric": claim.metric,
            "as_of": claim.as_of,
            "total": claim.total,
            "daily": claim.daily,
            "hedge": claim.hedge,
            "total_span": claim.total_span,
            "daily_span": claim.daily_span,
            "quote": claim.quote,
            "reader": claim.reader,
            "note": claim.note,
        }
        | ({"why": claim.why} if explain else {})
        for claim in found.claims
    ]
    problems = [
        {"file": file, "problem": problem.problem, "span": problem.span, "quote": problem.quote}
        for problem in found.problems
    ]
    return [*claims, *problems]


def _print_human(file: str, found: Reading, *, explain: bool) -> None:
    from rich.console import Console  # noqa: PLC0415 - machines do not pay for it
    from rich.text import Text  # noqa: PLC0415 - likewise

    from scheduler.output import CONTROL, table  # noqa: PLC0415 - likewise

    shown = Text(CONTROL.sub("\ufffd", found.text))
    for claim in found.claims:
        for span, style in ((claim.total_span, "bold green"), (claim.daily_span, "bold cyan")):
            if span:
                shown.stylize(style, *span)
    for problem in found.problems:
        if problem.span:
            shown.stylize("bold red", *problem.span)
    Console().print(shown)
    columns = ("day", "metric", "total", "change", "hedge", "claimant", *(("why",) if explain else ()))
    table(f"{file} ({found.reader}, {found.extractor})", columns, _cells(found, explain=explain))
    for problem in found.problems:
        Console().print(Text(f"not understood: {problem.problem}: {problem.quote}", style="red"))
    for note in sorted({claim.note for claim in found.claims if claim.note}):
        Console().print(Text(note, style="yellow"))


def _cells(found: Reading, *, explain: bool) -> Sequence[Sequence[object]]:
    return [
        (
            claim.as_of, claim.metric, claim.total, _signed(claim.daily), claim.hedge, claim.claimant,
            *(("; ".join(claim.why),) if explain else ()),
        )
        for claim in found.claims
    ]  # fmt: skip


def _signed(change: int | None) -> str | None:
    return None if change is None else f"{change:+d}"
