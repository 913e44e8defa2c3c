"""What the mirror prints, read by the real reader: no number lost, none invented."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pipelines.reading import read
from pipelines.records import GENERAL_STAFF, KYIV
from scheduler.demo import faults, ministry, news, telegram
from scheduler.demo.press import Press, Report
from scheduler.demo.site import HTML

if TYPE_CHECKING:
    from pipelines.records import Claim, Reading

END = datetime(2023, 4, 16, tzinfo=KYIV)
PRESS = Press(faults.load())
Cells = dict[str, tuple[int | None, int | None]]


def said(reading: Reading, report: Report) -> Cells:
    """Take what was read of a report: all of it must be of its day and its claimant."""
    assert reading.problems == ()
    assert all((claim.claimant, claim.as_of) == (GENERAL_STAFF, report.as_of) for claim in reading.claims)
    return {claim.metric: (claim.total, claim.daily) for claim in reading.claims}


def printed(report: Report) -> Cells:
    """Take what the outlet meant to print."""
    return {metric: (cell.total, cell.daily) for metric, cell in report.cells.items()}


def nothing(reading: Reading) -> tuple[tuple[Claim, ...], tuple[object, ...]]:
    """Take everything that was read of a text that is no report."""
    return reading.claims, reading.problems


def test_every_post_of_the_channel_is_read_as_it_was_meant() -> None:
    """Bilingual and Ukrainian, plain and as a caption; a situation report has no tally."""
    reports = {report.published_at: report for report in PRESS.reports("telegram", END)}
    posts = telegram.posts(PRESS, END)
    for post in posts:
        html = f"<div>{post.html}</div>"
        reading = read(html.encode(), content_type=HTML, published_at=post.moment, speaker=GENERAL_STAFF)
        report = reports.pop(post.moment, None)
        if report is None:
            assert nothing(reading) == ((), ())
        else:
            assert said(reading, report) == printed(report)
    assert not reports


def test_every_page_of_the_ministry_is_read_as_it_was_meant() -> None:
    """Totals with a space between the thousands; other news has no tally."""
    reports = {report.published_at: report for report in PRESS.reports("ministry", END)}
    pages = ministry.pages(PRESS, END)
    for page in pages:
        html = ministry.report_page(pages, page.path)
        assert html is not None
        reading = read(html, content_type=HTML, published_at=page.moment, speaker=GENERAL_STAFF)
        report = reports.pop(page.moment, None)
        if report is None:
            assert nothing(reading) == ((), ())
        else:
            assert said(reading, report) == printed(report)
    assert not reports


def test_every_article_is_read_as_it_was_meant() -> None:
    """Prose prints the change of personnel only; a total in whole thousands is a headline's rounding to a reader."""
    reports = {report.published_at: report for report in PRESS.reports("news", END)}
    articles = news.articles(PRESS, END)
    for article in articles:
        html = news.article_page(articles, article.path, "http://news.example")
        assert html is not None
        reading = read(html, content_type=HTML, published_at=article.moment)
        report = reports.pop(article.moment, None)
        if report is None:
            assert nothing(reading) == ((), ())
            continue
        wanted = {metric: (total, None) for metric, (total, _) in printed(report).items()}
        personnel = report.cells["personnel"]
        wanted["personnel"] = (personnel.total if personnel.total % 1000 else None, personnel.daily)
        assert said(reading, report) == wanted
    assert not reports
