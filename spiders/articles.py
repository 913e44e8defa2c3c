"""Sources that publish articles: a list that says what is new, and a page for each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from parsel import Selector
from scrapy.http import TextResponse
from w3lib.url import url_query_cleaner

from spiders.base import KYIV, Reader, Sought, SourceSpider
from spiders.exceptions import EmptyPage, LayoutChanged, Unreadable
from spiders.pages import media_type, moment, words

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from datetime import datetime, tzinfo

    from scrapy.http import Response

CAMPAIGN = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "fbclid")
PUBLISHED = re.compile(r'\\?"(?:datePublished|publishedAt)\\?":\s*(?:\{\\?"iso\\?":\s*)?\\?"([^"\\]+)')
"""In JSON-LD, and in what Next.js renders from, there also with its quotes escaped."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """An article as a list announces it."""

    url: str
    title: str
    published_at: datetime | None


class ArticleSpider(SourceSpider):
    """A list of articles, of which those that can be about the tally are fetched.

    What an article says is not looked at: `about` only spares a server requests for what is certainly something
    else, and what it leaves out is never judged missing.
    """

    about: ClassVar[tuple[str, ...]]  # an article's title or URL holds one of them; lower case
    article: ClassVar[str]  # css of the part that matters: without menus, counters and what else is new
    zone: ClassVar[tzinfo] = KYIV  # of times that are printed without an offset
    article_paths: ClassVar[tuple[str, ...]] = ("/",)  # how the paths of its articles begin
    shown_for = timedelta(days=30)
    most_articles: ClassVar[int] = 30  # of one page of the list
    most_pages: ClassVar[int] = 400  # of the list, for a window of the past

    async def start(self) -> AsyncIterator[Any]:
        """Ask for the lists."""
        for path in self.start_paths:
            yield self.get(path, whole=True)

    def entries(self, response: Response) -> list[Entry]:
        """Return what a list announces. Raises one of `spiders.exceptions`."""
        raise NotImplementedError

    def older(self, response: Response) -> str | None:
        """Return where the list goes on into the past, if it does."""
        raise NotImplementedError

    def parse(self, response: Response, page: int = 1, **_: Any) -> Iterator[Any]:
        """Ask for the articles of a list that are of the days asked for, and for the list of the days before."""
        entries = self.entries(response)
        dates = [entry.published_at for entry in entries if entry.published_at is not None]
        chosen = [entry for entry in entries if self._is_about(entry) and self._is_due(entry.published_at)]
        for entry in chosen[: self.most_articles]:
            yield self.get(entry.url, self.parse_article, entry=entry)
        yield from self._older_page(response, min(dates, default=None), page)
        if len(chosen) > self.most_articles:
            raise LayoutChanged(f"{len(chosen)} articles to look at; only the first {self.most_articles} were")
        self.check_alive(max(dates, default=None) if page == 1 else None)

    def _is_about(self, entry: Entry) -> bool:
        said = f"{entry.title} {entry.url}".lower()
        return any(word in said for word in self.about)

    def _is_due(self, published_at: datetime | None) -> bool:
        if self.is_poll and published_at is not None:
            return self.clock() - published_at <= timedelta(days=self.days_back)
        return self.wanted(published_at)

    def _older_page(self, response: Response, oldest: datetime | None, page: int) -> Iterator[Any]:
        if self.since is None or (oldest is not None and oldest.astimezone(KYIV).date() < self.since):
            return
        link = self.older(response)
        if link is None or page >= self.most_pages:
            raise EmptyPage(f"the list goes back to {oldest or 'page ' + str(page)} only, not to {self.since}")
        yield self.get(link, self.parse, whole=True, page=page + 1)

    def parse_article(self, response: Response, entry: Entry) -> Iterator[Any]:
        """Yield an article. Raises what `without` returns when the declared part is not on its page."""
        part = self.part(response, self.article)
        heading = " ".join(words(title) for title in response.css("h1"))  # not the list's: counters stand in those
        published_at = self.published(response) or entry.published_at
        if self.wanted(published_at):  # the list may have told another day, or none
            yield self.document(
                response,
                key=self.there(url_query_cleaner(entry.url, CAMPAIGN, remove=True)),
                canonical=f"{heading}\n{words(part)}",
                published_at=published_at,
            )

    def sought(self) -> Iterator[Sought]:
        """Yield the lists, and all articles with a URL that is about the tally."""
        yield from super().sought()
        words = "|".join(re.escape(word).replace("\\ ", ".") for word in self.about if word.isascii())
        yield Sought(url=self.hosts[0], match="domain", pattern=f".*({words}).*")

    def reader(self, url: str) -> Reader | None:
        """Return the reader of a list or of an article."""
        if not self._is_at_home(url):
            return None
        if super().reader(url) is not None:
            return self.parse_list_copy
        return self.parse_copy if urlsplit(url).path.startswith(self.article_paths) else None

    def parse_list_copy(self, response: Response) -> Iterator[Any]:
        """Ask for the articles that an archived list announces; its older pages are found by the archive's index."""
        for entry in self.entries(response):
            if self._is_about(entry) and self._is_due(entry.published_at):
                yield self.get(entry.url, self.parse_article, entry=entry)

    def parse_copy(self, response: Response) -> Iterator[Any]:
        """Yield an archived article. A page that does not say when it was published is none, but a list of some."""
        if self.published(response) is None:
            raise self.without(response, "a time of publication")
        yield from self.parse_article(response, Entry(url=response.url, title="", published_at=None))

    def published(self, response: Response) -> datetime | None:
        """Return the time of publication that the article's own page gives."""
        stamp = response.css('meta[property="article:published_time"]::attr(content)').get()
        if stamp is None and isinstance(response, TextResponse) and (found := PUBLISHED.search(response.text)):
            stamp = found[1]
        return moment(stamp, self.zone)


