"""The API of russianwarship.rip."""

from __future__ import annotations

from datetime import time, timedelta
from typing import TYPE_CHECKING, Any

from spiders.base import Window
from spiders.records import RecordsSpider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from scrapy import Request
    from scrapy.http import Response

LIMIT = 50  # records of one answer


class RussianWarshipRip(RecordsSpider):
    """A record for each day, totals and changes, from an API that others build on.

    Domain
        russianwarship.rip
    Role
        mirror
    Caveats
        A category that was not yet reported is 0, not absent. The changes are the API's own subtraction. How many
        records one answer may have is unconfirmed.
    Documentation
        https://russianwarship.rip/api-documentation/v2
    """

    name = "russianwarship_rip"
    title = "russianwarship.rip"
    publisher = "russianwarship.rip"
    language = "en"
    # Who speaks there
    claimant = "general_staff_ukraine"
    # Where it is
    home = "https://russianwarship.rip"
    hosts = ("russianwarship.rip",)
    start_paths = ("/api/v2/statistics/latest",)
    # When it is expected
    cadence = timedelta(minutes=30)
    window = Window(opens=time(7), closes=time(14), grace=timedelta(hours=10))
    frozen_after = timedelta(days=7)

    async def start(self) -> AsyncIterator[Any]:
        """Ask for the latest record, or for the first page of a window."""
        if self.is_poll:
            yield self.get(self.start_paths[0])
        else:
            yield self._page(0)

    def rows(self, data: Any) -> Any:
        """Return the records of a page, or the latest one."""
        found = data.get("data") if isinstance(data, dict) else None
        if not isinstance(found, dict):
            return None
        return found.get("records") if "records" in found else [found]

    def parse(self, response: Response, prefix: str = "", offset: int = 0, **_: Any) -> Iterator[Any]:
        """Yield the records, and ask for the next page after a full one."""
        yield from super().parse(response, prefix)
        if not self.is_poll and len(self.read_rows(response)) == LIMIT:
            yield self._page(offset + LIMIT)

    def _page(self, offset: int) -> Request:
        days = {"date_from": self.since, "date_to": self.until}
        query = "".join(f"&{name}={day.isoformat()}" for name, day in days.items() if day)
        return self.get(f"/api/v2/statistics?offset={offset}&limit={LIMIT}{query}", self.parse, offset=offset)
