"""`--via wayback`: the past of any source out of the Wayback Machine."""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

from scheduler import crawling
from scheduler.clock import Clock
from scheduler.config import Config
from scheduler.crawling import CrawlOutcome, Source
from scheduler.exceptions import WrongUse
from spiders.base import SourceSpider
from spiders.exceptions import EmptyPage
from spiders.items import Trouble
from spiders.settings import user_agent
from spiders.sources import declared
from spiders.wayback import archived

NAME = "wayback"
LOOK_S = 0.5
UNIT_DEADLINE_S = 6 * 3600.0
"""At 24 requests a minute a month of captures takes hours."""

OF_THE_ARCHIVE = frozenset({"http_error", "timeout", "blocked"})
"""Causes that may be gone at the next attempt; what was captured stays as it is."""


class FromWayback:
    """`[sources.wayback]` may name another archive (`base_url`) and say `obey_robots`."""

    def __init__(self, config: Config) -> None:
        """Take the settings of the archive. Raises WrongUse for one that is unknown."""
        given = config.sources.get(NAME)
        options = given.options() if given else {}
        obey = options.pop("obey_robots", True)
        if options:
            raise WrongUse(f"the setting sources.{NAME}.{min(options)} is unknown")
        self.lock = config.home / "wayback.lock"
        self.base_url = given.base_url if given else None
        self.settings = {"ROBOTSTXT_OBEY": bool(obey), "USER_AGENT": user_agent(config.crawl.contact)}

    def months(self, spider: type[SourceSpider]) -> int:
        """Ask for one month at a time."""
        del spider
        return 1

    def unreachable(self, spider: type[SourceSpider], today: date) -> tuple[date, str] | None:
        """Any day may have been captured."""
        del spider, today
        return None

    async def fetch(
        self, source: Source, *, keep: crawling.Keeper, clock: Clock, since: date, until: date
    ) -> CrawlOutcome:
        """Crawl the archive. A capture of a wall or an error is a problem that is kept, and no reason to ask again."""
        spider = archived(declared()[source.spider or source.name])  # type: ignore[arg-type]  # a class can be hashed
        async with _alone(self.lock):
            outcome = await crawling.crawl(
                replace(source, base_url=self.base_url, settings={**source.settings, **self.settings}),
                keep=keep,
                clock=clock,
                deadline=UNIT_DEADLINE_S,
                since=since,
                until=until,
                spider=spider,
            )
        return replace(outcome, troubles=tuple(filter(_may_pass, outcome.troubles)))


@asynccontextmanager
async def _alone(path: Path) -> AsyncIterator[None]:
    """Be the only one on this machine who asks the archive: its limit is for all of us together."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        while not _locked(file):  # noqa: ASYNC110 -- a lock of the file system tells nobody
            await asyncio.sleep(LOOK_S)
        yield


def _locked(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _may_pass(trouble: Trouble) -> bool:
    """Whether asking again could help: neither with what was captured, nor where nothing was."""
    of_index = not urlsplit(trouble.url).path.startswith("/web/")
    return trouble.cause in OF_THE_ARCHIVE or (of_index and trouble.cause != EmptyPage.cause)
