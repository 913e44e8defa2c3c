"""A thread as a mail: what RFC 5322 wants, around what the templates say."""

from __future__ import annotations

import hmac
import logging
from base64 import encodebytes
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.headerregistry import Address, HeaderRegistry, UniqueUnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime
from functools import cache
from typing import TypeAlias
from urllib.parse import quote

from jinja2 import Environment

from scheduler.mails.notices import Digest, Notice, Storm, notice_page
from scheduler.mails.page import Page, page
from scheduler.mails.plain import short
from scheduler.mails.quoting import one_line
from scheduler.mails.render import environment, render_html, render_text
from scheduler.mails.view import Earlier, IncidentLine, Recipient, Thread

logger = logging.getLogger(__name__)

SUBJECT = 140
"""Bound of a subject: a phone shows the first 40 to 60 characters."""

REFERENCES = 20
"""Mails of the thread that References names: the first, then the latest."""

UNRENDERED = """\
This mail could not be rendered as designed; here is what it tells of.
Please report that, with the daemon's log of this time."""

SHIPPED = cache(environment)
"""The templates of the package."""


class Tokens(UniqueUnstructuredHeader):
    """A header of addresses or identities: one a line and never encoded, as the stdlib does with long ones."""

    name: str  # given by BaseHeader, with which the registry mixes this class

    def fold(self, *, policy: Policy) -> str:
        """Fold between tokens only."""
        return f"{self.name}: " + f"{policy.linesep} ".join(str(self).split()) + policy.linesep


class Line(UniqueUnstructuredHeader):
    """A subject. The stdlib, folding one that is only partly ASCII, doubles or drops the blanks where it changes."""

    name: str

    def fold(self, *, policy: Policy) -> str:
        """Encode all of it, or nothing."""
        text = str(self)
        charset = "us-ascii" if text.isascii() else "utf-8"
        folded = Header(text, charset, header_name=self.name).encode(linesep=policy.linesep)
        return f"{self.name}: {folded}{policy.linesep}"


def _header_factory() -> HeaderRegistry:
    registry = HeaderRegistry()
    for name in ("list-unsubscribe", "list-id", "in-reply-to", "references"):
        registry.map_to_type(name, Tokens)  # type: ignore[arg-type]  # it mixes BaseHeader in
    registry.map_to_type("subject", Line)  # type: ignore[arg-type]  # likewise
    return registry


WIRE = SMTP.clone(header_factory=_header_factory())
"""How our mails are written."""


Told: TypeAlias = Thread | Notice
"""What a mail can tell of."""


def message_id(thread: Told, recipient: Recipient, sender: str) -> str:
    """Name a mail by what it is, so that sent twice around a crash it is one mail to a reader."""
    identity = "\n".join((thread.claimant, thread.as_of.isoformat(), str(thread.transition), recipient.address))
    named = hmac.new(recipient.key.encode(), identity.encode(), "sha256").hexdigest()[:32]
    return f"<{named}@{Address(addr_spec=sender).domain}>"


def compose(
    thread: Told,
    *,
    recipient: Recipient,
    sender: str,
    at: datetime,
    chart: bytes | None = None,
    earlier: Sequence[Earlier] = (),
    templates: Environment | None = None,
) -> EmailMessage:
    """Write the mail of a thread's transition, or a notice, to one reader. The same arguments give the same bytes.

    `chart` is the PNG of `thread.series`; `earlier` are the mails of the thread that this reader was sent,
    oldest first. When a template fails, the mail is a plain one that says so: bad news is no reason for silence.
    """
    try:
        mail = _designed(thread, recipient, chart, message_id(thread, recipient, sender), templates or SHIPPED())
    except Exception:
        logger.exception("Mail of %s %s could not be rendered; sent plain", thread.claimant, thread.as_of)
        mail = plain(thread)
    return envelop(mail, thread, recipient=recipient, sender=sender, at=at, earlier=earlier)


def envelop(
    mail: EmailMessage,
    thread: Told,
    *,
    recipient: Recipient,
    sender: str,
    at: datetime,
    earlier: Sequence[Earlier] = (),
) -> EmailMessage:
    """Give a mail its names: from whom and to whom, which one it is, which came before."""
    identity = message_id(thread, recipient, sender)
    _address(mail, recipient, sender, identity)
    _place_in_thread(mail, identity, earlier)
    mail["Date"] = at
    return mail


def _designed(
    thread: Told, recipient: Recipient, chart: bytes | None, identity: str, templates: Environment
) -> EmailMessage:
    shown = page(thread, recipient) if isinstance(thread, Thread) else notice_page(thread, recipient)
    if recipient.channel:
        return _brief(shown)
    cid = f"chart.{identity.strip('<>')}" if chart and shown.chart else ""
    mail = EmailMessage(policy=WIRE)
    mail["Subject"] = one_line(shown.subject, SUBJECT)
    mail["Content-Language"] = recipient.language
    mail.set_content(render_text(shown, templates), cte="quoted-printable")
    mail.add_alternative(render_html(shown, cid, templates), subtype="html", cte="quoted-printable")
    if chart and cid:
        _inline(mail, chart, cid)
    _name_boundaries(mail, identity)
    return mail


