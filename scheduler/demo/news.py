"""A news site that relays the reports in prose: an RSS feed, and its articles."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import format_datetime
from typing import TYPE_CHECKING

from scheduler.demo.press import Press, Report
from scheduler.demo.wording import Chat, chatter, styles, template

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

FEED = "/rss/block-lastnews"
ENTRIES = 30  # in the feed
FIRST_ID = 3663001


@dataclass(frozen=True, kw_only=True, slots=True)
class Article:
    """One article."""

    moment: datetime  # Kyiv
    number: int
    section: str
    title: str
    paragraphs: tuple[str, ...]

    @property
    def path(self) -> str:
        """Where it is."""
        return f"/rubric-{self.section}/{self.number}-{re.sub('[^a-z0-9]+', '-', self.title.lower()).strip('-')}.html"

    @property
    def rss_date(self) -> str:
        """The time as the feed prints it."""
        return format_datetime(self.moment)


def articles(press: Press, now: datetime) -> list[Article]:
    """Give what the site shows at this moment, newest first."""
    items: list[Report | Chat] = [*press.reports("news", now), *chatter("news", now)]
    items.sort(key=_moment)
    return [_article(FIRST_ID + position, item) for position, item in enumerate(items)][::-1]


def feed(everything: Sequence[Article], site: str) -> str:
    """Lay out the feed; `site` is how the visitor calls us: its links are absolute."""
    return template("feed.xml").render(articles=everything[:ENTRIES], site=site)


def article_page(everything: Sequence[Article], path: str, site: str) -> str | None:
    """Lay out one article; None where nothing is published."""
    found = next((article for article in everything if article.path == path), None)
    if found is None:
        return None
    others = [article for article in everything if article is not found][:5]
    return template("article.html").render(article=found, others=others, site=site)


def _moment(item: Report | Chat) -> datetime:
    return item.published_at if isinstance(item, Report) else item.moment


def _article(number: int, item: Report | Chat) -> Article:
    if isinstance(item, Chat):
        return Article(
            moment=item.moment, number=number, section=item.section, title=item.title, paragraphs=(item.text,)
        )
    style = styles()["news"]
    *most, last = style.body(item)
    return Article(
        moment=item.published_at,
        number=number,
        section="ato",
        title=style.sentence(style.heading, item),
        paragraphs=(
            style.sentence(style.opening, item),
            f"{style.lead}{', '.join(most)}, and {last}.",
            style.closing,
        ),
    )
