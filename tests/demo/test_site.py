"""The mirror over HTTP: what a visitor sees at one simulated moment."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from parsel import Selector

from pipelines.records import KYIV
from scheduler.demo import faults
from scheduler.demo.press import Press
from scheduler.demo.site import Site, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message

CHANNEL = "/s/GeneralStaffZSU"
FEED = "/rss/block-lastnews"


class Visitor:
    """A browser on the mirror, and the hand on its clock."""

    def __init__(self, site: Site, base: str) -> None:
        self.site = site
        self.base = base

    def at(self, day: str, clock: str = "09:30") -> Visitor:
        """Move the mirror to a Kyiv time."""
        self.site.advance(datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=KYIV))
        return self

    def ask(self, path: str, **headers: str) -> tuple[int, Message, str]:
        """Send one request; gives status, headers and body."""
        connection = HTTPConnection(urlsplit(self.base).netloc)
        with closing(connection):
            connection.request("GET", path.removeprefix(self.base), headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()

    def get(self, path: str) -> Selector:
        """Fetch a page that must be there; paths and absolute links both do."""
        status, _, body = self.ask(path)
        assert status == 200
        return Selector(body, type="xml" if body.startswith("<?xml") else "html")


@pytest.fixture(scope="module")
def visitor() -> Iterator[Visitor]:
    """Serve a mirror on a free port; each test sets its own time."""
    site = Site(Press(faults.load()), datetime(2023, 2, 1, 9, 30, tzinfo=KYIV))
    with serving(site) as base:
        yield Visitor(site, base)


def post_ids(page: Selector) -> list[int]:
    """Read the numbers of the posts on a channel page."""
    return [int(name.rpartition("/")[2]) for name in page.css("div.tgme_widget_message::attr(data-post)").getall()]


def posts(page: Selector) -> dict[str, str]:
    """Read the reports on a channel page, by the day of a report's heading."""
    texts = {}
    for post in page.css("div.tgme_widget_message_bubble"):
        outer = post.xpath("./div[contains(@class, 'js-message_text')]")
        text = "\n".join(outer.xpath(".//text()").getall())
        if found := re.search(r"по (\d\d\.\d\d)", text):
            texts[found[1]] = text
    return texts


def test_the_channel_shows_twenty_posts_and_pages_back_to_an_end(visitor: Visitor) -> None:
    """`before` is exclusive, no post is lost or shown twice, the end is a page without posts and an error never."""
    page = visitor.at("2023-03-01").get(CHANNEL)
    seen = post_ids(page)
    assert len(seen) == 20
    assert page.css("link[rel=prev]::attr(href)").get() == f"{CHANNEL}?before={seen[0]}"
    while older := page.css("a.js-messages_more::attr(data-before)").get():
        page = visitor.get(f"{CHANNEL}?before={older}")
        assert 0 < len(post_ids(page)) <= 20
        seen = post_ids(page) + seen
    assert seen == list(range(seen[0], seen[-1] + 1))
    assert len(seen) > 100
    assert post_ids(visitor.get(f"{CHANNEL}?before={seen[0]}")) == []


def test_paging_forward_starts_after_the_post_that_is_named(visitor: Visitor) -> None:
    """The oldest posts after it, with the way to newer ones."""
    page = visitor.at("2023-03-01").get(f"{CHANNEL}?after=5110")
    assert post_ids(page) == list(range(5111, 5131))
    assert page.css("a.js-messages_more::attr(data-after)").get() == "5130"


def test_view_counters_move_at_every_request_and_the_words_do_not(visitor: Visitor) -> None:
    """A version of a post must not depend on them; the page carries no validator."""
    first, second = (visitor.at("2023-02-10").get(CHANNEL) for _ in range(2))
    counters = "span.tgme_widget_message_views::text"
    assert all(a != b for a, b in zip(first.css(counters).getall(), second.css(counters).getall(), strict=True))
    assert posts(first) == posts(second)
    _, headers, _ = visitor.ask(CHANNEL)
    assert headers["ETag"] is None


