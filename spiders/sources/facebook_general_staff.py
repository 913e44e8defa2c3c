"""The General Staff's page on Facebook."""

from __future__ import annotations

import json
from datetime import UTC, time, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from parsel import Selector

from spiders.articles import feed_items, feed_time
from spiders.base import KYIV, SourceSpider, Window
from spiders.exceptions import LayoutChanged, LoginWall
from spiders.pages import moment, words
from spiders.records import json_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from scrapy import Request
    from scrapy.http import Response

    from spiders.items import Document, Exchange

FIELDS = "id,message,created_time,permalink_url"


class FacebookGeneralStaff(SourceSpider):
    """The posts of the page, through the Graph API or a feed that somebody makes of it. A witness, not the spine.

    Domain
        graph.facebook.com
    Role
        official
    Caveats
        Needs the user's own token with the right to read public pages (`token`), or a bridge that makes a feed of
        it (`feed`, a path at `base_url`); without both it is a `login_wall` and nothing is asked for. Its own pages
        are closed to robots and never fetched. That a post was edited is not shown: another text is another version.
    Documentation
        https://developers.facebook.com/docs/graph-api/reference/page/feed
    """

    name = "facebook_general_staff"
    title = "General Staff of Ukraine on Facebook"
    publisher = "General Staff of the Armed Forces of Ukraine"
    language = "uk"
    # Who speaks there
    role = "official"
    claimant = "general_staff_ukraine"
    # Where it is
    home = "https://graph.facebook.com"
    hosts = ("graph.facebook.com",)
    start_paths = ("/v23.0/GeneralStaff.ua/posts",)
    # When it is expected
    by_default = False
    cadence = timedelta(minutes=15)
    window = Window(opens=time(6), closes=time(10), grace=timedelta(hours=6))
    frozen_after = timedelta(days=3)
    unit_months = 6  # each window is reached through all that is newer than it
    # What it takes besides since and until
    options = ("token", "feed")
    token = ""
    feed = ""

    async def start(self) -> AsyncIterator[Any]:
        """Ask for the latest posts. Raises LoginWall without a way to them."""
        if self.token:
            yield self._page(None)
        elif self.feed:
            yield self.get(self.feed, self.parse_feed)
        else:
            raise LoginWall("neither a token nor a feed is configured")

    def _page(self, after: str | None) -> Request:
        query = {"fields": FIELDS, "limit": "25"} | ({"after": after} if after else {})
        request = self.get(f"{self.start_paths[0]}?{urlencode(query)}", self.parse)
        request.headers["Authorization"] = f"Bearer {self.token}"  # never in the URL: URLs are kept and shown
        return request

    def exchange(self, response: Response) -> Exchange:
        """Return the response without the token, which the answer's own links to other pages repeat."""
        if self.token and (secret := self.token.encode()) in response.body:
            response = response.replace(body=response.body.replace(secret, b"TOKEN"))
        return super().exchange(response)

    def parse(self, response: Response, **_: Any) -> Iterator[Any]:
        """Yield the posts of a page and ask for the page before it, as long as it can hold a day asked for."""
        answer = json_of(response)
        posts = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(posts, list):
            raise LayoutChanged("no list of posts in the JSON")
        found = [self._post(response, post) for post in posts if isinstance(post, dict) and post.get("message")]
        yield from (post for post in found if self.wanted(post.published_at))
        times = [post.published_at for post in found if post.published_at]
        after = answer.get("paging", {}).get("cursors", {}).get("after")
        if self.since and after and posts and (not times or min(times).astimezone(KYIV).date() >= self.since):
            yield self._page(after)
        self.check_alive(max(times, default=None))

    def _post(self, response: Response, post: dict[str, Any]) -> Document:
        return self.document(
            response,
            key=str(post.get("id")),
            url=post.get("permalink_url"),
            content=json.dumps(post, ensure_ascii=False),
            media="application/json",
            canonical=post["message"],
            published_at=moment(post.get("created_time"), UTC),
        )

    def parse_feed(self, response: Response) -> Iterator[Any]:
        """Yield the posts of a feed, which may have shortened them."""
        for item in feed_items(self, response):
            text = item.xpath("string(encoded | content | description | summary)").get() or ""
            post = self.document(
                response,
                key=item.xpath("normalize-space(guid | id | link)").get() or "",
                url=item.xpath("normalize-space(link[not(@href)])").get() or item.xpath("link/@href").get(),
                content=text,
                media="text/html",
                canonical=words(Selector(text)) if text else "",
                published_at=feed_time(item, UTC),
            )
            if text and self.wanted(post.published_at):
                yield post
