"""`tallywatch backfill --via warc`: fill the past from archives of web pages."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from scheduler.clock import Clock, day
from scheduler.config import Config
from scheduler.exceptions import WrongUse
from scheduler.output import table
from scheduler.scanning import Order, Scan, Scanned
from scheduler.scanning_farm import expanded, has_dask, require_dask, scan_all
from scheduler.service import Service, open_service, source_of
from spiders.sources import declared

WARC = "warc"
MOST_STRANGERS = 10  # hosts that are named


async def scan_files(
    config: Config,
    clock: Clock,
    files: Sequence[str],
    sources: Sequence[str],
    first: str | None,
    last: str | None,
    *,
    dask: str | None,
    tell: bool,
) -> list[dict[str, Any]]:
    """Read the files into the ledger, judge what they brought, and return what came of each."""
    if not files:
        raise WrongUse("--via warc needs files, patterns or URLs of them")
    if dask is not None:
        require_dask()
    order = Order(
        sources=[
            source_of(name, config) for name in sources or (declared().keys() | config.sources.keys()) - {"wayback"}
        ],
        alone=len(sources) == 1,
        since=day(first, "--from") if first else None,
        until=day(last, "--to") if last else None,
        quiet=not tell,
    )
    async with open_service(config, clock) as service:
        chosen = expanded(files)
        done = []
        with _progress(len(chosen)) as progress:
            async for scanned in _scanned(service, chosen, order, dask):
                done.append(scanned)
                progress(scanned)
        await service.court.judge(tell=True)  # what is quiet stays so
        if tell:
            await service.teller.tell()
            await service.deliver()
    return [_row(scanned) for scanned in done]


async def _scanned(service: Service, files: Sequence[str], order: Order, dask: str | None) -> AsyncIterator[Scanned]:
    """Read a single file here; several on the workers of a cluster, of this machine when none is named."""
    if dask is None and (len(files) == 1 or not has_dask()):
        for file in files:
            yield await Scan(order, service.pool).run(file)
        return
    results = scan_all(files, order, service.conninfo, dask)
    while (scanned := await asyncio.to_thread(next, results, None)) is not None:
        yield scanned


@contextmanager
def _progress(files: int) -> Iterator[Any]:
    """Show on stderr how far it is: a bar on a terminal, and a line for each file with something to tell."""
    console = Console(stderr=True)
    columns = (TextColumn("Reading"), BarColumn(), MofNCompleteColumn(), TextColumn("files"), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("", total=files)

        def show(scanned: Scanned) -> None:
            bar.advance(task)
            kept = ", ".join(f"{number} {what}" for what, number in sorted(scanned.counts.items())) or "nothing kept"
            looked = f"{scanned.promising} of {scanned.responses} pages looked at"
            console.print(f"{scanned.file}: {looked}, {kept}, {scanned.seconds:.1f} s", markup=False, soft_wrap=True)
            for problem in scanned.problems:
                console.print(f"  {problem}", markup=False, soft_wrap=True)

        yield show


def _row(scanned: Scanned) -> dict[str, Any]:
    kept = {name: scanned.counts[name] for name in ("new", "changed", "unchanged")}
    row = {name: value for name, value in asdict(scanned).items() if name != "counts"}
    return row | kept | {"seconds": round(scanned.seconds, 3), "strangers": dict(scanned.strangers)}


def show_files(rows: Sequence[dict[str, Any]]) -> None:
    """Show what came of each file, and which hosts have pages that no source declares."""
    columns = ("file", "responses", "promising", "new", "changed", "unchanged", "problems", "seconds")
    shown = ([len(row[name]) if name == "problems" else row[name] for name in columns] for row in rows)
    table("Read", columns, shown)
    strangers: Counter[str] = sum((Counter(row["strangers"]) for row in rows), Counter())
    if strangers:
        named = ", ".join(f"{host} ({number})" for host, number in strangers.most_common(MOST_STRANGERS))
        print(
            f"Not read, because no source declares their host, though they may hold a tally: pages of {named};"
            " --source NAME reads them as that source's",
            file=sys.stderr,
        )