def test_nothing_is_shown_before_its_time(visitor: Visitor) -> None:
    """At 06:00 the report of the day is nowhere; at 09:30 every outlet has it; posts are dated before now."""
    page = visitor.at("2023-02-10", "06:00").get(CHANNEL)
    assert "10.02" not in posts(page)
    assert "February 10" not in visitor.get("/en/news").get()
    assert "February 10" not in visitor.get(FEED).get()
    page = visitor.at("2023-02-10", "09:30").get(CHANNEL)
    assert "135740" in posts(page)["10.02"]
    moments = [datetime.fromisoformat(text) for text in page.css("time.time::attr(datetime)").getall()]
    assert max(moments) <= visitor.site.now
    assert moments == sorted(moments)
    assert "February 10" in visitor.get("/en/news").get()
    assert "February 10" in visitor.get(FEED).get()


def test_a_post_keeps_its_number_as_time_goes_by(visitor: Visitor) -> None:
    """The number is its identity."""
    early = visitor.at("2023-02-10").get(CHANNEL)
    number = post_ids(early)[-1]
    words = early.css("div.tgme_widget_message_wrap")[-1].css("div.js-message_text ::text").getall()
    late = visitor.at("2023-03-10").get(f"{CHANNEL}?before={number + 1}")
    assert post_ids(late)[-1] == number
    assert late.css("div.tgme_widget_message_wrap")[-1].css("div.js-message_text ::text").getall() == words


def test_the_channel_has_what_a_real_one_has_besides_reports(visitor: Visitor) -> None:
    """Captions nested twice, photos without words, forwards, replies that quote, link previews, video lengths."""
    visitor.at("2023-03-10")
    shapes = [visitor.get(f"{CHANNEL}?before={number}") for number in range(5140, 5260, 20)]
    for css in (
        "div.js-message_text > div.js-message_text",
        "div.tgme_widget_message_grouped_wrap",
        "div.tgme_widget_message_forwarded_from",
        "div.js-message_reply_text",
        "a.tgme_widget_message_link_preview",
        "time.message_video_duration:not([datetime])",
        "i.emoji > b",
    ):
        assert any(shape.css(css) for shape in shapes), css
    bubbles = [bubble for shape in shapes for bubble in shape.css("div.tgme_widget_message_bubble")]
    assert any(not bubble.css("div.js-message_text") for bubble in bubbles)


@pytest.mark.parametrize(
    ("day", "heading", "line"),
    [
        ("2023-02-23", "23.02", "танків / tanks ‒ 3331 (-3) од,"),
        ("2023-02-24", "24.02", "танків / tanks ‒ 3363 (+32) од,"),
        ("2023-03-15", "15.03", "близько / about 161250 (+980) осіб"),
    ],
)
def test_the_channel_prints_the_official_faults(visitor: Visitor, day: str, heading: str, line: str) -> None:
    """As planted, in the post of that day."""
    assert line in posts(visitor.at(day).get(CHANNEL))[heading]


def test_the_edited_post_is_marked_from_the_edit_on(visitor: Visitor) -> None:
    """Two days later, on the page where the newest posts are; its time stays that of its publication."""
    page = visitor.at("2023-03-24", "08:00").get(CHANNEL)
    assert "artillery systems – 2589 (+3) од," in posts(page)["22.03"]
    assert page.xpath("//span[contains(@class, 'message_meta') and contains(., 'edited')]").getall() == []
    page = visitor.at("2023-03-24", "09:30").get(CHANNEL)
    assert "artillery systems – 2598 (+12) од," in posts(page)["22.03"]
    marked = page.xpath("//span[contains(@class, 'message_meta') and contains(., 'edited')]")
    assert [span.css("time::attr(datetime)").get("")[:10] for span in marked] == ["2023-03-22"]


def test_the_ministry_shows_yesterdays_list_under_todays_title(visitor: Visitor) -> None:
    """Title, address and time are of the 5th, the list is of the 4th."""
    visitor.at("2023-03-05")
    lists = [
        visitor.get(f"/en/news/combat-losses-of-the-enemy-as-of-march-{day}-2023").css("li::text").getall()
        for day in (4, 5)
    ]
    assert lists[0] == lists[1]
    assert "tanks ‒ 3 409 (+4);" in lists[1]
    page = visitor.get("/en/news/combat-losses-of-the-enemy-as-of-march-5-2023")
    assert page.css("h1::text").get() == "The estimated combat losses of the enemy as of March 5, 2023"
    assert '"publishedAt": {"iso": "2023-03-05T' in page.get()


