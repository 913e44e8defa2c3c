"""The ministry's English pages, in the form of mod.gov.ua: a list of news, and one page per report."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scheduler.demo.wording import chatter, styles, template

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from scheduler.demo.press import Press

PAGE = 12  # entries on one page of the list
PATH = "/en/news"


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One page of news."""

    moment: datetime  # Kyiv
    title: str
    slug: str
    items: tuple[str, ...]  # lines of a list
    paragraphs: tuple[str, ...]

    @property
    def path(self) -> str:
        """Where it is."""
        return f"{PATH}/{self.slug}"

    @property
    def printed(self) -> str:
        """The time as the page prints it."""
        clock = f"{self.moment:%I:%M %p %Z}".removeprefix("0")
        return f"{self.moment.day} {self.moment:%B}, {self.moment.year}, {clock}"


def pages(press: Press, now: datetime) -> list[Page]:
    """Give what the ministry shows at this moment, newest first."""
    style = styles()["ministry"]
    reports = [
        Page(
            moment=report.published_at,
            title=style.sentence(style.heading, report),
            slug=f"combat-losses-of-the-enemy-as-of-{report.as_of:%B}-{report.as_of.day}-{report.as_of.year}".lower(),
            items=tuple(style.body(report)),
            paragraphs=(style.closing,),
        )
        for report in press.reports("ministry", now)
    ]
    others = [
        Page(
            moment=chat.moment,
            title=chat.title,
            slug=f"{re.sub('[^a-z0-9]+', '-', chat.title.lower())}-{chat.moment:%d%m%Y}",
            items=(),
            paragraphs=(chat.text,),
        )
        for chat in chatter("ministry", now)
    ]
    return sorted([*reports, *others], key=lambda page: page.moment, reverse=True)


def list_page(everything: Sequence[Page], number: int) -> str:
    """Lay out one page of the list, counted from 1; one past the end is empty."""
    last = max(1, -(-len(everything) // PAGE))
    shown = everything[(number - 1) * PAGE : number * PAGE]
    return template("ministry_list.html").render(pages=shown, path=PATH, number=number, last=last)


def report_page(everything: Sequence[Page], path: str) -> str | None:
    """Lay out one page; None where nothing is published."""
    found = next((page for page in everything if page.path == path), None)
    return None if found is None else template("ministry_page.html").render(page=found)
