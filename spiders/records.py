"""Sources that publish JSON: rows of figures, each a document of its own."""

from __future__ import annotations

import json
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, ClassVar

from scrapy.http import TextResponse

from spiders.base import KYIV, SourceSpider, days_missing
from spiders.exceptions import LayoutChanged, Unreadable
from spiders.pages import diagnosis, media_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scrapy.http import Response

Row = dict[str, Any]


class RecordsSpider(SourceSpider):
    """A file or an answer with one row for each day, named by `date`.

    A row's content is the row alone; the exchange has the file as it came. What a row says is not looked at, only
    its day.
    """

    role = "mirror"
    is_whole: ClassVar[bool] = False  # one answer has all days: a day missing among them was taken out

    def rows(self, data: Any) -> Any:
        """Return the rows of an answer; None when they are not where they should be."""
        return data

    def parse(self, response: Response, prefix: str = "", **_: Any) -> Iterator[Any]:
        """Yield the rows of the days asked for. `prefix` tells the rows of several files apart."""
        rows = self.read_rows(response)
        by_day = {self.day_of(row): row for row in rows}
        for day, row in by_day.items():
            if self.wanted_day(day):
                yield self.document(
                    response,
                    key=f"{prefix}{day.isoformat()}",
                    content=json.dumps(row, ensure_ascii=False),
                    media="application/json",
                    canonical=json.dumps(row, ensure_ascii=False, sort_keys=True),
                    published_at=None,
                )
        if len(by_day) < len(rows):
            raise LayoutChanged(f"{len(rows)} rows for {len(by_day)} days: of two rows of a day the last was read")
        newest = max(by_day, default=None)
        self.check_alive(None if newest is None else datetime.combine(newest, time.max, KYIV))
        if self.is_whole and by_day:
            yield from self.absent(response, (f"{prefix}{day.isoformat()}" for day in days_missing(by_day)))

    def read_rows(self, response: Response) -> list[Row]:
        """Return the rows. Raises Unreadable, LayoutChanged, or what the page says of itself."""
        rows = self.rows(json_of(response))
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise LayoutChanged("no list of rows in the JSON")
        return rows

    def day_of(self, row: Row) -> date:
        """Return the day of a row. Raises LayoutChanged."""
        try:
            return date.fromisoformat(row["date"])
        except (KeyError, TypeError, ValueError) as error:
            raise LayoutChanged(f"a row without its day: {str(row)[:80]}") from error


def json_of(response: Response) -> Any:
    """Return what an answer holds. Raises Unreadable, or what the page that came instead says of itself."""
    if not isinstance(response, TextResponse):
        raise Unreadable(f"not a text: {media_type(response)}")
    try:
        return json.loads(response.text)
    except (ValueError, RecursionError) as error:
        raise diagnosis(response) or Unreadable(f"not JSON: {error}") from error