def _brief(shown: Page) -> EmailMessage:
    """Write what a channel is told: the subject is its title."""
    mail = EmailMessage(policy=WIRE)
    mail["Subject"] = one_line(shown.subject, SUBJECT)
    mail["Content-Language"] = shown.language
    mail.set_content(short(shown), cte="quoted-printable")
    return mail


def _inline(mail: EmailMessage, chart: bytes, cid: str) -> None:
    """Set the chart beside the HTML that shows it."""
    html = mail.get_body(("html",))
    if html is None:
        raise ValueError("the mail has no HTML part to set the chart into")
    html.add_related(chart, "image", "png", cid=f"<{cid}>", filename="chart.png", disposition="inline")


def _name_boundaries(mail: EmailMessage, identity: str) -> None:
    """Replace random boundaries: a mail composed again must have the same bytes."""
    containers = [part for part in mail.walk() if part.is_multipart()]
    for depth, part in enumerate(containers):
        part.set_boundary(f"={depth}={identity[1:33]}=")


@dataclass(frozen=True, kw_only=True, slots=True)
class Stub:
    """A mail that is kept and not sent, unless a person wishes so."""

    message_id: str
    subject: str
    content: bytes


def stub(told: Told, recipient: Recipient, sender: str, at: datetime, why: str) -> Stub:
    """Write a mail in a tenth of the time that the stdlib takes: a storm brings ten thousand of them."""
    subject, body = _plain(told, why)
    identity = message_id(told, recipient, sender)
    headers = {
        "From": f"tallywatch <{sender}>",
        "To": f"{recipient.channel}:;" if recipient.channel else recipient.address,
        "Subject": Header(subject, "utf-8").encode(linesep="\r\n"),
        "Message-ID": identity,
        "Date": format_datetime(at),
        "Auto-Submitted": "auto-generated",
        "MIME-Version": "1.0",
        "Content-Type": 'text/plain; charset="utf-8"',
        "Content-Transfer-Encoding": "base64",
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("ascii")
    content = head + b"\r\n" + encodebytes(body.encode()).replace(b"\n", b"\r\n")
    return Stub(message_id=identity, subject=subject, content=content)


def plain(thread: Told) -> EmailMessage:
    """Tell what is known without any template or table of words."""
    mail = EmailMessage(policy=WIRE)
    mail["Subject"], body = _plain(thread, UNRENDERED)
    mail.set_content(body, cte="quoted-printable")
    return mail


def _plain(thread: Told, why: str) -> tuple[str, str]:
    """Return a subject and a text, in English."""
    about, lines = _lines(thread)
    told = [f"#{line.id} {line.severity}: {one_line(line.message, 400)}" for line in lines[:20]]
    left = len(lines) - len(told)
    body = [
        *why.splitlines(),
        "",
        about,
        *told,
        *([f"… and {left} more"] if left else []),
        "",
        f"tallywatch incidents show {lines[0].id}" if lines else "tallywatch status",
    ]
    return f"[tallywatch] {about} · {len(lines)} to look at", "\n".join(body) + "\n"


def _lines(told: Told) -> tuple[str, Sequence[IncidentLine]]:
    """Name what a mail tells of, with its incidents."""
    match told:
        case Thread():
            return f"{one_line(told.claimant, 60)} · {told.as_of}", told.incidents
        case Digest():
            return f"digest · {told.as_of}", [one.line for one in (*told.standing, *told.strange)]
        case Storm():
            return f"{told.held} mails are held back · {told.as_of}", [one.line for one in told.worst]
        case _:
            return f"silence {told.number} ended · {told.as_of}", [one.line for one in told.incidents]


def _address(mail: EmailMessage, recipient: Recipient, sender: str, identity: str) -> None:
    """Say from whom, to whom, how to leave, and that a machine wrote it: no auto-reply shall answer."""
    origin = Address(display_name="tallywatch", addr_spec=sender)
    mail["From"] = origin
    mail["Auto-Submitted"] = "auto-generated"
    if recipient.channel:
        mail["To"] = f"{recipient.channel}:;"
        return
    to = Address(addr_spec=recipient.address)
    mail["To"] = to
    mail["List-Id"] = f"<tallywatch.{origin.domain}>"
    subject = f"unsubscribe {identity if recipient.replies else to.addr_spec}"  # a mail's name proves who holds it
    leave = f"<mailto:{quote(recipient.reply_to or sender, safe='@')}?subject={quote(subject)}>"
    mail["List-Unsubscribe"] = f"<{recipient.unsubscribe}>, {leave}" if recipient.unsubscribe else leave
    if recipient.unsubscribe:
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    if recipient.reply_to:
        mail["Reply-To"] = Address(addr_spec=recipient.reply_to)
    mail["X-Auto-Response-Suppress"] = "All"  # what Exchange reads instead


def _place_in_thread(mail: EmailMessage, identity: str, earlier: Sequence[Earlier]) -> None:
    """Tie the mail to those before it, in each of the ways that mail programs go by."""
    mail["Message-ID"] = identity
    if not earlier:
        return
    named = [mail.message_id for mail in (earlier[0], *earlier[1:][1 - REFERENCES :])]
    mail["In-Reply-To"] = earlier[-1].message_id
    mail["References"] = " ".join(named)
    mail.replace_header("Subject", f"Re: {one_line(earlier[0].subject.removeprefix('Re: '), SUBJECT)}")
