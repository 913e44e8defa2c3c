"""Ukrainska Pravda, the online newspaper."""

from __future__ import annotations

from datetime import timedelta

from spiders.articles import NewsSpider


class UkrainskaPravda(NewsSpider):
    """Relays the report in English, with a list of all categories.

    Domain
        pravda.com.ua
    Role
        relay
    Caveats
        The shape of its articles is unconfirmed; a page without the declared part is `layout_changed` and kept.
    Documentation
        https://www.pravda.com.ua/eng/rss-info/
    """

    name = "ukrainska_pravda"
    title = "Ukrainska Pravda"
    publisher = "Ukrainska Pravda"
    language = "en"
    # Where it is
    home = "https://www.pravda.com.ua"
    hosts = ("pravda.com.ua",)
    start_paths = ("/eng/rss/",)
    # NewsSpider
    about = ("losses", "loses", "has lost", "casualties", "invaders")
    article = "article"
    # When it is expected
    cadence = timedelta(minutes=15)
    frozen_after = timedelta(days=2)