class NewsSpider(ArticleSpider):
    """A list in a form that is made for it: RSS, Atom or a news sitemap. It knows the last days only."""

    role = "relay"
    reach = "days"

    def entries(self, response: Response) -> list[Entry]:
        """Read the feed. Raises what `without` returns for what is none, EmptyPage for one without entries."""
        entries = [entry for item in feed_items(self, response) if (entry := self._entry(item)) is not None]
        if not entries:
            raise LayoutChanged("no entry of the feed has a link")
        return entries

    def older(self, response: Response) -> str | None:  # noqa: ARG002 -- a feed has one page
        """Return None."""
        return None

    def _entry(self, item: Selector) -> Entry | None:
        link = item.xpath("normalize-space(link[not(@href)] | loc)").get()
        link = link or item.xpath("link[not(@rel) or @rel='alternate']/@href").get()
        if not link:
            return None
        return Entry(
            url=link.strip(),
            title=item.xpath("normalize-space(title | news/title)").get() or "",
            published_at=feed_time(item, self.zone),
        )


def feed_items(spider: SourceSpider, response: Response) -> list[Selector]:
    """Return the entries of a feed. Raises what `without` returns for what is none, EmptyPage for an empty one."""
    if not isinstance(response, TextResponse):
        raise Unreadable(f"not a text: {media_type(response)}")
    feed = Selector(text=response.text, type="xml")
    feed.remove_namespaces()
    if not feed.xpath("/rss | /feed | /urlset | /RDF"):
        raise spider.without(response, "a feed")
    items = list(feed.xpath("//item | /feed/entry | /urlset/url"))
    if not items:
        raise EmptyPage("a feed without entries")
    return items


def feed_time(item: Selector, zone: tzinfo) -> datetime | None:
    """Return when an entry was published: RSS has the form of mails, the others have ISO."""
    names = "pubDate | published | updated | date | news/publication_date | lastmod"
    stamp = item.xpath(f"normalize-space({names})").get() or ""
    found = moment(stamp, zone)
    if found is not None:
        return found
    try:
        read = parsedate_to_datetime(stamp)
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=zone)


class PageListSpider(ArticleSpider):
    """A list that is a page for people: links, each with a time beside it, and a link to the page before."""

    entry_link: ClassVar[str]  # css of the links to articles
    next_link: ClassVar[str] = "a[rel=next]"  # css of the link to older ones
    unit_months = 6  # each window is reached through all that is newer than it

    def entries(self, response: Response) -> list[Entry]:
        """Read the list. Raises what `without` returns when there is no link to any article."""
        found: dict[str, Entry] = {}
        for link in response.css(self.entry_link):
            url = response.urljoin(link.attrib["href"])
            title = words(link) or (found[url].title if url in found else "")
            stamp = link.xpath("(ancestor-or-self::*[.//time[@datetime]][1]//time/@datetime)[1]").get()
            found[url] = Entry(url=url, title=title, published_at=moment(stamp, self.zone))
        if not found:
            raise self.without(response, repr(self.entry_link))
        return list(found.values())

    def older(self, response: Response) -> str | None:
        """Return the link to the page before."""
        link = response.css(self.next_link).attrib.get("href")
        return response.urljoin(link) if link else None
