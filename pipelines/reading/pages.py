"""Text out of HTML: the article alone, every paragraph, list item and row a line."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_LONGEST = 8_000_000  # bytes that are looked at
_LARGE = 20_000  # characters: a page with menus and sidebars; a smaller one is its article
_BLOCKS = frozenset(
    {"p", "div", "li", "ul", "ol", "tr", "table", "h1", "h2", "h3", "h4", "h5", "h6", "section", "article", "header",
     "blockquote", "pre", "dd", "dt", "dl", "figcaption", "main", "tbody", "thead"}
)  # fmt: skip
_SKIPPED = frozenset(
    {"script", "style", "noscript", "template", "nav", "footer", "form", "iframe", "svg", "button", "aside", "head",
     "select", "figure", "video", "audio", "object"}
)  # fmt: skip
_NOT_OURS = re.compile(
    r"(?:^|[\s_-])(?:breadcrumbs?|sidebar|related|latest|share|social|menu|footer|nav(?:igation|bar)?|comments?|cookie|"
    r"banner|subscribe|reply|link_preview|recommended|popular|promo|colbase2news|news-post|also)(?:$|[\s_-])",
    re.IGNORECASE,
)
_ITEMS = 3  # entries with a number that make a list of figures
_REPLY = ("tgme_widget_message_reply", "js-message_reply_text", "tgme_widget_message_link_preview")
_POST = "tgme_widget_message_text"
_BODIES = (
    "//*[@id='aticle-content']",  # mil.gov.ua, sic
    "//*[contains(concat(' ', @class, ' '), ' editor-content ')]",  # kmu.gov.ua
    "//*[contains(concat(' ', @class, ' '), ' casualties ')]/ancestor::ul[1]",  # minfin: all days of a month
)
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([A-Za-z0-9_\-]+)", re.IGNORECASE)
_PAGE = re.compile(
    r"<(?:!doctype|html|body|head|div|p|ul|ol|li|table|article|section|span|br|h[1-6])\b", re.IGNORECASE
)
_SPACES = re.compile(r"[ \t\r\n\f\v]+")


@dataclass(frozen=True, slots=True)
class Page:
    """Return the text of a page, its title first, and what made it."""

    text: str
    extractor: str


def decode(content: bytes | str, content_type: str) -> str:
    """Bytes as text: by the content type, by what the page says of itself, else UTF-8; never an error."""
    if isinstance(content, str):
        return content[:_LONGEST]
    content = content[:_LONGEST]
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    declared = _CHARSET.search(content_type.encode("ascii", "replace")) or _CHARSET.search(content[:2048])
    for name in (*([declared[1].decode("ascii")] if declared else ()), "utf-8"):
        try:
            return content.decode(name)
        except (LookupError, UnicodeDecodeError):
            continue
    return content.decode("utf-8", "replace")


def is_page(text: str, content_type: str) -> bool:
    """Whether this is HTML: by its type, or by its first tags. A text file named .html is text."""
    return bool(_PAGE.search(text[:3000])) if "<" in text[:3000] else "html" in content_type and "<" in text


def page(text: str) -> Page:
    """Return the text of a page or of a fragment of one."""
    from lxml import html  # noqa: PLC0415 - 15 ms that a post in plain text need not pay

    document = html.document_fromstring(text if text.strip() else "<p></p>")
    for element in _all(document, "//comment() | //processing-instruction()"):
        element.drop_tree()
    title = _title(document)
    infographic = _infographic(document)
    if infographic:
        return Page(_with_title(title, infographic), "items/1")
    posts = [e for e in _all(document, f"//*[contains(@class, '{_POST}')]") if not _inside_post(e)]
    if posts:
        return Page("\n\n".join(filter(None, map(_lines, posts))), "post/1")
    for path in _BODIES:
        bodies = _all(document, path)
        if bodies and (body := _lines(bodies[0])):
            return Page(_with_title(title, body), "body/1")
    if len(text) > _LARGE and (body := _article(text)):
        return Page(_with_title(title, body), "article/1")
    return Page(_with_title(title, _lines(document)), "lines/1")


def _infographic(document: HtmlElement) -> str:
    """Return the items that a page of figures declares for search engines: a name and "total (+change)" each."""
    for block in _all(document, "//script[@type='application/ld+json']/text()"):
        try:
            data = json.loads(block)
        except (ValueError, RecursionError):
            continue
        items = data.get("itemListElement") if isinstance(data, dict) else None
        rows = [row for row in items if isinstance(row, dict)] if isinstance(items, list) else []
        rows = [inner if isinstance(inner := row.get("item"), dict) else row for row in rows]
        lines = [f"{row['name']} — {row['description']}" for row in rows if row.get("name") and row.get("description")]
        if sum(any(char.isdigit() for char in line) for line in lines) >= _ITEMS:
            return "\n".join(lines)
    return ""


def _all(document: HtmlElement, path: str) -> list[Any]:
    """Return what an XPath of ours selects: always a list of nodes."""
    found = document.xpath(path)
    return found if isinstance(found, list) else []


def _inside_post(element: HtmlElement) -> bool:
    """Return a caption nested twice, a quoted reply, a link's preview: read once, or not at all."""
    if any(name in (element.get("class") or "") for name in _REPLY):
        return True
    return any(
        _POST in (parent.get("class") or "") or any(name in (parent.get("class") or "") for name in _REPLY)
        for parent in element.iterancestors()
    )


def _title(document: HtmlElement) -> str:
    for path in ("//h1", "//meta[@property='og:title']/@content", "//title"):
        for found in _all(document, path)[:1]:
            text = _SPACES.sub(" ", found if isinstance(found, str) else found.text_content()).strip()
            if text:
                return text
    return ""


def _with_title(title: str, body: str) -> str:
    return body if not title or body.startswith(title) else f"{title}\n\n{body}"


def _article(text: str) -> str:
    import trafilatura  # noqa: PLC0415 - 200 ms on first use

    found = trafilatura.extract(
        text, include_comments=False, include_tables=True, favor_recall=True, deduplicate=False, output_format="txt"
    )
    return found or ""


def _lines(root: HtmlElement) -> str:
    """Return the text below an element, a line for each block, a tab between cells."""
    pieces: list[str] = []
    _collect(root, pieces)
    lines = (
        _SPACES.sub(" ", line.replace("\x00", "\t").replace("\xa0", "\xa0")).strip()
        for line in "".join(pieces).split("\x01")
    )
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).strip()


def _collect(root: HtmlElement, pieces: list[str]) -> None:
    """Depth first, without recursion: a hostile page nests deeper than Python's stack."""
    stack: list[tuple[HtmlElement, bool]] = [(root, True)]
    while stack:
        element, opening = stack.pop()
        tag = element.tag if isinstance(element.tag, str) else ""
        block = tag in _BLOCKS
        if not opening:
            pieces.append("\x01" if block else "\x00" if tag in {"td", "th"} else "")
            pieces.append(element.tail or "" if element is not root else "")
            continue
        if element is not root and (tag in _SKIPPED or not tag or _foreign(element)):
            pieces.append(element.tail or "")
            continue
        pieces.append("\x01" if block or tag == "br" else "")
        pieces.append(element.text or "")
        stack.append((element, False))
        stack.extend((child, True) for child in reversed(element))


def _foreign(element: HtmlElement) -> bool:
    names = f"{element.get('class') or ''} {element.get('id') or ''}"
    return bool(names.strip()) and bool(_NOT_OURS.search(names))
