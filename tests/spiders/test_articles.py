"""Lists and the articles they lead to: the ministry's pages, and feeds of news."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from pipelines.reading import read

if TYPE_CHECKING:
    from tests.spiders.conftest import Crawl, Memory
    from tests.spiders.site import Site

ENTRY = '<li><article><a href="/en/news/{slug}"><h3>{title}</h3></a><time datetime="{at}">{at}</time></article></li>'
LIST = """<!DOCTYPE html><html lang="en"><body><div id="__next"><header><nav><a href="/en">Home</a></nav></header>
<main><h1>News</h1><ul>{entries}</ul><nav>{next}</nav></main></div></body></html>"""
REPORT = """<!DOCTYPE html><html lang="en"><head><title>{title}</title></head><body><div id="__next"><main><article>
<h1>{title}</h1><ul><li>tanks ‒ {tanks} (+18);</li><li>warships / boats ‒ 18 (+0).</li></ul></article>
<aside>Read also: tanks ‒ 1111 (+1); seen {views} times</aside></main></div>
<script id="__NEXT_DATA__" type="application/json">{{"props":{{"post":{{"publishedAt":{{"iso":"{at}"}}}}}}}}</script>
</body></html>"""
SLUG = "combat-losses-of-the-enemy-as-of-march-8-2023"
TITLE = "The estimated combat losses of the enemy as of March 8, 2023"
MORNING = "2023-03-08T07:40:00+02:00"


def ministry(site: Site, *, tanks: int = 3441, views: int = 10) -> None:
    """Publish a list with one report and one other piece of news."""
    other = ENTRY.format(slug="training-of-crews", title="Training of crews", at="2023-03-07T18:00:00+02:00")
    report = ENTRY.format(slug=SLUG, title=TITLE, at=MORNING)
    site.put("/en/news", LIST.format(entries=report + other, next=""), headers={"ETag": '"list"'})
    site.put(f"/en/news/{SLUG}", REPORT.format(title=TITLE, tanks=tanks, at=MORNING, views=views))


def test_a_report_page_is_a_document(site: Site, crawled: Crawl, memory: Memory) -> None:
    """The page of the report is kept whole, known by the ministry's own URL; other news are not asked for."""
    ministry(site)
    outcome = crawled("mod_gov_ua")
    assert (outcome.new, outcome.problems) == (1, ())
    [document] = memory.documents
    assert document.key == f"https://mod.gov.ua/en/news/{SLUG}"
    assert document.url == f"{site.url}/en/news/{SLUG}"
    assert document.content == site.pages[f"/en/news/{SLUG}"].payload
    assert document.published_at == datetime(2023, 3, 8, 5, 40, tzinfo=UTC)
    assert "3441" in document.canonical.decode()
    assert "1111" not in document.canonical.decode()
    assert site.times("/en/news/training-of-crews") == 0


@pytest.mark.parametrize(
    "slug", [f"{SLUG}-1", f"{SLUG}-2", SLUG.replace("2023", "2020"), SLUG.replace("march-8", "march-7")]
)
def test_a_slug_that_lies_decides_nothing(site: Site, crawled: Crawl, memory: Memory, slug: str) -> None:
    """The ministry clones yesterday's page: one whose address ends in -1 or names another day is read as any other."""
    site.put("/en/news", LIST.format(entries=ENTRY.format(slug=slug, title=TITLE, at=MORNING), next=""))
    site.put(f"/en/news/{slug}", REPORT.format(title=TITLE, tanks=3441, at=MORNING, views=1))
    assert crawled("mod_gov_ua").problems == ()
    [document] = memory.documents
    assert document.key == f"https://mod.gov.ua/en/news/{slug}"
    assert document.published_at == datetime(2023, 3, 8, 5, 40, tzinfo=UTC)
    said = read(
        document.content, content_type=document.content_type, url=document.url, published_at=document.published_at
    )
    assert {claim.as_of for claim in said.claims} == {date(2023, 3, 8)}


def test_what_stands_beside_an_article_makes_no_version(site: Site, crawled: Crawl) -> None:
    """Counters and what else is new change with each poll; the article does not."""
    ministry(site)
    crawled("mod_gov_ua")
    ministry(site, views=11)
    assert crawled("mod_gov_ua").unchanged == 1
    ministry(site, tanks=3414)
    assert crawled("mod_gov_ua").changed == 1


def test_an_article_is_looked_at_again_when_its_list_is_as_it_was(site: Site, crawled: Crawl) -> None:
    """A list with an ETag is asked for whole: it would hide that the report was changed."""
    ministry(site)
    outcome = crawled("mod_gov_ua")
    ministry(site, tanks=3414)
    assert crawled("mod_gov_ua", validators=outcome.validators).changed == 1


def test_an_unchanged_article_costs_a_304(site: Site, crawled: Crawl, memory: Memory) -> None:
    """What the server gave with the article is what it is asked with the next time."""
    ministry(site)
    site.pages[f"/en/news/{SLUG}"].headers["ETag"] = '"v1"'
    first = crawled("mod_gov_ua")
    second = crawled("mod_gov_ua", validators=first.validators)
    assert (second.new, second.changed, second.unchanged) == (0, 0, 1)
    assert memory.items[-1].url == f"{site.url}/en/news/{SLUG}"
    assert second.validators == first.validators
    assert site.headers[f"/en/news/{SLUG}"]["If-None-Match"] == '"v1"'


