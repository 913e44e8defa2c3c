"""Each news source: its feed where it is, an article in its language, and what it must not fetch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from spiders.articles import NewsSpider
from spiders.sources import declared

if TYPE_CHECKING:
    from tests.spiders.conftest import Crawl, Memory
    from tests.spiders.site import Site

HEADLINES = {
    "ukrinform": ("Russia's losses in Ukraine as of March 8: about 154,830 troops", "Library in Poltava opens"),
    "ukrainska_pravda": (
        "Russia loses 1,060 soldiers and 18 tanks over past day",
        "Film festival announces programme",
    ),
    "interfax_ukraine": ("Enemy losses in Ukraine reach 154,830 people", "Bank raises its rate"),
    "kyiv_independent": ("General Staff: Russia has lost 154,830 troops in Ukraine", "Volunteers plant trees"),
    "europa_press": ("Ucrania eleva a 154.830 los militares rusos muertos desde el inicio de la guerra", "La liga"),
    "infobae": ("Kiev cifra en 154.830 los soldados rusos muertos", "Ucrania y Rusia vuelven a hablar de grano"),
}
FEED = (
    """<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>Noticias</title>{}</channel></rss>"""
)
ITEM = (
    """<item><title>{title}</title><link>{home}{path}</link><pubDate>Wed, 08 Mar 2023 07:35:00 GMT</pubDate></item>"""
)
ARTICLE = """<!DOCTYPE html><html><head><title>{title}</title></head><body><article><h1>{title}</h1>
<p>154.830 (+1060), 3441 (+18)</p></article><aside>1111</aside></body></html>"""


def test_each_news_source_is_here() -> None:
    """A source that is declared has its own page below."""
    assert set(HEADLINES) == {name for name, source in declared().items() if issubclass(source, NewsSpider)}


@pytest.mark.parametrize("name", HEADLINES)
def test_a_relay(site: Site, crawled: Crawl, memory: Memory, name: str) -> None:
    """The article on the tally is kept; another piece of news is not asked for."""
    source = declared()[name]
    title, other = HEADLINES[name]
    items = [ITEM.format(title=text, home=source.home, path=f"/{n}") for n, text in enumerate((title, other))]
    site.put(source.start_paths[0], FEED.format("".join(items)), headers={"Content-Type": "application/rss+xml"})
    site.put("/0", ARTICLE.format(title=title))
    outcome = crawled(name)
    assert (outcome.new, outcome.problems) == (1, ())
    [document] = memory.documents
    assert document.key == f"{source.home}/0"
    assert "3441 (+18)" in document.canonical.decode()
    assert "1111" not in document.canonical.decode()
    assert site.times("/1") == 0
