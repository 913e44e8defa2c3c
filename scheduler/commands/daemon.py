"""`tallywatch daemon`: run until told to stop."""

from __future__ import annotations

import typer

from scheduler.artist import Artist
from scheduler.config import load
from scheduler.daemon import Daemon
from scheduler.loop import run
from scheduler.output import ConfigOption, begin
from scheduler.service import open_service
from scheduler.watching import log_to_stderr, start_sentry

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: tallywatch daemon --config /etc/tallywatch/tallywatch.toml")
def daemon(config: ConfigOption = None) -> None:
    """Poll, judge and mail until told to stop (SIGTERM finishes the work in hand, a second one leaves at once).

    SIGHUP reads the configuration again.
    """
    settings, clock = begin(config)
    log_to_stderr(settings)
    outside = start_sentry(settings)

    artist = Artist()

    async def watch() -> None:
        async with open_service(settings, clock, artist) as service:
            await Daemon(service, outside, reload=lambda: load(config), prepare=artist.ready).run()

    run(watch)
