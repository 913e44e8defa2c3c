"""Telegram's public preview, as formats of it are known."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from spiders.items import Absent
from tests.spiders.site import Page
from tests.spiders.telegram_pages import CHANNEL, TEXT, page, post

if TYPE_CHECKING:
    from tests.spiders.conftest import Crawl, Memory
    from tests.spiders.site import Site

NAME = "telegram_general_staff"
LATEST = f"/s/{CHANNEL}"
REPORT = (
    '<i class="emoji"><b>🔥</b></i>Загальні бойові втрати противника з 24.02.22 по 08.03.23 орієнтовно склали:'
    "<br/>танків ‒ 3441 (+18) од,<br/>ББМ ‒ 6735 (+15) од"
)
QUOTED = "танків ‒ 1111 (+1) од"  # must not appear: somebody else's post
REPLY = (
    '<a class="tgme_widget_message_reply" href="https://t.me/x/1"><div'
    f' class="tgme_widget_message_text js-message_reply_text" dir="auto">{QUOTED}</div></a>'
)
PREVIEW = (
    '<a class="tgme_widget_message_link_preview" href="https://x.example/">'
    f'<div class="tgme_widget_message_text">{QUOTED}</div><div class="link_preview_description">{QUOTED}</div></a>'
)
FORWARDED = (
    '<div class="tgme_widget_message_forwarded_from accent_color">Forwarded from <a'
    ' class="tgme_widget_message_forwarded_from_name" href="https://t.me/mod_russia/7"><span>Минобороны</span></a></div>'
)
MORNING = "2023-03-08T06:05:11+00:00"


def test_a_post_is_a_document(site: Site, crawled: Crawl, memory: Memory) -> None:
    """A post becomes one document: its key, its time as published, its own words and nothing around them."""
    site.put(LATEST, page(post(5201, REPORT, MORNING)))
    outcome = crawled(NAME)
    assert (outcome.new, outcome.problems, outcome.finished) == (1, (), True)
    [document] = memory.documents
    assert document.source == NAME
    assert document.key == f"{CHANNEL}/5201"
    assert document.url == f"{site.url}/{CHANNEL}/5201"
    assert document.published_at == datetime(2023, 3, 8, 6, 5, 11, tzinfo=UTC)
    assert not document.edited
    assert document.content_type == "text/html; charset=utf-8"
    assert "танків ‒ 3441 (+18) од,<br>ББМ" in document.content.decode()
    assert "31.2K" not in document.content.decode()
    assert document.exchange.status == 200
    assert document.exchange.body == site.pages[LATEST].payload


def test_other_peoples_words_are_left_out(site: Site, crawled: Crawl, memory: Memory) -> None:
    """The quoted reply and the preview of a link reuse the classes of a text: they are not the post's words."""
    site.put(LATEST, page(post(5202, REPORT, MORNING, before=REPLY, after=PREVIEW)))
    crawled(NAME)
    [document] = memory.documents
    assert "3441" in document.content.decode()
    assert "1111" not in document.content.decode()
    assert "1111" not in document.canonical.decode()


def test_the_caption_of_an_album_is_read_once(site: Site, crawled: Crawl, memory: Memory) -> None:
    """An album's caption stands in its element twice, one in the other."""
    site.put(LATEST, page(post(5203, "", MORNING, html=TEXT.format(TEXT.format(REPORT)))))
    crawled(NAME)
    [document] = memory.documents
    assert document.canonical.decode().count("3441") == 1
    assert document.content.decode().count("3441") == 1


def test_a_forwarded_post_says_so(site: Site, crawled: Crawl, memory: Memory) -> None:
    """The line that names the channel it came from leads the content: another claimant perhaps."""
    site.put(LATEST, page(post(5204, REPORT, MORNING, before=FORWARDED)))
    crawled(NAME)
    [document] = memory.documents
    assert document.content.decode().startswith('<div class="tgme_widget_message_forwarded_from')
    assert document.canonical.decode().startswith("Forwarded from Минобороны")


