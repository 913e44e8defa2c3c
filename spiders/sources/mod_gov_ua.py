"""The Ministry of Defence's site, in English and in Ukrainian."""

from __future__ import annotations

from datetime import time, timedelta
from typing import ClassVar

from spiders.articles import PageListSpider
from spiders.base import Window


class ModGovUa(PageListSpider):
    """The English report pages.

    Domain
        mod.gov.ua
    Role
        official
    Caveats
        The shape of both pages is unconfirmed (taken from other people's parsers of 2024 to 2026): a page of
        another shape is `layout_changed` and kept. A slug may end in -1 or -2 or lie about the year, so the day is
        never taken from it here. Totals are as of the morning, changes are of the day before.
    Documentation
        https://mod.gov.ua/en/news
    """

    name = "mod_gov_ua"
    title = "Ministry of Defence of Ukraine, in English"
    publisher = "Ministry of Defence of Ukraine"
    language = "en"
    # Who speaks there
    role = "official"
    claimant = "general_staff_ukraine"
    # Where it is
    home = "https://mod.gov.ua"
    hosts = ("mod.gov.ua",)
    start_paths: ClassVar[tuple[str, ...]] = ("/en/news",)
    # PageListSpider
    entry_link = "main a[href*='/news/']"
    about: ClassVar[tuple[str, ...]] = ("losses",)
    article = "main article"
    article_paths: ClassVar[tuple[str, ...]] = ("/en/news/",)
    # When it is expected
    cadence = timedelta(minutes=10)
    window = Window(opens=time(6, 30), closes=time(11), grace=timedelta(hours=3))
    frozen_after = timedelta(days=5)


class ModGovUaUkrainian(ModGovUa):
    """The Ukrainian report pages.

    Domain
        mod.gov.ua
    Role
        official
    Caveats
        Those of `mod_gov_ua`. From 20 January 2026 on the title holds the date only, the figures stand in the page.
    Documentation
        https://mod.gov.ua/news/tag-vidsich-agresoru
    """

    name = "mod_gov_ua_uk"
    title = "Ministry of Defence of Ukraine, in Ukrainian"
    language = "uk"
    # Where it is
    start_paths = ("/news/tag-vidsich-agresoru",)
    # PageListSpider
    about = ("vtrati", "втрати")
    article_paths = ("/news/",)
