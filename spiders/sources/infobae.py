"""Infobae, the news site."""

from __future__ import annotations

from datetime import timedelta

from spiders.articles import NewsSpider


class Infobae(NewsSpider):
    """Relays agencies in Spanish, on some days.

    Domain
        infobae.com
    Role
        relay
    Caveats
        Reprints agencies, with their errors of translation.
        The shape of its articles is unconfirmed; a page without the declared part is `layout_changed` and kept.
    Documentation
        https://www.infobae.com/robots.txt
    """

    name = "infobae"
    title = "Infobae"
    publisher = "Infobae"
    language = "es"
    # Where it is
    home = "https://www.infobae.com"
    hosts = ("infobae.com",)
    start_paths = ("/arc/outboundfeeds/news-sitemap2/",)
    # NewsSpider
    about = ("militares rusos", "militares-rusos", "soldados rusos", "soldados-rusos", "bajas rusas", "bajas-rusas")
    article = "article"
    # When it is expected
    cadence = timedelta(minutes=15)
    frozen_after = timedelta(days=2)