def test_counters_make_no_version(site: Site, crawled: Crawl) -> None:
    """Views grow with every poll: the second crawl finds the same version."""
    site.put(LATEST, page(post(5201, REPORT, MORNING)))
    crawled(NAME)
    site.put(LATEST, page(post(5201, REPORT, MORNING, views="44.9K")))
    outcome = crawled(NAME)
    assert (outcome.new, outcome.changed, outcome.unchanged) == (0, 0, 1)


def test_an_edit_makes_a_version(site: Site, crawled: Crawl, memory: Memory) -> None:
    """An edited post keeps its time of publication; it is known since it was fetched."""
    site.put(LATEST, page(post(5201, REPORT, MORNING)))
    crawled(NAME)
    site.put(LATEST, page(post(5201, REPORT.replace("3441", "3414"), MORNING, mark="edited &nbsp;")))
    outcome = crawled(NAME)
    assert (outcome.new, outcome.changed) == (0, 1)
    edited = memory.documents[-1]
    assert edited.edited
    assert edited.published_at == datetime(2023, 3, 8, 6, 5, 11, tzinfo=UTC)
    assert edited.known_at == edited.exchange.fetched_at


def test_a_post_without_words_is_no_document(site: Site, crawled: Crawl, memory: Memory) -> None:
    """A picture alone has nothing to read; beside others it is no trouble either."""
    picture = '<time class="message_video_duration">0:41</time>'
    site.put(LATEST, page(post(5200, "", MORNING, html=picture), post(5201, REPORT, MORNING)))
    outcome = crawled(NAME)
    assert memory.keys == [f"{CHANNEL}/5201"]
    assert outcome.problems == ()


def history(site: Site) -> None:
    """Publish three pages of a channel: 7 to 9 March, two posts a day."""
    days = [(1, "07", "06"), (2, "07", "20"), (3, "08", "06"), (4, "08", "20"), (5, "09", "06"), (6, "09", "20")]
    posts = {number: post(number, f"пост {number}", f"2023-03-{day}T{hour}:00:00+00:00") for number, day, hour in days}
    site.put(LATEST, page(posts[5], posts[6], before=5))
    site.put(f"{LATEST}?before=5", page(posts[3], posts[4], before=3))
    site.put(f"{LATEST}?before=3", page(posts[1], posts[2], before=1))
    site.put(f"{LATEST}?before=1", page())


def test_a_poll_reads_the_latest_page_only(site: Site, crawled: Crawl, memory: Memory) -> None:
    """Without `since` nothing older is asked for."""
    history(site)
    crawled(NAME)
    assert memory.keys == [f"{CHANNEL}/5", f"{CHANNEL}/6"]
    assert site.times(f"{LATEST}?before=5") == 0


def test_a_window_is_paged_back_to_its_first_day(site: Site, crawled: Crawl, memory: Memory) -> None:
    """`since` and `until` are Kyiv days, both inclusive; a page that can hold none of them is not asked for."""
    history(site)
    outcome = crawled(NAME, since=date(2023, 3, 8), until=date(2023, 3, 8))
    assert memory.keys == [f"{CHANNEL}/3", f"{CHANNEL}/4"]
    assert outcome.complete
    assert site.times(f"{LATEST}?before=1") == 0


def test_a_day_begins_at_midnight_in_kyiv(site: Site, crawled: Crawl, memory: Memory) -> None:
    """22:30 UTC in winter is the next day in Kyiv."""
    site.put(
        LATEST, page(post(7, "вночі", "2023-03-07T22:30:00+00:00"), post(6, "до того", "2023-03-07T21:30:00+00:00"))
    )
    crawled(NAME, since=date(2023, 3, 8))
    assert memory.keys == [f"{CHANNEL}/7"]


def test_a_window_of_long_ago_is_found_by_halving(site: Site, crawled: Crawl, memory: Memory) -> None:
    """Its posts are reached through a dozen pages, not through all that came after; none of them is missed."""
    day = date(2022, 2, 24)
    numbers = range(1, 7201)  # twenty a day
    site.pages = _Channel(numbers)
    outcome = crawled(NAME, since=date(2022, 5, 1), until=date(2022, 5, 2))
    first = (date(2022, 5, 1) - day).days * 20 + 1
    assert sorted(int(document.key.rpartition("/")[2]) for document in memory.documents) == [*range(first, first + 40)]
    assert outcome.complete
    assert len(site.asked) < 20


