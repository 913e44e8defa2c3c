"""Every cause in the closed list, each proven with its own page: a crawl never ends in silence."""

from __future__ import annotations

import logging
import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from spiders.exceptions import CAUSES
from tests.spiders.telegram_pages import CHANNEL, page, post

if TYPE_CHECKING:
    from tests.spiders.conftest import Crawl, Memory
    from tests.spiders.site import Site

NAME = "telegram_general_staff"
LATEST = f"/s/{CHANNEL}"
FILLER = "<p>" + "Ukrainian cuisine has many recipes for the cold season. " * 10 + "</p>"
MORNING = "2023-03-08T06:05:11+00:00"
PRIVATE = f"""<html><body><div class="tgme_page"><div class="tgme_page_title">Channel</div>{FILLER}
<div class="tgme_page_action"><a class="tgme_action_button_new" href="tg://resolve?domain=x">View in Telegram</a></div>
</div></body></html>"""
LOGIN = f"""<html><body>{FILLER}<form><input name="email"><input name="pass" type="password"></form></body></html>"""
SHIELD = """<html><head><title>Pardon our interruption</title></head><body><div id="shieldsquare">
<p>Please solve this captcha to go on.</p></div></body></html>"""
SHELL = """<html><head><script>window.data={"posts":"танків 3441 (+18) a script has no word on a page"}</script></head>
<body><div id="root"></div></body></html>"""
TABLE = f"""<html><body><h1>Channel</h1>{FILLER}<table><tr><td>танків</td><td>3441 (+18)</td></tr></table></body>
</html>"""
NO_POSTS = '<html><body><section class="tgme_channel_history"></section></body></html>'
OLD = page(post(1, "танків ‒ 9000 (+1) од", "2023-02-08T06:00:00+00:00"))

PAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "a page that is gone": ("http_error", {"status": 404, "body": f"<h1>Not found</h1>{FILLER}"}),
    "a server that fails": ("http_error", {"status": 500, "body": "oops"}),
    "no answer": ("timeout", {"held": True}),
    "a private channel": ("login_wall", {"body": PRIVATE}),
    "a login form": ("login_wall", {"body": LOGIN}),
    "a captcha": ("captcha", {"body": SHIELD}),
    "a captcha with a 403": ("captcha", {"body": SHIELD, "status": 403}),
    "nothing at all": ("empty_page", {"body": ""}),
    "a shell without words": ("empty_page", {"body": SHELL}),
    "a channel without posts": ("empty_page", {"body": NO_POSTS}),
    "another layout": ("layout_changed", {"body": TABLE}),
    "posts without texts": ("layout_changed", {"body": page(post(1, "", MORNING, html=""))}),
    "posts without a time": ("layout_changed", {"body": page(post(1, "слово", ""))}),
    "a page that stands still": ("frozen_page", {"body": OLD}),
    "a picture": ("parse_error", {"body": b"\x89PNG\r\n\x1a\n\x00\x00", "headers": {"Content-Type": "image/png"}}),
    "a body that is not gzip": ("parse_error", {"body": b"plain", "headers": {"Content-Encoding": "gzip"}}),
    "a refusal": ("blocked", {"status": 403, "body": f"<p>Forbidden</p>{FILLER}"}),
    "too many requests": ("blocked", {"status": 429, "body": "slow down"}),
    "a legal obstacle": ("blocked", {"status": 451, "body": "no"}),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_its_cause(site: Site, crawled: Crawl, memory: Memory, name: str) -> None:
    """What a source does to us is one recorded trouble with a cause from the list, and the source is broken."""
    cause, answer = PAGES[name]
    site.put(LATEST, **answer)
    outcome = crawled(NAME, source={"settings": {"DOWNLOAD_TIMEOUT": 0.3, "RETRY_ENABLED": False}})
    assert [trouble.cause for trouble in memory.troubles] == [cause]
    assert outcome.cause == cause
    [trouble] = memory.troubles
    assert trouble.url == site.url + LATEST
    assert trouble.detail
    assert trouble.at == datetime(2023, 3, 8, 7, 30, tzinfo=UTC)
    if cause != "timeout" and answer.get("headers") is None:
        assert trouble.exchange is not None, "the page is kept"
        assert trouble.exchange.body == site.pages[LATEST].payload


