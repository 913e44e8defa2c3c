"""The site of the Armed Forces of Ukraine."""

from __future__ import annotations

import json
from datetime import time, timedelta
from typing import TYPE_CHECKING, Any

from spiders.base import SourceSpider, Window
from spiders.pages import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scrapy.http import Response


class ZsuGovUa(SourceSpider):
    """One page that always shows the latest report: a list in JSON-LD, each entry "total (+delta)".

    Domain
        zsu.gov.ua
    Role
        official
    Caveats
        The shape is unconfirmed (other people's parsers, 2025 and 2026): a page without that list is
        `layout_changed` and kept. Each day's report is another version of the same document. A day that the page
        does not name is not known.
    Documentation
        https://www.zsu.gov.ua/oriientovni-vtraty-protyvnyka
    """

    name = "zsu_gov_ua"
    title = "Armed Forces of Ukraine"
    publisher = "General Staff of the Armed Forces of Ukraine"
    language = "uk"
    # Who speaks there
    role = "official"
    claimant = "general_staff_ukraine"
    # Where it is
    home = "https://www.zsu.gov.ua"
    hosts = ("zsu.gov.ua",)
    start_paths = ("/oriientovni-vtraty-protyvnyka",)
    # When it is expected
    cadence = timedelta(minutes=10)
    window = Window(opens=time(6), closes=time(11), grace=timedelta(hours=3))
    reach = "latest"

    def parse(self, response: Response, **_: Any) -> Iterator[Any]:
        """Yield the page; its list and its heading make the version."""
        blocks = response.css('script[type="application/ld+json"]::text').getall()
        listed = [block for block in map(_loaded, blocks) if "itemListElement" in block]
        if not listed:
            raise self.without(response, "a list in JSON-LD")
        heading = " ".join(words(part) for part in response.css("h1, h2, time"))
        yield self.document(
            response,
            key=self.there(response.url),
            canonical=f"{heading}\n{json.dumps(listed, ensure_ascii=False, sort_keys=True)}",
            published_at=None,
        )


def _loaded(block: str) -> dict[str, Any]:
    """Return a block; one that is no JSON object is none of ours: pages carry several, for search engines."""
    try:
        found = json.loads(block)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
