"""`[mail]`: from whom, to whom."""

from __future__ import annotations

from email.errors import HeaderParseError
from email.headerregistry import Address as HeaderAddress
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, field_validator

from scheduler.sections import Section


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


class Recipient(Section):
    """Who gets mails, and in which language."""

    address: Address
    language: Literal["en", "uk"] = "en"


class Mail(Section):
    """`[mail]`: from whom, to whom."""

    sender: Address = Field(default="tallywatch@localhost.localdomain", alias="from")
    to: tuple[Recipient, ...] = ()
    follow_up_minutes: int = Field(default=15, ge=0)  # least distance of two mails of one thread

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @property
    def readers(self) -> tuple[Recipient, ...]:
        """Return who is mailed: without any recipient, the Maildir's own reader."""
        return self.to or (Recipient(address="desk@localhost.localdomain"),)

    @field_validator("to", mode="before")
    @classmethod
    def plain_addresses(cls, value: Any) -> Any:
        """Accept plain addresses beside tables with a language, and one address where a list is meant."""
        entries = [value] if isinstance(value, str) else value
        if not isinstance(entries, list | tuple):
            return entries
        return tuple({"address": entry} if isinstance(entry, str) else entry for entry in entries)
