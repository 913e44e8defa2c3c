"""Interfax-Ukraine, the news agency."""

from __future__ import annotations

from datetime import timedelta

from spiders.articles import NewsSpider


class InterfaxUkraine(NewsSpider):
    """Relays the report in prose.

    Domain
        interfax.com.ua
    Role
        relay
    Caveats
        The shape of its articles is unconfirmed; a page without the declared part is `layout_changed` and kept.
    Documentation
        https://en.interfax.com.ua/rss.html
    """

    name = "interfax_ukraine"
    title = "Interfax-Ukraine"
    publisher = "Interfax-Ukraine"
    language = "en"
    # Where it is
    home = "https://en.interfax.com.ua"
    hosts = ("interfax.com.ua",)
    start_paths = ("/news/last.rss",)
    # NewsSpider
    about = ("losses", "loses", "has lost", "casualties", "invaders")
    article = "article, .article-content"
    # When it is expected
    cadence = timedelta(minutes=15)
    frozen_after = timedelta(days=2)
