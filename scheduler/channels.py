"""Other ways than mail: messengers and webhooks, through the library Apprise. Their URLs are secrets."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email import message_from_bytes, policy

from pydantic import SecretStr

from scheduler.config import secret
from scheduler.exceptions import WrongUse
from scheduler.mails.quoting import one_line
from scheduler.mails.view import CHANNEL
from scheduler.sections.mail import Channel
from scheduler.transport import ANSWER, Envelope, TemporaryRefusal, Transport

SECONDS = 60.0
"""After which a channel is given up for this time."""

HARMLESS = 4
"""Parts of a URL of fewer characters than this are no secrets: they are left in what a channel says."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelTransport:
    """Mails through one transport, and what is for a channel through Apprise."""

    mails: Transport
    urls: Mapping[str, SecretStr] = field(default_factory=dict)  # by the channel's name
    seconds: float = SECONDS

    async def send(self, envelope: Envelope) -> str:
        """Hand over a mail or a message. Raises Refusal; a channel that fails is tried again, as a mail is."""
        if not envelope.recipient.startswith(CHANNEL):
            return await self.mails.send(envelope)
        name = envelope.recipient.removeprefix(CHANNEL)
        if name not in self.urls:
            raise TemporaryRefusal(f"there is no channel {name} in the configuration")
        title, body = message(envelope)
        await envelope.still_ours()
        try:
            # The library blocks: it gets a thread, and what it says of its own is kept from the log.
            async with asyncio.timeout(self.seconds):
                await asyncio.to_thread(notify, self.urls[name], title, body)
        except TimeoutError as error:
            raise TemporaryRefusal(f"channel {name} did not answer in time") from error
        except NotTaken as error:
            raise TemporaryRefusal(f"channel {name} did not take it: {error}") from error
        return f"channel {name} took it"

    async def probe(self) -> str:
        """Ask the way of the mails; a channel cannot be asked without telling something."""
        return await self.mails.probe()

    async def close(self) -> None:
        """Let go of the connections of the mails."""
        await self.mails.close()


class NotTaken(Exception):  # noqa: N818 - named after what happened
    """Raised by `notify` when a channel did not take a message; its words hold no part of the URL."""


def notify(url: SecretStr, title: str, body: str) -> None:
    """Send a message to a channel. Blocks. Raises NotTaken."""
    import apprise  # noqa: PLC0415 - 20 MB, and most installations have no channel

    logging.getLogger("apprise").setLevel(logging.WARNING)  # below that, it quotes the URL
    channel = apprise.Apprise()
    with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as said:  # type: ignore[no-untyped-call]
        taken = channel.add(url.get_secret_value()) and channel.notify(body=body, title=title)
        reason = said.getvalue()
    if not taken:
        raise NotTaken(one_line(redacted(reason, url), ANSWER) or "no reason given")


def redacted(text: str, url: SecretStr) -> str:
    """Return what a channel says without any part of its URL, which may be a token."""
    parts = {part for part in re.split(r"[:/@?&=%#,]+", url.get_secret_value()) if len(part) >= HARMLESS}
    for part in sorted(parts, key=len, reverse=True):
        text = text.replace(part, "…")
    return text


def message(envelope: Envelope) -> tuple[str, str]:
    """Return the title and the text of what is for a channel."""
    mail = message_from_bytes(envelope.content, policy=policy.default)
    body = mail.get_body(("plain",))
    return str(mail["Subject"]), str(body.get_content()).replace("\r\n", "\n") if body else ""


def addresses(channels: tuple[Channel, ...]) -> dict[str, SecretStr]:
    """Return the URLs of channels: as configured, else from TALLYWATCH_CHANNEL_NAME or the file that it names.

    Raises WrongUse for a channel without a URL, or with one that Apprise does not know.
    """
    urls = {}
    for channel in channels:
        name = f"TALLYWATCH_CHANNEL_{channel.name.upper().replace('-', '_')}"
        given = secret(name)
        url = SecretStr(given) if given else channel.url
        if url is None:
            raise WrongUse(f"the channel {channel.name} has no URL: give it as {name}, or as {name}_FILE")
        if "://" not in url.get_secret_value():
            raise WrongUse(f"the URL of the channel {channel.name} is none: it begins as slack:// or json:// do")
        urls[channel.name] = url
    return urls
