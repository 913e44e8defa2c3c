"""`tallywatch crawl`: poll now, once."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated

import typer

from scheduler.clock import day
from scheduler.loop import run
from scheduler.output import ConfigOption, JsonOption, begin, emit, table
from scheduler.service import CrawlReport, Service, open_service

app = typer.Typer(add_completion=False)


@app.command(
    epilog="Example: tallywatch crawl telegram_general_staff --since 2023-03-01 --until 2023-03-07",
)
def crawl(
    sources: Annotated[list[str] | None, typer.Argument(help="Sources; without any, all that are polled.")] = None,
    since: Annotated[str | None, typer.Option(help="First Kyiv day to fetch, such as 2023-03-01.")] = None,
    until: Annotated[str | None, typer.Option(help="Last Kyiv day to fetch.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Poll the sources now, once: keep what they say, judge it, and send the mails that are due."""
    settings, clock = begin(config)
    first = day(since, "--since") if since else None
    last = day(until, "--until") if until else None

    async def poll() -> list[CrawlReport]:
        async with open_service(settings, clock) as service:
            return await _poll(service, sources or [], first, last)

    reports = run(poll)
    if as_json:
        emit(asdict(report) for report in reports)
    else:
        columns = ("source", "verdict", "cause", "new", "changed", "unchanged", "problems", "seconds")
        table("Crawled", columns, ([getattr(report, column) for column in columns] for report in reports))
    if any(report.verdict == "broken" for report in reports):
        raise typer.Exit(1)


async def _poll(service: Service, names: list[str], since: date | None, until: date | None) -> list[CrawlReport]:
    chosen = service.named(names)
    reports = [await service.crawl(source, since, until) for source in chosen]
    await service.judge()
    await service.deliver()
    return reports