def test_a_server_that_is_not_there_is_one_trouble(
    crawled: Crawl, memory: Memory, caplog: pytest.LogCaptureFixture
) -> None:
    """And no traceback in the log, not for its robots.txt either: it will be asked again in a few minutes."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        outcome = crawled(NAME, source={"base_url": url, "settings": {"RETRY_ENABLED": False}})
    assert (outcome.cause, [trouble.cause for trouble in memory.troubles]) == ("http_error", ["http_error"])
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_robots_are_obeyed(site: Site, crawled: Crawl, memory: Memory) -> None:
    """What robots.txt forbids is not fetched: blocked, once, without a fight."""
    site.put("/robots.txt", "User-agent: *\nDisallow: /s/\n", headers={"Content-Type": "text/plain"})
    site.put(LATEST, page(post(1, "слово", MORNING)))
    outcome = crawled(NAME)
    assert [trouble.cause for trouble in memory.troubles] == ["blocked"]
    assert "robots.txt" in outcome.problems[0]
    assert site.times(LATEST) == 0


def test_a_rule_for_us_by_name_is_obeyed(site: Site, crawled: Crawl) -> None:
    """A site that lets others in and keeps us out is obeyed as well."""
    site.put("/robots.txt", "User-agent: tallywatch\nDisallow: /\n\nUser-agent: *\nAllow: /\n")
    site.put(LATEST, page(post(1, "слово", MORNING)))
    assert crawled(NAME).cause == "blocked"


def test_the_users_configuration_may_say_otherwise(site: Site, crawled: Crawl) -> None:
    """For one source the user may take the responsibility."""
    site.put("/robots.txt", "User-agent: *\nDisallow: /\n")
    site.put(LATEST, page(post(1, "слово", MORNING)))
    assert crawled(NAME, source={"settings": {"ROBOTSTXT_OBEY": False}}).new == 1


def test_a_source_that_cannot_be_reached(crawled: Crawl) -> None:
    """A refused connection is no page."""
    outcome = crawled(NAME, source={"base_url": "http://127.0.0.1:9"})
    assert outcome.cause == "http_error"


def test_a_mistake_of_ours_is_recorded_and_logged(
    site: Site, crawled: Crawl, caplog: pytest.LogCaptureFixture
) -> None:
    """An exception that no spider means to raise is a parse_error with its page, and a traceback for us."""
    bare = "<rss><channel><item><title>losses</title><link>http://[</link></item></channel></rss>"
    site.put("/rss/block-lastnews", bare, headers={"Content-Type": "application/xml"})
    outcome = crawled("ukrinform")
    assert outcome.cause == "parse_error"
    [trouble] = outcome.troubles
    assert trouble.exchange is not None
    assert any(record.exc_info and "ukrinform" in record.getMessage() for record in caplog.records)


def test_a_spider_that_fails_before_its_first_request(site: Site, crawled: Crawl) -> None:
    """Even then there is an outcome that says so."""
    outcome = crawled(NAME, source={"base_url": "no-scheme.example"})
    assert outcome.cause == "parse_error"
    assert site.asked == []


def test_detail_is_fit_to_be_mailed(site: Site, crawled: Crawl, memory: Memory) -> None:
    """What a page or a server says of itself is bounded and on one line."""
    many = "".join(post(number, "слово", "") for number in range(90))
    site.put(LATEST, page(many))
    crawled(NAME)
    [trouble] = memory.troubles
    assert len(trouble.detail) <= 300
    assert "\n" not in trouble.detail


def test_every_cause_is_proven() -> None:
    """A cause without a page would be a promise without a proof."""
    assert {cause for cause, _ in PAGES.values()} == set(CAUSES)
