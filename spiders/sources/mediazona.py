"""Mediazona's count of the dead by name."""

from __future__ import annotations

from datetime import time, timedelta
from typing import TYPE_CHECKING, Any

from spiders.base import SourceSpider, Window
from spiders.pages import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scrapy.http import Response


class Mediazona(SourceSpider):
    """One page with the latest number of names that were confirmed, together with the BBC.

    Domain
        zona.media
    Role
        rival
    Caveats
        It counts the dead whose names are known, so it is a series of its own and never contradicts the General
        Staff's. The shape is unconfirmed, and the figures of its chart are drawn by a script: only what stands in
        the text is read. Updated about every two weeks; each update is another version of the same document.
    Documentation
        https://zona.media/casualties
    """

    name = "mediazona"
    title = "Mediazona, Russian losses by name"
    publisher = "Mediazona and BBC News Russian"
    language = "ru"
    # Who speaks there
    role = "rival"
    claimant = "mediazona_bbc"
    # Where it is
    home = "https://zona.media"
    hosts = ("zona.media",)
    start_paths = ("/casualties",)
    # When it is expected
    cadence = timedelta(hours=6)
    window = Window(opens=time(0), closes=time(23, 59), grace=timedelta(days=7), every=14)
    reach = "latest"

    def parse(self, response: Response, **_: Any) -> Iterator[Any]:
        """Yield the page; its text makes the version."""
        text = self.part(response, "main, article")
        yield self.document(response, key=self.there(response.url), canonical=words(text), published_at=None)
