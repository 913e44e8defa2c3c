"""The index of the financial portal Minfin."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lxml import etree

from spiders.base import KYIV, Reader, Sought, SourceSpider, Window, days_missing
from spiders.exceptions import LayoutChanged
from spiders.pages import words

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from parsel import Selector
    from scrapy.http import Response

INDEX = "/ua/russian-invading/casualties/"


class Minfin(SourceSpider):
    """A page for each month, one entry a day, newest first.

    Domain
        index.minfin.com.ua
    Role
        mirror
    Caveats
        The shape is confirmed for April 2022; later ones are other people's word. The index was seen to show data
        a year old: that is a `frozen_page`. Until July 2022 it also counts prisoners.
    Documentation
        https://index.minfin.com.ua/ua/russian-invading/casualties/
    """

    name = "minfin"
    title = "Minfin index of casualties"
    publisher = "Minfin"
    language = "uk"
    # Who speaks there
    role = "mirror"
    claimant = "general_staff_ukraine"
    # Where it is
    home = "https://index.minfin.com.ua"
    hosts = ("index.minfin.com.ua",)
    start_paths = (INDEX,)
    # When it is expected
    shown_for = timedelta(days=35)
    cadence = timedelta(minutes=30)
    window = Window(opens=time(7), closes=time(13), grace=timedelta(hours=6))
    frozen_after = timedelta(days=4)

    async def start(self) -> AsyncIterator[Any]:
        """Ask for the latest month, or for each month of a window."""
        if self.is_poll:
            yield self.get(INDEX)
            return
        today = self.clock().astimezone(KYIV).date()
        month = (self.since or date(2022, 2, 24)).replace(day=1)
        while month <= (self.until or today):
            yield self.get(f"{INDEX}{month:%Y-%m}/")
            month = (month + timedelta(days=31)).replace(day=1)

    def sought(self) -> Iterator[Sought]:
        """Yield the index with all its months."""
        yield Sought(url=self.home + INDEX, match="prefix")

    def reader(self, url: str) -> Reader | None:
        """Return the reader of any month."""
        return self.parse if self._is_at_home(url) and urlsplit(url).path.startswith(INDEX) else None

    def parse(self, response: Response, **_: Any) -> Iterator[Any]:
        """Yield the days of a month."""
        self.part(response, "ul.see-also li.gold")
        entries = {self._day(entry): entry for entry in response.css("ul.see-also li.gold")}
        for day, entry in entries.items():
            if self.wanted_day(day):
                yield self.document(
                    response,
                    key=day.isoformat(),
                    content=etree.tostring(entry.root, encoding="unicode", method="html", with_tail=False),
                    canonical=words(entry),
                    published_at=None,
                )
        self.check_alive(datetime.combine(max(entries), time.max, KYIV))
        yield from self.absent(response, (day.isoformat() for day in days_missing(entries)))

    def _day(self, entry: Selector) -> date:
        printed = entry.css("span.black::text").get() or ""
        try:
            return datetime.strptime(printed.strip(), "%d.%m.%Y").replace(tzinfo=KYIV).date()
        except ValueError as error:
            raise LayoutChanged(f"an entry without its day: {printed!r}") from error
