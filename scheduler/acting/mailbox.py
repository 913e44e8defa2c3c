"""The mailbox in which readers answer, over IMAP. Blocks: it is spoken to in a thread."""

from __future__ import annotations

import imaplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

from scheduler.exceptions import TallywatchError
from scheduler.mails.quoting import one_line

PORTS = {"imaps": 993, "imap+starttls": 143, "imap": 143}

SECONDS = 30.0
"""How long the server may be silent."""

LARGEST = 65_536
"""Bytes of a message that are fetched: an answer stands at its beginning, whatever is attached."""

ANSWER = 200
"""Bound of what a server says."""


class MailboxUnavailable(TallywatchError):  # noqa: N818 - named after what happened
    """Raised by `Mailbox`: the server is away, refuses us, or left in the middle. The next poll goes on from there."""


class Mailbox:
    """A connection to one folder."""

    def __init__(self, url: str, *, seconds: float = SECONDS) -> None:
        parts = urlsplit(url)
        self._scheme = parts.scheme
        self._host = parts.hostname or ""
        self._port = parts.port or PORTS[parts.scheme]
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")
        self._folder = unquote(parts.path.lstrip("/")) or "INBOX"
        self._seconds = seconds

    def open(self) -> None:
        """Log in and open the folder. Raises MailboxUnavailable."""
        with self._explained():
            self._imap = self._connected()
            try:
                self._imap.login(self._user, self._password)
                escaped = self._folder.replace("\\", "\\\\").replace('"', '\\"')
                self._check(self._imap.select(f'"{escaped}"'))
            except BaseException:
                self._imap.shutdown()
                raise

    def close(self) -> None:
        """Leave; a server that is gone already is no matter."""
        try:
            self._imap.logout()
        except (imaplib.IMAP4.error, OSError):
            self._imap.shutdown()

    def unseen(self) -> list[str]:
        """Return the messages that nobody has read, oldest first. Raises MailboxUnavailable."""
        with self._explained():
            found = self._check(self._imap.uid("SEARCH", "UNSEEN", "UNDELETED"))
        return [uid.decode("ascii") for uid in (found[0] or b"").split()]

    def fetch(self, uid: str) -> bytes:
        """Return a message, or its beginning, without marking it as read. Raises MailboxUnavailable."""
        with self._explained():
            parts = self._check(self._imap.uid("FETCH", uid, f"(BODY.PEEK[]<0.{LARGEST}>)"))
        return next((bytes(part[1]) for part in parts if isinstance(part, tuple)), b"")[:LARGEST]

    def mark(self, uid: str) -> None:
        """Mark a message as read. Raises MailboxUnavailable."""
        with self._explained():
            self._check(self._imap.uid("STORE", uid, "+FLAGS.SILENT", "(\\Seen)"))

    def _connected(self) -> imaplib.IMAP4:
        tls = ssl.create_default_context()
        if self._scheme == "imaps":
            return imaplib.IMAP4_SSL(self._host, self._port, ssl_context=tls, timeout=self._seconds)
        imap = imaplib.IMAP4(self._host, self._port, timeout=self._seconds)
        if self._scheme == "imap+starttls":
            imap.starttls(tls)
        return imap

    def _check(self, answer: tuple[str, list[Any]]) -> list[Any]:
        status, said = answer
        if status != "OK":
            raise imaplib.IMAP4.error(repr(said))
        return said

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Say in one sentence what went wrong, without the password, which a server may echo."""
        try:
            yield
        except (imaplib.IMAP4.error, OSError) as error:
            said = one_line(str(error) or type(error).__name__, ANSWER)
            said = said.replace(self._password, "…") if self._password else said
            place = f"{self._host}:{self._port}"
            raise MailboxUnavailable(f"the mailbox of replies at {place} cannot be read: {said}") from error
