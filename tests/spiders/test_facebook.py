"""The General Staff on Facebook: with a token, through a feed, and without either."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.spiders.conftest import Crawl, Memory
    from tests.spiders.site import Site

NAME = "facebook_general_staff"
LATEST = "/v23.0/GeneralStaff.ua/posts?fields=id%2Cmessage%2Ccreated_time%2Cpermalink_url&limit=25"
TOKEN = "EAAB-secret"  # noqa: S105 -- of nobody
REPORT = "танків ‒ 3441 (+18) од"


def answer(*days: int, after: str | None = None) -> str:
    """Return a page of posts of March 2023, newest first."""
    posts: list[dict[str, Any]] = [
        {"id": f"1_{day}", "message": REPORT, "created_time": f"2023-03-{day:02}T06:05:11+0000"} for day in days
    ]
    following = f"https://graph.facebook.com/v23.0/1/posts?access_token={TOKEN}&after={after}"
    return json.dumps({"data": posts, "paging": {"cursors": {"after": after} if after else {}, "next": following}})


def test_posts_through_the_graph_api(site: Site, crawled: Crawl, memory: Memory) -> None:
    """A post is a document; the token goes into a header and nowhere that is kept or shown."""
    site.put(LATEST, answer(8))
    outcome = crawled(NAME, source={"options": {"token": TOKEN}})
    assert (outcome.new, outcome.problems) == (1, ())
    [document] = memory.documents
    assert document.key == "1_8"
    assert document.published_at == datetime(2023, 3, 8, 6, 5, 11, tzinfo=UTC)
    assert document.canonical.decode() == REPORT
    assert site.headers[LATEST]["Authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in repr((outcome, memory.items, document.exchange))


def test_the_token_is_not_in_the_evidence(site: Site, crawled: Crawl, memory: Memory) -> None:
    """The Graph API repeats it in its links to other pages: what is kept, packed and given away is without it."""
    site.put(LATEST, answer(8))
    crawled(NAME, source={"options": {"token": TOKEN}})
    [document] = memory.documents
    assert b"access_token=TOKEN&" in document.exchange.body
    assert TOKEN.encode() not in document.exchange.body + document.content


def test_a_window_is_paged_back(site: Site, crawled: Crawl, memory: Memory) -> None:
    """The cursor of a page leads to the one before."""
    site.put(LATEST, answer(8, 7, after="c1"))
    site.put(f"{LATEST}&after=c1", answer(6, 5, after="c2"))
    crawled(NAME, since=date(2023, 3, 6), until=date(2023, 3, 7), source={"options": {"token": TOKEN}})
    assert memory.keys == ["1_6", "1_7"]


def test_posts_through_a_feed(site: Site, crawled: Crawl, memory: Memory) -> None:
    """A bridge's feed has the posts themselves as its entries."""
    item = (
        f"<item><guid>p8</guid><link>https://fb.example/8</link><description>&lt;p&gt;{REPORT}&lt;/p&gt;</description>"
    )
    item += "<pubDate>Wed, 08 Mar 2023 06:05:11 GMT</pubDate></item>"
    site.put("/bridge?page=GeneralStaff.ua", f"<rss><channel>{item}</channel></rss>")
    assert crawled(NAME, source={"options": {"feed": "/bridge?page=GeneralStaff.ua"}}).problems == ()
    [document] = memory.documents
    assert (document.key, document.url) == ("p8", "https://fb.example/8")
    assert document.canonical.decode() == REPORT


def test_without_a_way_in(site: Site, crawled: Crawl) -> None:
    """Nothing is asked for, and that is said."""
    outcome = crawled(NAME)
    assert outcome.cause == "login_wall"
    assert "neither a token nor a feed" in outcome.problems[0]
    assert site.asked == []


def test_a_token_that_has_expired(site: Site, crawled: Crawl) -> None:
    """Facebook answers 400 for it: a login wall all the same."""
    error = {"error": {"message": "Error validating access token", "type": "OAuthException", "code": 190}}
    site.put(LATEST, json.dumps(error), status=400, headers={"Content-Type": "application/json"})
    assert crawled(NAME, source={"options": {"token": TOKEN}}).cause == "login_wall"
