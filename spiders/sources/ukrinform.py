"""Ukrinform, the national news agency."""

from __future__ import annotations

from datetime import timedelta

from spiders.articles import NewsSpider


class Ukrinform(NewsSpider):
    """Relays the report in prose each morning.

    Domain
        ukrinform.net
    Role
        relay
    Caveats
        Reports of other claimants (losses of a single brigade, of a night's drones) pass the filter as well; what
        they claim is the reader's business.
    Documentation
        https://www.ukrinform.net/info/rss.html
    """

    name = "ukrinform"
    title = "Ukrinform"
    publisher = "Ukrinform"
    language = "en"
    # Where it is
    home = "https://www.ukrinform.net"
    hosts = ("ukrinform.net",)
    start_paths = ("/rss/block-lastnews",)
    # NewsSpider
    about = ("losses", "loses", "has lost", "casualties", "invaders")
    article = "article"
    # When it is expected
    cadence = timedelta(minutes=15)
    frozen_after = timedelta(days=2)
