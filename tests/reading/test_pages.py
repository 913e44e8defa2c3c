from __future__ import annotations

import json
from datetime import date

import pytest

from pipelines.records import GENERAL_STAFF
from tests.reading.rendering import ENGLISH, HEADINGS, by_metric, read, stated

DAY = date(2024, 1, 19)
HEADING = HEADINGS["en"].format(d=DAY)
LINES = [f"{label}&nbsp;‒ {1000 + place} (+{place})," for place, label in enumerate(ENGLISH.values())]
TOLD = {metric: (1000 + place, place) for place, metric in enumerate(ENGLISH)}
OTHER = (
    "The total combat losses of the enemy from 24.02.2022 to 05.06.2023: tanks ‒ 3837 "
    "(+12), APV ‒ 7526 (+7), MLRS ‒ 583 (+0)"
)


def page(body: str) -> str:
    """Surround an article with what a ministry's site has around it: menus, latest news, breadcrumbs, a footer."""
    return f"""<!DOCTYPE html><html><head><title>Losses | Ministry</title><meta charset="utf-8">
    <script>var tanks = 9999;</script></head><body><nav><ul><li>tanks ‒ 1 (+1)</li></ul></nav>
    <div class="breadcrumbs">{OTHER}</div><h1>{HEADING}</h1><div class="editor-content">{body}</div>
    <aside class="sidebar"><h5>LATEST NEWS</h5><p>{OTHER}</p></aside><footer>{OTHER}</footer></body></html>"""


@pytest.mark.parametrize(
    "body",
    [
        f"<p>{HEADING}</p><ul>{''.join(f'<li>{line}</li>' for line in LINES)}</ul>",
        f"<p>{HEADING}</p>{''.join(f'<p>{line}</p>' for line in LINES)}",
        f"<p>{HEADING}<br>{'<br/>'.join(LINES)}</p>",
        f"<p>{HEADING}</p><table>"
        + "".join(
            f"<tr><td>{label}</td><td>{1000 + n}</td><td>+{n}</td></tr>" for n, label in enumerate(ENGLISH.values())
        )
        + "</table>",
    ],
    ids=["items", "paragraphs", "breaks", "table"],
)
def test_lines_of_a_page_are_lines_of_the_text(body: str) -> None:
    """Items, paragraphs, breaks and rows are read alike, and nothing around the article is."""
    found = read(page(body), DAY, content_type="text/html")
    assert stated(found) == TOLD
    assert {claim.as_of for claim in found.claims} == {DAY}


def test_spans_index_the_text_that_was_made_of_the_page() -> None:
    """The extractor is named beside the text, because spans are valid for it alone."""
    found = read(page(f"<p>{HEADING}</p><ul><li>tanks ‒ 6,167 (+20),</li></ul>"), DAY)
    span = by_metric(found)["tanks"].total_span
    assert span
    assert found.text[slice(*span)] == "6,167"
    assert found.extractor == "body/1"


def test_a_large_article_without_a_known_frame() -> None:
    """News sites are read by what looks like the article."""
    filler = "".join(f"<li><a href='/{n}'>Weather in town {n}</a></li>" for n in range(600))
    body = (
        f"<html><head><title>Losses</title></head><body><ul class='menu'>{filler}</ul>"
        "<article><h1>Russia lost 1,140 troops</h1>"
        "<p>Russia lost 1,140 troops, eight tanks and 59 artillery systems over the past day, "
        "Ukraine's General Staff said. It has been fighting in Ukraine since 24 February 2022, "
        "and this paragraph is here so that the article is one.</p></article></body></html>"
    )
    found = read(body, date(2024, 10, 11), content_type="text/html")
    assert found.extractor == "article/1"
    assert stated(found) == {"personnel": (None, 1140), "tanks": (None, 8), "artillery_systems": (None, 59)}


