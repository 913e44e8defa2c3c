"""The Kyiv Independent."""

from __future__ import annotations

from datetime import timedelta

from spiders.articles import NewsSpider


class KyivIndependent(NewsSpider):
    """Relays the report in English each morning.

    Domain
        kyivindependent.com
    Role
        relay
    Caveats
        Numbers stand before their labels; a count was seen to lag a day behind.
        The shape of its articles is unconfirmed; a page without the declared part is `layout_changed` and kept.
    Documentation
        https://kyivindependent.com/news-archive/rss/
    """

    name = "kyiv_independent"
    title = "The Kyiv Independent"
    publisher = "The Kyiv Independent"
    language = "en"
    # Where it is
    home = "https://kyivindependent.com"
    hosts = ("kyivindependent.com",)
    start_paths = ("/news-archive/rss/",)
    # NewsSpider
    about = ("losses", "loses", "has lost", "casualties", "invaders")
    article = "article"
    # When it is expected
    cadence = timedelta(minutes=15)
    frozen_after = timedelta(days=2)
