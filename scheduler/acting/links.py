"""Signed links: each lets its holder do one thing, once, until it expires."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeVar, cast

from itsdangerous import BadData, URLSafeSerializer

from pipelines.database import Pool, connection, one
from scheduler.acting.acts import ANSWERS, EXPLAINING
from scheduler.exceptions import TallywatchError
from scheduler.mails.compose import Told, message_id
from scheduler.mails.headline import SETTLED
from scheduler.mails.page import NUMBERS
from scheduler.mails.view import ActLink, IncidentLine, Recipient, Thread

LIFE = timedelta(days=14)
"""How long a link can be used; the next mail of the thread brings new ones."""

UNSUBSCRIBE = "unsubscribe"
"""The purpose of the link that ends mails to its reader. It does not expire: whoever wants to leave may."""

TOKEN = 1000
"""Longest token that is looked at; ours have some 200 characters."""

T = TypeVar("T", bound=Told)


class LinkRefused(TallywatchError):  # noqa: N818 - it reads as what it is: `raise LinkRefused`
    """Raised by `Links.read`: a link that is not ours, or was for too long."""

    def __init__(self, why: Literal["forged", "expired"]) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, kw_only=True, slots=True)
class Permit:
    """What a link permits. It names a mail and no person: the database knows whose mail that is."""

    act: str  # a key of ANSWERS, or UNSUBSCRIBE
    mail: str  # its Message-ID
    incident: int | None  # None: everything that the mail tells of
    key: bytes  # names the link among the answers


@dataclass(frozen=True, kw_only=True, slots=True)
class Links:
    """Signs links, and reads them again. Another secret makes all earlier links invalid."""

    secret: str = field(repr=False)
    public_url: str | None = None  # without it there are no links
    replies: bool = False  # whether a mailbox is read
    reply_to: str | None = None  # that mailbox, where it is not the sender's

    def url(self, act: str, mail: str, incident: int | None, at: datetime) -> str:
        """Return the address of an act for the reader of a mail written at a time."""
        expires = 0 if act == UNSUBSCRIBE else int((at + LIFE).timestamp())
        place = "unsubscribe" if act == UNSUBSCRIBE else "act"
        token = self._signer().dumps([act, mail.strip("<>"), incident or 0, expires])
        return f"{self.public_url}/{place}/{token if isinstance(token, str) else token.decode()}"

    def read(self, token: str, now: datetime) -> Permit:
        """Return what a link permits. Raises LinkRefused."""
        if len(token) > TOKEN or not token.isascii():
            raise LinkRefused("forged")
        try:
            act, mail, incident, expires = self._signer().loads(token)
        except BadData as error:
            raise LinkRefused("forged") from error
        if expires and now >= datetime.fromtimestamp(expires, UTC):
            raise LinkRefused("expired")
        # base64 has several spellings of the same bytes: the key is made of what was read
        key = hashlib.sha256(f"link {act} {mail} {incident} {expires}".encode()).digest()
        return Permit(act=act, mail=f"<{mail}>", incident=incident or None, key=key)

    def dress(self, told: T, reader: Recipient, sender: str, at: datetime) -> tuple[T, Recipient]:
        """Return what a mail tells of with the links that it offers, and its reader with the ways to answer and leave.

        A mail's name is keyed with the secret: nobody can tell it who does not hold the mail, so that a reply proves
        by naming it that its writer does.
        """
        reader = replace(reader, key=self.secret, replies=self.replies, reply_to=self.reply_to or "")
        if self.public_url is None or reader.channel:
            return told, reader
        mail = message_id(told, reader, sender)
        reader = replace(reader, unsubscribe=self.url(UNSUBSCRIBE, mail, None, at))
        linked = self._linked(told, mail, at) if isinstance(told, Thread) else told
        return cast("T", linked), reader

    def _linked(self, thread: Thread, mail: str, at: datetime) -> Thread:
        lines = thread.incidents
        if len(lines) > 1:
            lines = tuple(replace(line, acts=self._acts((line,), mail, line.id, at)) for line in lines)
        return replace(thread, incidents=lines, acts=self._acts(lines, mail, None, at))

    def _acts(
        self, lines: Sequence[IncidentLine], mail: str, incident: int | None, at: datetime
    ) -> tuple[ActLink, ...]:
        standing = [line for line in lines if line.state not in SETTLED]
        if not standing:
            return ()
        explains = any(line.kind.startswith(NUMBERS) for line in standing)
        names = [name for name in ANSWERS if explains or name not in EXPLAINING]
        if incident is not None:  # acknowledging and putting off stand once, for the whole report
            names = [name for name in names if ANSWERS[name].what in {"explained", "closed"}]
        return tuple(ActLink(act=name, url=self.url(name, mail, incident, at)) for name in names)

    def _signer(self) -> URLSafeSerializer:
        options = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
        return URLSafeSerializer(self.secret, salt="tallywatch.links", signer_kwargs=options)


async def signing_secret(pool: Pool, configured: str | None) -> str:
    """Return what links are signed with: the configured secret, else a key that the database keeps."""
    if configured is not None:
        return configured
    async with connection(pool) as conn:
        return str((await one(conn, "signing_key", key=secrets.token_urlsafe(32)))["key"])