def test_the_ministry_lists_its_pages_newest_first(visitor: Visitor) -> None:
    """Reports and other news, with the next page to follow; a page past the end is empty, as on the real site."""
    seen: list[str] = []
    link: str | None = "/en/news"
    visitor.at("2023-03-01")
    while link:
        page = visitor.get(link)
        seen += page.css("article a::attr(href)").getall()
        link = page.css("a[rel=next]::attr(href)").get()
    reports = [path for path in seen if "combat-losses" in path]
    assert len(seen) == len(set(seen)) > len(reports) == 29
    assert reports[0].endswith("march-1-2023")
    assert reports[-1].endswith("february-1-2023")
    assert visitor.get("/en/news?page=99").css("article").getall() == []


def test_the_news_relay_in_prose_with_the_typo_on_its_day(visitor: Visitor) -> None:
    """The article that the feed leads to has the wrong number once, and all others right."""
    feed = visitor.at("2023-02-14").get(FEED)
    links = [link for link in feed.css("item link::text").getall() if "russia-s-losses" in link]
    prose = " ".join(visitor.get(links[0]).css("div.newsText p::text").getall())
    assert "about 139,080 troops in Ukraine from February 24, 2022 to February 14, 2023, including 740" in prose
    assert "3,286 tanks, 6,500 armored fighting vehicles, 2,399 artillery systems" in prose
    assert "2,299" not in prose


def test_the_feed_has_other_news_and_ends(visitor: Visitor) -> None:
    """Thirty entries, newest first, with the time of each."""
    feed = visitor.at("2023-03-20").get(FEED)
    dates = [parsedate_to_datetime(text) for text in feed.css("item pubDate::text").getall()]
    assert len(dates) == 30
    assert dates == sorted(dates, reverse=True)
    assert len([title for title in feed.css("item title::text").getall() if "losses" not in title]) > 15


def test_on_the_silent_day_nobody_has_a_report(visitor: Visitor) -> None:
    """Other posts and articles appear as always."""
    page = visitor.at("2023-04-03", "23:59").get(CHANNEL)
    assert "03.04" not in posts(page)
    assert "Оперативна інформація станом на 18.00 03.04.2023" in page.get()
    assert "april-3" not in visitor.get("/en/news").get()
    assert "April 3:" not in visitor.get(FEED).get()


def test_a_known_page_is_not_sent_again_until_it_changes(visitor: Visitor) -> None:
    """304 for a validator that still holds, the page for one that does not."""
    _, headers, _ = visitor.at("2023-03-20", "09:30").ask(FEED)
    known = {"If-None-Match": headers["ETag"]}
    status, _, body = visitor.ask(FEED, **known)
    assert (status, body) == (304, "")
    status, headers, _ = visitor.at("2023-03-20", "18:00").ask(FEED, **known)
    assert status == 200
    assert headers["ETag"] not in known.values()


@pytest.mark.parametrize("path", ["/", "/s/another_channel", "/en/news/no-such-page", "/rubric-ato/1-x.html"])
def test_what_is_not_there_is_not_found(visitor: Visitor, path: str) -> None:
    """404, and no validator for it."""
    status, headers, _ = visitor.at("2023-03-20").ask(path)
    assert (status, headers["ETag"]) == (404, None)


def test_the_mirror_lives_at_the_simulated_time(visitor: Visitor) -> None:
    """Its Date header too; a naive time is refused, as it would mean another moment on another machine."""
    _, headers, _ = visitor.at("2023-03-20", "09:30").ask(FEED)
    assert parsedate_to_datetime(headers["Date"]) == visitor.site.now
    with pytest.raises(ValueError, match="time zone"):
        visitor.site.advance(visitor.site.now.replace(tzinfo=None))
    assert visitor.site.now.utcoffset() == timedelta(hours=2)
