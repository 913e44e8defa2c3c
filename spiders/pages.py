"""What can be said of a page before anything on it is understood: its words, and why it has none for us."""

from __future__ import annotations

import re
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any, cast

from lxml import etree
from scrapy.http import Response, TextResponse

from spiders.exceptions import Captcha, EmptyPage, LoginWall, SourceTrouble

if TYPE_CHECKING:
    from parsel import Selector

# Read from pages that were served instead of the one asked for. They are looked for only when a page lacks
# what its spider expects: a normal article may well have a captcha in its comment form.
CAPTCHA = re.compile(
    r"shieldsquare|perimeterx|px-captcha|cf-challenge|cf_chl_|just a moment\.\.\.|hcaptcha|g-recaptcha"
    r"|captcha-delivery|are you a robot|не робот",
    re.IGNORECASE,
)
LOGIN = re.compile(
    r"<input[^>]{1,300}type=[\"']?password|you must log in|log in to (?:continue|facebook)|увійдіть, щоб"
    r"|\"OAuthException\""  # the Graph API, for a token that has expired
    r"|tgme_page_action",  # t.me shows this card instead of a preview for a channel that is private or gone
    re.IGNORECASE,
)
FEWEST_WORDS = 20  # an article has hundreds, a shell page a menu at most
MOST_LOOKED_AT = 256 * 1024  # characters; walls are short, and a page of 8 MB must not keep us busy
MOST_DETAIL = 300  # characters

_WORDS = etree.XPath(
    ".//text()[not(ancestor::script or ancestor::style or ancestor::noscript or ancestor::template)]"
    " | .//br | .//p | .//li | .//div | .//tr | .//h1 | .//h2 | .//h3 | .//h4"
)


def words(part: Selector) -> str:
    """Return the visible text with single spaces: what makes a version of a document, whatever its markup does."""
    # Not through Selector: an object for each text node would cost more than all the rest of a crawl.
    found = cast("list[Any]", _WORDS(part.root))
    return " ".join("".join(node if isinstance(node, str) else " " for node in found).split())


def diagnosis(response: Response) -> SourceTrouble | None:
    """Return why a page is not the one that was asked for, or None when it gives no reason.

    A captcha goes first: such pages are also short, and some show a login form as well.
    """
    if not isinstance(response, TextResponse):
        return None
    page = response.text[:MOST_LOOKED_AT]
    if found := CAPTCHA.search(page):
        return Captcha(f"the page wants to see a human: {found[0]!r}")
    if found := LOGIN.search(page):
        return LoginWall(f"the page is for members: {found[0]!r}")
    if "html" in media_type(response):
        count = len(words(response.selector).split())
        if count < FEWEST_WORDS:
            return EmptyPage(f"{count} words on the page")
    return None


def media_type(response: Response) -> str:
    """Return the media type that the server names, without its parameters; "" when it names none."""
    named = response.headers.get("Content-Type") or b""
    return named.decode("latin-1").partition(";")[0].strip().lower()


def sentence(text: str) -> str:
    """Return the text on one line, without control characters and bounded: fit to be stored and mailed."""
    printable = "".join(char if char.isprintable() else " " for char in text[: 4 * MOST_DETAIL])
    line = " ".join(printable.split())
    return line if len(line) <= MOST_DETAIL else line[: MOST_DETAIL - 1] + "…"


def moment(text: str | None, zone: tzinfo) -> datetime | None:
    """Return an ISO time as the page prints it; without an offset it is in the zone that the source declares."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=zone)
