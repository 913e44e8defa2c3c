"""An archive on loopback: captures and the index of them, in the shapes of web.archive.org."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from scheduler.backfill.archives import FromWayback
from scheduler.config import Config
from scheduler.crawling import CrawlOutcome, Source
from tests.reactor import Run, loop, run
from tests.spiders.conftest import Memory, memory, site
from tests.spiders.site import Page, Site

__all__ = ["loop", "memory", "run", "site"]

NOW = datetime(2026, 3, 8, 7, 30, tzinfo=UTC)
HEADER = ["timestamp", "original"]


class Archive:
    """What the archive has, by a part of the URL that its index is asked for."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.answers: dict[str, str] = {}
        site.find = self.answer

    def index(self, url: str, *rows: list[str], resume: str | None = None, key: str = "") -> None:
        """Answer the index for a URL; `resume` is the key of the next page, `key` the one of this page."""
        body = [HEADER, *rows, *([[], [resume]] if resume else [])] if rows else []
        self.answers[f"url={url}&{key}"] = json.dumps(body)

    def capture(self, stamp: str, url: str, body: str, **answer: Any) -> list[str]:
        """Keep a page; return its row in the index."""
        self.site.put(f"/web/{stamp}id_/{url}", body, **answer)
        return [stamp, url]

    def answer(self, path: str) -> Page | None:
        """Find the answer of the index to a query; one that was not prepared has no capture."""
        if not path.startswith("/cdx/search/cdx?"):
            return None

        query = parse_qs(path.partition("?")[2])
        key = f"resumeKey={query['resumeKey'][0]}" if "resumeKey" in query else ""
        body = self.answers.get(f"url={query['url'][0]}&{key}", "[]")
        return Page(body=body, headers={"Content-Type": "application/json"})


@pytest.fixture
def archive(site: Site) -> Archive:
    """Serve an empty archive."""
    return Archive(site)


Fetch = Callable[..., CrawlOutcome]


@pytest.fixture
def fetched(site: Site, memory: Memory, run: Run[Any], tmp_path: Path) -> Fetch:
    """Fetch a window of a source by way of the archive."""

    def fetched(name: str, since: date, until: date) -> CrawlOutcome:
        config = Config(home=tmp_path, sources={"wayback": {"base_url": site.url}})  # type: ignore[dict-item]
        way = FromWayback(config)
        return run(way.fetch(Source(name=name), keep=memory, clock=lambda: NOW, since=since, until=until))

    return fetched
