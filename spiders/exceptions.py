"""What a source can do to us, and the closed list of causes that is stored and shown.

All of them are Scrapy's `IgnoreRequest`: Scrapy then leaves the reporting to us instead of logging a
traceback for each, and `spiders.middlewares.Troubles` turns each into one `Trouble`.
"""

from __future__ import annotations

from typing import ClassVar

from scrapy.exceptions import IgnoreRequest


class SourceTrouble(IgnoreRequest):
    """A source did not give what it should. Raised only as one of its subclasses."""

    cause: ClassVar[str]


class HttpFailure(SourceTrouble):
    """No page: an HTTP error, no connection, or a redirect loop. Raised by the middlewares."""

    cause = "http_error"


class TimedOut(SourceTrouble):
    """The answer did not come in time. Raised by the middlewares."""

    cause = "timeout"


class LoginWall(SourceTrouble):
    """The page asks who we are, or is shown to members only. Raised by `spiders.pages.diagnosis`."""

    cause = "login_wall"


class Captcha(SourceTrouble):
    """The page wants to see a human. Raised by `spiders.pages.diagnosis`."""

    cause = "captcha"


class EmptyPage(SourceTrouble):
    """A page without words, with HTTP 200: an empty shell. Raised by `spiders.pages.diagnosis` and by spiders."""

    cause = "empty_page"


class LayoutChanged(SourceTrouble):
    """What a spider looks for is not on the page, or is there in a quantity it cannot have.

    Raised by spiders. When nothing at all was found, `SourceSpider.without` looks for a better reason.
    """

    cause = "layout_changed"


class FrozenPage(SourceTrouble):
    """The page answers, but its newest entry is older than the source ever pauses. Raised by spiders."""

    cause = "frozen_page"


class Unreadable(SourceTrouble):
    """The answer cannot be taken apart: not the format it says, or larger than we are willing to hold.

    Raised by the middlewares, also for an exception in a spider that nobody foresaw.
    """

    cause = "parse_error"


class Blocked(SourceTrouble):
    """We are not allowed: robots.txt, a status that means "go away", or a rule of our own.

    Our own rules: no redirect out of the source's hosts, no private address that no configuration named.
    Raised by the middlewares.
    """

    cause = "blocked"


CAUSES: tuple[str, ...] = tuple(
    kind.cause
    for kind in (
        HttpFailure,
        TimedOut,
        LoginWall,
        Captcha,
        EmptyPage,
        LayoutChanged,
        FrozenPage,
        Unreadable,
        Blocked,
    )
)
"""Public names: they are stored with each crawl and shown by `status` and `crawl --json`."""
