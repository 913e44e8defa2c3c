"""Telegram channels, as their public preview at t.me/s/CHANNEL shows them."""

from __future__ import annotations

from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from lxml import etree

from spiders.base import KYIV, Reader, Sought, SourceSpider
from spiders.exceptions import EmptyPage, LayoutChanged
from spiders.pages import moment, words

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from datetime import datetime

    from parsel import Selector, SelectorList
    from scrapy import Request
    from scrapy.http import Response

    from spiders.items import Absent, Document

# The class as a whole word: "tgme_widget_message_text" is also how the names of other classes begin.
_TEXT = "contains(concat(' ', normalize-space(@class), ' '), ' tgme_widget_message_text ')"
# An album's caption is that element twice, one in the other; a quoted reply and the preview of a link have it too.
_FOREIGN = (
    "contains(@class, 'js-message_reply_text') or contains(@class, 'tgme_widget_message_reply')"
    " or contains(@class, 'tgme_widget_message_link_preview')"
)
PAGE = 15  # posts; Telegram shows 15 to 20
LOOKS = 2  # polls that miss a post before it is taken for deleted: Telegram's servers lag behind one another
OWN_TEXT = f".//div[{_TEXT}][not({_FOREIGN})][not(ancestor::*[{_TEXT} or {_FOREIGN}])]"


