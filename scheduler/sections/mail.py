"""`[mail]`: from whom, to whom, and when."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import time
from email.errors import HeaderParseError
from email.headerregistry import Address as HeaderAddress
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, SecretStr, field_validator, model_validator

from scheduler.sections import Section
from scheduler.sections.rules import Rule


def deliverable(text: str) -> str:
    """Accept a bare address as a header can hold it. Raises ValueError."""
    try:
        HeaderAddress(addr_spec=text).domain.encode("ascii")
    except (HeaderParseError, UnicodeError) as error:
        raise ValueError("is not an e-mail address such as desk@example.org") from error
    if "@" not in text or len(text) > LONGEST_ADDRESS:
        raise ValueError("is not an e-mail address such as desk@example.org")
    return text


LONGEST_ADDRESS = 254
"""RFC 5321 leaves no room for more."""

Address = Annotated[str, AfterValidator(deliverable)]


class Recipient(Rule):
    """Who gets mails, of what, and in which language."""

    address: Address


class Channel(Rule):
    """Another way than mail, as the library Apprise knows it. Its URL holds a secret.

    It stands here, or in the variable TALLYWATCH_CHANNEL_NAME, or in the file that TALLYWATCH_CHANNEL_NAME_FILE names.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=40)
    url: SecretStr | None = None
    gets: Literal["news", "failures", "all"] = "all"  # failures: of the machinery


class Mail(Section):
    """`[mail]`: from whom, to whom, and when."""

    sender: Address = Field(default="tallywatch@localhost.localdomain", alias="from")
    to: tuple[Recipient, ...] = ()
    operators: tuple[Recipient, ...] = ()  # who gets the failures of the machinery, in place of the desk
    channels: tuple[Channel, ...] = ()
    follow_up_minutes: int = Field(default=15, ge=0)  # least distance of two mails of one thread
    hourly_cap: int = Field(default=30, ge=1)  # mails to one reader within an hour; one more says what is held back
    reminder_hours: int = Field(default=24, ge=1)  # after which an incident that nobody has answered is told again
    reminders: int = Field(default=3, ge=0)  # how many times
    digest: Literal["daily", "weekly", "off"] = "daily"
    digest_at: time = time(12)  # Kyiv: the report of the day has come by then, or is late
    digest_on: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = "monday"

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @property
    def readers(self) -> tuple[Recipient, ...]:
        """Return who is mailed of news: without any recipient, the Maildir's own reader."""
        return self.to or (Recipient(address="desk@localhost.localdomain"),)

    @field_validator("to", "operators", mode="before")
    @classmethod
    def plain_addresses(cls, value: Any) -> Any:
        """Accept plain addresses beside tables with a language, and one address where a list is meant."""
        entries = [value] if isinstance(value, str) else value
        if not isinstance(entries, list | tuple):
            return entries
        return tuple({"address": entry} if isinstance(entry, str) else entry for entry in entries)

    @field_validator("channels", mode="before")
    @classmethod
    def plain_urls(cls, value: Any) -> Any:
        """Accept plain URLs beside tables; such a channel is named after its service, and never shows its secret."""
        entries = [value] if isinstance(value, str) else value
        if not isinstance(entries, list | tuple):
            return entries
        return tuple({"name": unnamed(entry), "url": entry} if isinstance(entry, str) else entry for entry in entries)

    @model_validator(mode="after")
    def once(self) -> Mail:
        """Refuse a reader who is named twice: nobody could say which of the two rules holds."""
        for group in (
            (r.address for r in self.to),
            (r.address for r in self.operators),
            (c.name for c in self.channels),
        ):
            if twice := [name for name, count in Counter(group).items() if count > 1]:
                raise ValueError(f"{twice[0]} is named twice")
        if self.digest_at.tzinfo is not None:
            raise ValueError("digest_at is Kyiv time: leave the zone out")
        return self


def unnamed(url: str) -> str:
    """Name a channel of which only the URL is given."""
    service = "".join(char for char in url.partition("://")[0].lower() if char.isalnum() and char.isascii())
    return f"{service[:20] or 'channel'}-{hashlib.sha256(url.encode()).hexdigest()[:6]}"