class _Channel(dict[str, Page]):
    """Pages of a channel with twenty posts a day since 24 February 2022, laid out when asked for."""

    def __init__(self, numbers: range) -> None:
        super().__init__()
        self.numbers = numbers

    def get(self, path: str, default: Page | None = None) -> Page | None:  # type: ignore[override]
        if not path.startswith(LATEST):
            return default
        before = int(path.partition("=")[2] or self.numbers[-1] + 1)
        shown = [number for number in self.numbers if before - 20 <= number < before]
        posts = [post(number, f"пост {number}", self.at(number)) for number in shown]
        return Page(body=page(*posts, before=shown[0] if shown and shown[0] > 1 else None))

    @staticmethod
    def at(number: int) -> str:
        start = datetime(2022, 2, 24, 6, tzinfo=UTC)
        return (start + timedelta(days=(number - 1) // 20, minutes=(number - 1) % 20)).isoformat()


def test_the_beginning_of_a_channel_ends_a_window(site: Site, crawled: Crawl) -> None:
    """An empty list is how a history ends: no trouble."""
    history(site)
    outcome = crawled(NAME, since=date(2022, 2, 24))
    assert (outcome.new, outcome.problems, outcome.complete) == (6, (), True)


def test_a_page_that_names_itself_ends(site: Site, crawled: Crawl) -> None:
    """A link to older posts that does not lead back is not followed: there would be no end."""
    site.put(LATEST, page(post(5, "п'ять", MORNING), before=5))
    site.put(f"{LATEST}?before=5", page(post(5, "п'ять", MORNING), before=5))
    crawled(NAME, since=date(2022, 2, 24))
    assert site.times(f"{LATEST}?before=5") == 1


def test_another_channel_by_configuration(site: Site, crawled: Crawl, memory: Memory) -> None:
    """The same spider reads a second channel under another name of source."""
    site.put("/s/other", page(post(1, "слово", MORNING)))
    crawled("telegram_other", source={"spider": NAME, "options": {"channel": "other"}})
    [document] = memory.documents
    assert document.source == "telegram_other"


def channel(*numbers: int, before: int | None = None) -> str:
    """Lay out a page with some posts, all of this morning."""
    return page(*(post(number, f"пост {number}", MORNING) for number in numbers), before=before)


def test_a_number_between_two_posts_is_missing(site: Site, crawled: Crawl, memory: Memory) -> None:
    """What a page does not show between two that it shows is told, after the posts; its edges say nothing."""
    site.put(LATEST, channel(*range(100, 110), *range(112, 121), before=100))
    crawled(NAME)
    assert memory.absent == [f"{CHANNEL}/110", f"{CHANNEL}/111"]
    assert isinstance(memory.items[-1], Absent)
    assert memory.items[-1].looks == 2


def test_a_picture_is_no_gap(site: Site, crawled: Crawl, memory: Memory) -> None:
    """A post without words is still there."""
    posts = [post(number, "слово", MORNING) for number in (1, 3)]
    site.put(LATEST, page(posts[0], post(2, "", MORNING, html="<i></i>"), posts[1]))
    crawled(NAME)
    assert memory.absent == []


def test_a_page_that_is_short_or_wrong_says_nothing_of_what_it_lacks(
    site: Site, crawled: Crawl, memory: Memory
) -> None:
    """Fewer posts than Telegram shows, a post without a time, a page of long ago: nobody was deleted there."""
    site.put(LATEST, channel(100, 105, before=100))
    crawled(NAME)
    site.put(LATEST, page(post(1, "раз", MORNING), post(3, "три", "")))
    assert crawled(NAME).cause == "layout_changed"
    site.put(LATEST, channel(1, 3))
    assert crawled(NAME, now=datetime(2023, 3, 20, tzinfo=UTC)).cause == "frozen_page"
    assert memory.absent == []