class TelegramChannel(SourceSpider):
    """A public channel.

    A post is one document. Its content is what was posted and nothing else: the line that says from whom it was
    forwarded (`tgme_widget_message_forwarded_from`), if it was, and the text. Replies quoted above it, previews
    of links, counters of views and pictures are left out.
    """

    channel: str
    options = ("channel",)
    home = "https://t.me"
    hosts = ("t.me", "telegram.me")
    start_paths = ()
    most_posts: ClassVar[int] = 100  # on one page; Telegram shows twenty
    widest_gap: ClassVar[int] = 10_000  # numbers looked at for deletions; a day has some tens
    most_bytes: ClassVar[int] = 256 * 1024  # of one post; Telegram allows 4,096 characters and their markup

    async def start(self) -> AsyncIterator[Any]:
        """Ask for the latest posts."""
        yield self.get(f"/s/{self.channel}")

    def sought(self) -> Iterator[Sought]:
        """Yield the preview with all its older pages."""
        yield Sought(url=f"{self.home}/s/{self.channel}", match="prefix")

    def reader(self, url: str) -> Reader | None:
        """Return the reader of this channel's preview alone; copies of its older pages are found by the index."""
        path = urlsplit(url).path.rstrip("/").lower() + "/"
        own = self._is_at_home(url) and path.startswith(f"/s/{self.channel}/".lower())
        return partial(self.parse, before=0) if own else None

    def parse(self, response: Response, before: int | None = None, **_: Any) -> Iterator[Any]:
        """Yield the posts of a page and ask for the page before it, as long as it can hold a day asked for."""
        messages = response.css("div.tgme_widget_message[data-post]")
        if not messages:
            self._check_end(response, before)
            return
        oldest, newest = _span(messages)
        if before is None and self._is_later(oldest):
            yield self._seek(0, _number(messages[0]))
            return
        read = [self._post(response, message) for message in messages[-self.most_posts :]]
        posts = [post for post in read if post is not None]
        yield from self._page_before(response, oldest, before)
        yield from (post for post in posts if self.wanted(post.published_at) and len(post.content) <= self.most_bytes)
        if before is None and not posts:
            raise LayoutChanged("no post on the page has a text")
        self._check_page(len(messages), posts)
        self.check_alive(newest)
        yield from self._absent(response, messages)

    def probe(self, response: Response, low: int, high: int) -> Iterator[Any]:
        """Look for the page on which a window ends: it is after the post `low` and before the post `high`.

        A window years ago would else be reached through thousands of pages.
        """
        middle = (low + high) // 2
        messages = response.css("div.tgme_widget_message[data-post]")
        oldest, newest = _span(messages)
        if not messages or (newest is not None and not self._is_later(newest)):
            yield self._seek(middle, high)
        elif self._is_later(oldest):
            yield self._seek(low, min(middle, _number(messages[0])))
        else:
            yield from self.parse(response, before=middle)

    def _seek(self, low: int, high: int) -> Request:
        if high - low <= PAGE:
            return self.get(f"/s/{self.channel}?before={high}", self.parse, before=high)
        return self.get(f"/s/{self.channel}?before={(low + high) // 2}", self.probe, low=low, high=high)

    def _is_later(self, moment: datetime | None) -> bool:
        """Whether a moment is after the window."""
        return self.until is not None and moment is not None and moment.astimezone(KYIV).date() > self.until

    def _check_end(self, response: Response, before: int | None) -> None:
        """Let a history end with an empty list, as it does; a channel without any post is another matter."""
        self.part(response, ".tgme_channel_history")
        if before is None:
            raise EmptyPage(f"no post in {self.channel}")

    def _post(self, response: Response, message: Selector) -> Document | None:
        """Return a post, or None for one without words of its own (a picture, a service message)."""
        texts = message.xpath(OWN_TEXT)
        if not texts:
            return None
        forwarded = message.xpath("(.//*[contains(@class, 'tgme_widget_message_forwarded_from')])[1]")
        key = message.attrib["data-post"]
        return self.document(
            response,
            key=key,
            url=self.here(f"/{key}"),
            content="\n".join(_html(part) for part in [*forwarded, *texts]),
            canonical="\n".join(words(part) for part in [*forwarded, *texts]),
            published_at=_published(message),
            edited=any("edited" in words(meta).split() for meta in message.css(".tgme_widget_message_meta")),
        )

    def _page_before(self, response: Response, oldest: datetime | None, before: int | None) -> Iterator[Any]:
        link = response.css("a.tme_messages_more::attr(data-before)").get()
        if self.since is None or link is None or not link.isdigit():
            return
        goes_back = before is None or int(link) < before  # else a page that names itself would never end
        if goes_back and (oldest is None or oldest.astimezone(KYIV).date() >= self.since):
            yield self.get(f"/s/{self.channel}?before={link}", self.parse, before=int(link))

    def _absent(self, response: Response, messages: SelectorList[Selector]) -> Iterator[Absent]:
        """Yield the numbers that are missing between two posts, pictures included, that the page shows.

        A page with fewer posts than Telegram shows, that is not the beginning of the channel, is not believed.
        """
        if len(messages) < PAGE and response.css("a.tme_messages_more[data-before]"):
            return
        channel = messages[0].attrib["data-post"].rpartition("/")[0]
        shown = {_number(message) for message in messages}
        missing = range(max(min(shown), max(shown) - self.widest_gap) + 1, max(shown))
        yield from self.absent(response, (f"{channel}/{number}" for number in missing if number not in shown), LOOKS)

    def _check_page(self, shown: int, posts: list[Document]) -> None:
        """Raise for what is wrong with a page whose posts are on their way."""
        if shown > self.most_posts:
            raise LayoutChanged(f"{shown} posts on one page; only the last {self.most_posts} were read")
        long = [post.key for post in posts if len(post.content) > self.most_bytes]
        if long:
            raise LayoutChanged(f"more than {self.most_bytes} bytes in {', '.join(long)}: not kept")
        undated = [post.key for post in posts if post.published_at is None]
        if undated:
            raise LayoutChanged(f"no time of publication at {', '.join(undated)}")


def _published(message: Selector) -> datetime | None:
    return moment(message.css("a.tgme_widget_message_date time[datetime]::attr(datetime)").get(), UTC)


def _span(messages: SelectorList[Selector]) -> tuple[datetime | None, datetime | None]:
    """Return the times of the oldest and the newest post of a page, pictures included."""
    times = [time for message in messages if (time := _published(message)) is not None]
    return min(times, default=None), max(times, default=None)


def _number(message: Selector) -> int:
    """Return the number of a post in its channel. Raises LayoutChanged."""
    number = message.attrib["data-post"].rpartition("/")[2]
    if not number.isdecimal():
        raise LayoutChanged(f"a post without a number: {number!r}")
    return int(number)


def _html(part: Selector) -> str:
    return str(etree.tostring(part.root, encoding="unicode", method="html", with_tail=False))