def test_the_list_is_paged_back_for_a_window(site: Site, crawled: Crawl, memory: Memory) -> None:
    """For days of the past the list is followed until it is older than they are."""
    ministry(site)
    site.pages["/en/news"].body = LIST.format(
        entries=ENTRY.format(slug=SLUG, title=TITLE, at=MORNING), next='<a rel="next" href="/en/news?page=2">Older</a>'
    )
    older = ENTRY.format(slug="losses-of-march-1", title="losses", at="2023-03-01T08:00:00+02:00")
    oldest = ENTRY.format(slug="losses-of-february-27", title="losses", at="2023-02-27T08:00:00+02:00")
    site.put("/en/news?page=2", LIST.format(entries=older + oldest, next='<a rel="next" href="/en/news?page=3">O</a>'))
    site.put("/en/news/losses-of-march-1", REPORT.format(title="t", tanks=1, at="2023-03-01T08:00:00+02:00", views=1))
    outcome = crawled("mod_gov_ua", since=date(2023, 3, 1), until=date(2023, 3, 7))
    assert memory.keys == ["https://mod.gov.ua/en/news/losses-of-march-1"]
    assert outcome.complete
    assert site.times("/en/news?page=3") == 0


FEEDS = {
    "rss": """<rss version="2.0"><channel><title>x</title>{}</channel></rss>""",
    "atom": """<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title>{}</feed>""",
    "sitemap": """<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
 xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">{}</urlset>""",
}
ITEMS = {
    "rss": """<item><title>{title}</title><link>{link}</link>
 <pubDate>Wed, 08 Mar 2023 08:35:00 +0200</pubDate></item>""",
    "atom": """<entry><title>{title}</title><link rel="alternate" href="{link}"/>
 <published>2023-03-08T08:35:00+02:00</published></entry>""",
    "sitemap": """<url><loc>{link}</loc><news:news><news:publication_date>2023-03-08T08:35:00+02:00
 </news:publication_date><news:title>{title}</news:title></news:news></url>""",
}
ARTICLE = """<!DOCTYPE html><html><head><title>{title}</title></head><body><article><h1>{title}</h1>
<p>Russia has lost about 154,830 troops in Ukraine, including 1,060 over the past day.</p></article></body></html>"""
HOME = "https://www.ukrinform.net"


@pytest.mark.parametrize("form", FEEDS)
def test_a_feed_leads_to_articles(site: Site, crawled: Crawl, memory: Memory, form: str) -> None:
    """RSS, Atom and a news sitemap are read alike; links to the source's own site are fetched from its copy."""
    losses = ITEMS[form].format(title="Russian losses as of March 8", link=f"{HOME}/ato/1-losses.html?utm_source=rss")
    other = ITEMS[form].format(title="Library opens", link=f"{HOME}/culture/2-library.html")
    site.put("/rss/block-lastnews", FEEDS[form].format(losses + other), headers={"Content-Type": "application/xml"})
    site.put("/ato/1-losses.html?utm_source=rss", ARTICLE.format(title="Losses"))
    outcome = crawled("ukrinform")
    assert (outcome.new, outcome.problems) == (1, ())
    [document] = memory.documents
    assert document.key == f"{HOME}/ato/1-losses.html"
    assert document.published_at == datetime(2023, 3, 8, 6, 35, tzinfo=UTC)
    assert "154,830" in document.canonical.decode()
    assert site.times("/culture/2-library.html") == 0


def test_a_feed_that_does_not_reach_back_says_so(site: Site, crawled: Crawl) -> None:
    """A window that a feed cannot show is not done: the crawl is not complete."""
    site.put("/rss/block-lastnews", FEEDS["rss"].format(ITEMS["rss"].format(title="Library", link=f"{HOME}/2")))
    outcome = crawled("ukrinform", since=date(2023, 1, 1), until=date(2023, 1, 2))
    assert not outcome.complete
    assert "goes back to 2023-03-08" in outcome.problems[0]


def test_one_dead_link_does_not_break_a_source(site: Site, crawled: Crawl, memory: Memory) -> None:
    """An article that is gone is a recorded problem beside the others, which are kept."""
    items = [ITEMS["rss"].format(title="losses", link=f"{HOME}/{name}") for name in ("gone", "there")]
    site.put("/rss/block-lastnews", FEEDS["rss"].format("".join(items)))
    site.put("/there", ARTICLE.format(title="Losses"))
    outcome = crawled("ukrinform")
    assert memory.keys == [f"{HOME}/there"]
    assert [trouble.cause for trouble in outcome.troubles] == ["http_error"]
    assert outcome.cause is None
    assert not outcome.complete
    assert outcome.validators == {}


def test_an_article_elsewhere_is_not_fetched(site: Site, crawled: Crawl) -> None:
    """A link out of the source's own hosts is refused and recorded."""
    site.put(
        "/rss/block-lastnews", FEEDS["rss"].format(ITEMS["rss"].format(title="losses", link="https://x.example/1"))
    )
    outcome = crawled("ukrinform")
    assert [trouble.cause for trouble in outcome.troubles] == ["blocked"]
