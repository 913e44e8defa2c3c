"""Ways to fetch the past of a source: from itself, or from an archive. `backfill --via NAME` chooses one.

A way fetches one unit (a window of days of one source) and says what came of it; what a unit is, who works on it and
when it is tried again are no business of a way. A new way is one class, here or elsewhere, and a line in `WAYS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from types import MappingProxyType
from typing import Protocol

from scheduler import crawling
from scheduler.backfill import archives
from scheduler.clock import Clock
from scheduler.config import Config
from scheduler.crawling import CrawlOutcome, Source
from scheduler.exceptions import WrongUse
from spiders.base import SourceSpider

UNIT_DEADLINE_S = 900.0
"""A unit is meant to take a minute or two; one that takes longer is told and tried again."""


class Way(Protocol):
    """How the units of a backfill are fetched. The documents keep the name, the role and the keys of their source."""

    def months(self, spider: type[SourceSpider]) -> int:
        """Return how many months one unit asks for; 0: the whole window at once."""
        ...

    def unreachable(self, spider: type[SourceSpider], today: date) -> tuple[date, str] | None:
        """Return the first day that can be asked for, with a sentence on why no earlier one; None: any day can."""
        ...

    async def fetch(
        self, source: Source, *, keep: crawling.Keeper, clock: Clock, since: date, until: date
    ) -> CrawlOutcome:
        """Fetch the days `since` to `until` (both inclusive) of a source into a keeper, and say what came of it.

        The unit is done only if the outcome is `complete`. Must be cancellable, and may be done twice.
        """
        ...


class FromItself:
    """The source's own spider, asked for a window."""

    def __init__(self, config: Config) -> None:
        """Need nothing of the configuration: the source carries its own."""
        del config

    def months(self, spider: type[SourceSpider]) -> int:
        """Return what the source declares."""
        return spider.unit_months

    def unreachable(self, spider: type[SourceSpider], today: date) -> tuple[date, str] | None:
        """Go by the declared `reach`."""
        if spider.reach == "all":
            return None
        if spider.reach == "days":
            return today - timedelta(days=spider.days_back), f"its list knows the last {spider.days_back} days only"
        return today + timedelta(days=1), "it shows the latest only"

    async def fetch(
        self, source: Source, *, keep: crawling.Keeper, clock: Clock, since: date, until: date
    ) -> CrawlOutcome:
        """Crawl it."""
        return await crawling.crawl(source, keep=keep, clock=clock, deadline=UNIT_DEADLINE_S, since=since, until=until)


ITSELF = "source"
"""The way without `--via`."""

WAYS: Mapping[str, Callable[[Config], Way]] = MappingProxyType(
    {ITSELF: FromItself, archives.NAME: archives.FromWayback}
)


def way_named(name: str, config: Config) -> Way:
    """Return a way by its name. Raises WrongUse."""
    if name not in WAYS:
        raise WrongUse(f"there is no way {name!r}: --via takes {', '.join(WAYS)}")
    return WAYS[name](config)
