"""What tests of crawls share: a site of our own, a clock, a keeper that only remembers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from scheduler.crawling import CrawlOutcome, Item, Kept, Source, crawl
from spiders.items import Absent, Document, Trouble, Unchanged
from tests.reactor import Run, loop, run
from tests.spiders.site import Site, serving

__all__ = ["loop", "run"]

NOW = datetime(2023, 3, 8, 7, 30, tzinfo=UTC)  # 09:30 in Kyiv


@dataclass
class Memory:
    """A keeper that remembers what it was given, and fails when told to."""

    items: list[Item] = field(default_factory=list)
    versions: dict[str, bytes] = field(default_factory=dict)
    fails_at: int | None = None  # the item at which it fails

    async def keep(self, item: Item) -> Kept:
        """Remember it."""
        if len(self.items) == self.fails_at:
            raise ConnectionError("the database is away")
        self.items.append(item)
        match item:
            case Trouble():
                return "problem"
            case Unchanged():
                return "unchanged"
            case Absent():
                return "nothing"
            case Document():
                before = self.versions.get(item.key)
                self.versions[item.key] = item.canonical
                return "new" if before is None else "unchanged" if before == item.canonical else "changed"

    @property
    def documents(self) -> list[Document]:
        """The documents, as they came."""
        return [item for item in self.items if isinstance(item, Document)]

    @property
    def keys(self) -> list[str]:
        """Their keys, sorted: items of one page are kept side by side."""
        return sorted(document.key for document in self.documents)

    @property
    def absent(self) -> list[str]:
        """The keys that pages did not show between others."""
        return [key for item in self.items if isinstance(item, Absent) for key in item.keys]

    @property
    def troubles(self) -> list[Trouble]:
        """The troubles, as they came."""
        return [item for item in self.items if isinstance(item, Trouble)]


@pytest.fixture
def site() -> Iterator[Site]:
    """Serve an empty site."""
    with serving() as served:
        yield served


@pytest.fixture
def memory() -> Memory:
    """Return an empty keeper."""
    return Memory()


Crawl = Callable[..., CrawlOutcome]


@pytest.fixture
def crawled(site: Site, memory: Memory, run: Run[Any]) -> Crawl:
    """Crawl a declared source that is pointed at the site, in March 2023 unless told otherwise."""

    def crawled(name: str, *, now: datetime = NOW, **arguments: Any) -> CrawlOutcome:
        options = {"base_url": site.url, **arguments.pop("source", {})}
        arguments = {"deadline": 30.0, "keep": memory, **arguments}
        return run(crawl(Source(name=name, **options), clock=lambda: now, **arguments))

    return crawled
