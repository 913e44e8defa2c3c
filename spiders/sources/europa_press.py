"""Europa Press, the Spanish news agency."""

from __future__ import annotations

from datetime import timedelta

from spiders.articles import NewsSpider


class EuropaPress(NewsSpider):
    """Relays the report in Spanish, on some days.

    Domain
        europapress.es
    Role
        relay
    Caveats
        Thousands have dots.
        The shape of its articles is unconfirmed; a page without the declared part is `layout_changed` and kept.
    Documentation
        https://www.europapress.es/rss/
    """

    name = "europa_press"
    title = "Europa Press"
    publisher = "Europa Press"
    language = "es"
    # Where it is
    home = "https://www.europapress.es"
    hosts = ("europapress.es",)
    start_paths = ("/rss/rss.aspx?ch=00069",)
    # NewsSpider
    about = ("militares rusos", "militares-rusos", "soldados rusos", "soldados-rusos", "bajas rusas", "bajas-rusas")
    article = "article"
    # When it is expected
    cadence = timedelta(minutes=15)
    frozen_after = timedelta(days=2)