def test_a_telegram_post_is_read_once() -> None:
    """A caption nested in its own class is one text; a quoted reply and a link's preview are none."""
    text = "tgme_widget_message_text js-message_text"
    post = (
        '<div class="tgme_widget_message_wrap">'
        '<div class="tgme_widget_message_text js-message_reply_text">танків ‒ 1 (+1)</div>'
        f'<div class="{text}"><div class="{text}"><i class="emoji"><b>🔥</b></i>Загальні бойові <a>#втрати</a> '
        "противника з 24.02.22 по 19.02.24 орієнтовно склали:<br/>"
        "танків ‒ 6498 (+11) од<br/>літаків – 336 (+1) од<br/>РСЗВ – 986 (+2) од</div></div>"
        '<a class="tgme_widget_message_link_preview"><div class="tgme_widget_message_text">танків ‒ 2</div></a></div>'
    )
    found = read(post, date(2024, 2, 20), speaker=GENERAL_STAFF)
    assert stated(found) == {"tanks": (6498, 11), "aircraft": (336, 1), "mlrs": (986, 2)}
    assert {claim.as_of for claim in found.claims} == {date(2024, 2, 19)}
    assert found.text.count("6498") == 1


def test_text_before_the_mark_less_than_is_text() -> None:
    """A text file under any name is read as it is."""
    assert stated(read(f"{HEADING}\ntanks ‒ 6167 (+20)\nAPV ‒ 11445\nMLRS < 966", DAY))["tanks"] == (6167, 20)


LIST = "Втрати ворога станом на 19.01.2024:\nтанки — 6167\nлітаки — 331\nРСЗВ — 966"
DECLARING = f"<html><head><meta charset='windows-1251'></head><body><pre>{LIST}</pre></body></html>"


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (LIST.encode("cp1251"), "text/plain; charset=windows-1251"),
        (LIST.encode("utf-16"), ""),
        (DECLARING.encode("cp1251"), "text/html"),
    ],
    ids=["declared", "byte order mark", "declared by the page"],
)
def test_other_encodings(content: bytes, content_type: str) -> None:
    """Bytes are decoded by the content type, by what the page says, else as UTF-8."""
    assert stated(read(content, DAY, content_type=content_type))["tanks"] == (6167, None)


def test_bytes_that_are_no_text_are_read_to_nothing() -> None:
    """An image under the name of a page is not an error."""
    assert read(bytes(range(256)) * 40, DAY, content_type="text/html; charset=nonsense").claims == ()


def test_pages_without_a_report_have_no_claims() -> None:
    """A captcha, an empty shell, deep nesting."""
    for body in ("<html><body><h1>ShieldSquare Captcha</h1></body></html>", "<html></html>", "<div>" * 5000 + "tanks"):
        assert read(body, DAY, content_type="text/html").claims == ()


def test_a_month_of_a_portal_keeps_its_days() -> None:
    """All days stand on one page, each below its date; only the figures are read."""
    day = "<li class='gold'><span class='black'>{}</span><div class='casualties'><div><ul>{}</ul></div></div></li>"
    lines = "<li><abbr title='tanks'>Танки</abbr>&nbsp;&mdash; {} <small>(+13)</small></li><li>ББМ&nbsp;&mdash; 1830</li><li>Літаки&nbsp;&mdash; 143</li>"
    days = day.format("03.04.2022", lines.format(644)) + day.format("02.04.2022", lines.format(631))
    found = read(
        f"<html><body><h1>Втрати</h1><p>{OTHER}</p><ul class='see-also'>{days}</ul></body></html>", date(2022, 4, 4)
    )
    assert {(c.as_of, c.total, c.daily) for c in found.claims if c.metric == "tanks"} == {
        (date(2022, 4, 3), 644, 13),
        (date(2022, 4, 2), 631, 13),
    }


def test_an_infographic_is_read_from_what_it_declares() -> None:
    """Figures that are only a picture may stand in the page's data for search engines."""
    entries = [{"@type": "ListItem", "name": "Танки", "description": "11 893 (+4)"},
               {"@type": "ListItem", "item": {"name": "Літаки", "description": "435 (+0)"}},
               {"@type": "ListItem", "name": "РСЗВ", "description": "1 833"}]  # fmt: skip
    block = json.dumps({"@type": "ItemList", "itemListElement": entries})
    page = f"<html><body><h1>Втрати ворога на 29 квітня 2026 року</h1><script type='application/ld+json'>{block}</script></body></html>"
    found = read(page, date(2026, 4, 29))
    assert stated(found) == {"tanks": (11893, 4), "aircraft": (435, 0), "mlrs": (1833, None)}
    assert {claim.as_of for claim in found.claims} == {date(2026, 4, 29)}
