"""Ways out of the house for a mail: an SMTP server, or a Maildir in the home directory."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib

from scheduler.exceptions import WrongUse
from scheduler.mails.quoting import one_line

PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
OURS = {421, 530, 534, 535, 538}
"""Answers that speak of the server or of how we log in, whatever the mail."""

TOO_LARGE = 552
PERMANENT = 500
ANSWER = 300
"""Bound of what a server says."""


class Refusal(Exception):  # noqa: N818 - named after what happened
    """Raised by transports: a mail was not taken over. The message is one sentence and holds no secret."""


class TemporaryRefusal(Refusal):
    """This mail cannot be taken now (4xx). Later it may."""


class PermanentRefusal(Refusal):
    """This mail will never be taken (5xx)."""


class ServerUnavailable(TemporaryRefusal):
    """No mail can be handed over now: nobody answers, the login is refused, the disk is full."""


async def _ours() -> None:
    """Find nothing wrong: nobody else could send the mail."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """A mail as it is handed over."""

    sender: str
    recipient: str
    message_id: str
    content: bytes  # RFC 5322
    still_ours: Callable[[], Awaitable[object]] = field(default=_ours, compare=False)
    """Asked last before nothing can be taken back; raises when somebody else may have sent the mail meanwhile."""


class Transport(Protocol):
    """Takes mails over, one after the other."""

    async def send(self, envelope: Envelope) -> str:
        """Hand a mail over and return the answer. Raises Refusal."""

    async def probe(self) -> str:
        """Say whether mails could be handed over now, without sending one. Raises Refusal."""

    async def close(self) -> None:
        """Let go of connections; sending again opens them again."""


class _Client(aiosmtplib.SMTP):
    """Asks between RCPT and DATA whether the mail is still to be sent."""

    still_ours: Callable[[], Awaitable[object]] = staticmethod(_ours)

    async def data(self, *args: Any, **kwargs: Any) -> aiosmtplib.SMTPResponse:
        await self.still_ours()
        return await super().data(*args, **kwargs)


class SmtpTransport:
    """An SMTP server, spoken to over one connection per batch.

    `smtp://` is plain, `smtp+starttls://` insists on STARTTLS, `smtps://` is TLS from the start; certificates are
    verified. `seconds` bounds everything that is done for one mail.
    """

    def __init__(self, url: str, *, seconds: float = 60) -> None:
        """Raise WrongUse for a URL that cannot be used."""
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise WrongUse("the SMTP URL must be smtp://, smtp+starttls:// or smtps:// with a host")
        if parts.scheme == "smtp" and parts.password and parts.hostname not in LOOPBACK:
            raise WrongUse("smtp:// would send the password in clear: use smtp+starttls:// or smtps://")
        self._seconds = seconds
        self._place = f"{parts.hostname}:{parts.port or PORTS[parts.scheme]}"
        self._client = _Client(
            hostname=parts.hostname,
            port=parts.port or PORTS[parts.scheme],
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            use_tls=parts.scheme == "smtps",
            start_tls=parts.scheme == "smtp+starttls",
            timeout=seconds,
        )

    def __repr__(self) -> str:
        return f"SmtpTransport({self._place})"

    async def send(self, envelope: Envelope) -> str:
        """Hand a mail over and return what the server answered."""
        try:
            async with asyncio.timeout(self._seconds):
                await self._connect()
                self._client.still_ours = envelope.still_ours
                _, answer = await self._client.sendmail(envelope.sender, [envelope.recipient], envelope.content)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            self._client.close()
            raise refusal(error, self._place) from error
        return one_line(answer, ANSWER)

    async def probe(self) -> str:
        """Connect, with TLS and login as configured."""
        try:
            async with asyncio.timeout(self._seconds):
                await self._connect()
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            self._client.close()
            raise refusal(error, self._place) from error
        return f"{self._place} takes mails"

    async def _connect(self) -> None:
        """Open the connection; one that was left open is asked first whether it still lives."""
        if self._client.is_connected:
            try:
                await self._client.noop()
            except aiosmtplib.SMTPException:
                self._client.close()
        if not self._client.is_connected:
            await self._client.connect()

    async def close(self) -> None:
        """Say goodbye, if there is somebody to say it to."""
        if self._client.is_connected:
            try:
                await self._client.quit(timeout=self._seconds)
            except (aiosmtplib.SMTPException, OSError):
                self._client.close()


def refusal(error: Exception, place: str) -> Refusal:
    """Translate what the SMTP client raised into what it means for the mail."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return refusal(error.recipients[0], place)
    if not isinstance(error, aiosmtplib.SMTPResponseException):
        reason = "did not answer in time" if isinstance(error, TimeoutError) else one_line(str(error), ANSWER)
        return ServerUnavailable(f"{place}: {reason or type(error).__name__}")
    said = f"{place} answered {error.code} {one_line(error.message, ANSWER)}"
    if _about_us(error):
        return ServerUnavailable(said)
    return PermanentRefusal(said) if error.code >= PERMANENT else TemporaryRefusal(said)


def _about_us(error: aiosmtplib.SMTPResponseException) -> bool:
    """Whether the answer would be the same for any mail: greeting, login, or a sender who may not send."""
    if isinstance(error, aiosmtplib.SMTPSenderRefused):
        return error.code != TOO_LARGE
    hand_shake = aiosmtplib.SMTPHeloError | aiosmtplib.SMTPAuthenticationError | aiosmtplib.SMTPConnectResponseError
    return isinstance(error, hand_shake) or error.code in OURS


class MaildirTransport:
    """A Maildir. The same mail delivered twice is one file, read or not."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __repr__(self) -> str:
        return f"MaildirTransport({self._path})"

    async def send(self, envelope: Envelope) -> str:
        """Write a mail so that a reader sees all of it or nothing. Raises ServerUnavailable when the disk refuses."""
        try:
            return await asyncio.to_thread(self._write, envelope)
        except OSError as error:
            raise ServerUnavailable(f"{self._path} cannot be written: {error.strerror or error}") from error

    async def probe(self) -> str:
        """Make the folders."""
        try:
            self._make_folders()
        except OSError as error:
            raise ServerUnavailable(f"{self._path} cannot be written: {error.strerror or error}") from error
        return f"{self._path} takes mails"

    async def close(self) -> None:
        """Nothing is held open."""

    def _make_folders(self) -> None:
        for folder in ("tmp", "new", "cur"):
            (self._path / folder).mkdir(mode=0o700, parents=True, exist_ok=True)

    def _write(self, envelope: Envelope) -> str:
        self._make_folders()
        name = f"{hashlib.sha256(envelope.message_id.encode()).hexdigest()[:32]}.tallywatch"
        if read := next((self._path / "cur").glob(f"{name}*"), None):
            return f"already read: {read}"
        partial = self._path / "tmp" / f"{name}.{os.getpid()}"
        with partial.open("wb") as file:
            file.write(envelope.content.replace(b"\r\n", b"\n"))  # a Maildir has the machine's line ends
            file.flush()
            os.fsync(file.fileno())
        return str(partial.rename(self._path / "new" / name))
