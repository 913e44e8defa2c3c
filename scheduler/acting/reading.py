"""A reply as it came, hostile until read: who wrote it, to which mail, and its first words."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.utils import getaddresses
from typing import Any

import lxml.html

from scheduler.acting.acts import ANSWERS
from scheduler.mails.quoting import clean, one_line

NAMED = 50
"""Message-IDs of a reply that are looked up; ours is among the last."""

LINE = 500
"""Characters of the line that answers."""

LINES = 200
"""Lines in which it is looked for."""

AUTOMATIC = {"bulk", "junk", "list", "auto_reply"}
"""Values of Precedence with which machines answer."""

MACHINES = ("x-autoreply", "x-autorespond", "x-auto-response-suppress", "list-id", "feedback-id")
"""Headers that only machines, ours among them, write."""

ATTRIBUTION = re.compile(r":\s*$")
"""How the line ends with which mail programs introduce a quotation: On 8 March olena wrote:"""


FOLDED = 25
"""A shorter one is the end of a line that was folded: <tallywatch@example.org> / wrote:"""


class Unreadable(Exception):  # noqa: N818 - it reads as what it is: `raise Unreadable`
    """Raised by `read`: this message is beyond Python's parser."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What matters of a reply."""

    key: bytes  # of its Message-ID, else of the whole
    sender: str  # "" unless there is exactly one
    answers: tuple[str, ...]  # Message-IDs that it names, the likeliest first
    automatic: bool  # a machine wrote it
    subject: str
    line: str  # the first line that its writer wrote


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """A line understood."""

    act: str
    incidents: tuple[int, ...]  # that it names by number; () for everything
    note: str


def read(raw: bytes) -> Reply:
    """Read a message. Raises Unreadable."""
    try:
        message = message_from_bytes(raw)  # the modern policy takes seconds for a header of 300 kB
        identity = str(message["Message-ID"] or "").strip().encode() or raw
        return Reply(
            key=hashlib.sha256(b"reply " + identity).digest(),
            sender=_sender(message),
            answers=_answers(message),
            automatic=_automatic(message),
            subject=one_line(str(message["Subject"] or ""), LINE),
            line=_line(message),
        )
    except Exception as error:  # the parser raises nearly anything at hostile input
        raise Unreadable(repr(error)) from error


def understand(line: str) -> Said | None:
    """Return what a line says: the longest words of an answer that it begins with, perhaps numbers, and a note."""
    words = re.sub(r"[\s.,;:!]+", " ", line.casefold()).strip()
    known = sorted(((word, act) for act, one in ANSWERS.items() for word in one.words), key=lambda one: -len(one[0]))
    act = next(((word, act) for word, act in known if f"{words} ".startswith(f"{word} ")), None)
    if act is None:
        return None
    rest = re.sub(rf"^(?:[^\s.,;:!]+[\s.,;:!]*){{{len(act[0].split())}}}", "", line.strip(), count=1)
    numbers = re.match(r"(?:#?\d{1,18}(?=[\s,]|$)[\s,]*)*", rest)
    found = tuple(int(number) for number in re.findall(r"\d+", numbers[0])) if numbers else ()
    return Said(act=act[1], incidents=found, note=rest.strip())


def _sender(message: Message) -> str:
    found = [address for _, address in getaddresses([str(one) for one in message.get_all("From", [])]) if address]
    return found[0].casefold() if len(found) == 1 else ""


def _answers(message: Message) -> tuple[str, ...]:
    """Name what is answered: In-Reply-To, then References from the last, then the subject (a mail to unsubscribe)."""
    direct, thread, subject = (
        re.findall(r"<[^<>\s]{3,250}>", " ".join(str(one) for one in message.get_all(name, []))[: NAMED * LINE])
        for name in ("In-Reply-To", "References", "Subject")
    )
    return tuple(dict.fromkeys([*direct, *reversed(thread), *subject]))[:NAMED]


def _automatic(message: Message) -> bool:
    submitted = str(message["Auto-Submitted"] or "no").partition(";")[0].strip().casefold()
    return (
        submitted != "no"
        or str(message["Precedence"] or "").strip().casefold() in AUTOMATIC
        or any(name in message for name in MACHINES)
        or message.get_content_type() in {"multipart/report", "message/delivery-status"}
        or str(message["Return-Path"] or "").strip() == "<>"
    )


def _line(message: Message) -> str:
    texts = {part.get_content_type(): part for part in reversed([*message.walk()]) if not part.get_filename()}
    body = texts.get("text/plain", texts.get("text/html"))
    if body is None:
        return ""
    data = body.get_payload(decode=True)
    text = _decoded(data if isinstance(data, bytes) else b"", body.get_content_charset() or "utf-8")
    lines = _html_lines(text) if body.get_content_type() == "text/html" else text.splitlines()
    return one_line(clean(_first(lines[:LINES])), LINE)


def _decoded(data: bytes, charset: str) -> str:
    try:
        return data.decode(charset, "replace")
    except LookupError:  # a charset that nobody knows
        return data.decode("utf-8", "replace")


def _html_lines(text: str) -> list[str]:
    """Return the texts of a page in their order, without what was quoted."""
    if not text.strip():
        return []
    parser = lxml.html.HTMLParser(encoding="utf-8")
    page: Any = lxml.html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    for hidden in page.xpath("//head | //style | //script | //blockquote | //div[contains(@class, 'quote')]"):
        hidden.drop_tree()
    return [" ".join(str(part).split()) for part in page.itertext() if part.strip()]


def _first(lines: list[str]) -> str:
    """Return the first line that is neither quoted nor introduces a quotation."""
    kept: list[str] = []
    for line in lines:
        if not line.startswith(">"):
            kept.append(line.strip())
            continue
        while kept and not kept[-1]:
            kept.pop()
        if kept and ATTRIBUTION.search(kept[-1]):
            last = kept.pop()
            if kept and len(last) < FOLDED and "@" in kept[-1]:
                kept.pop()
    return next((line for line in kept if line), "")
