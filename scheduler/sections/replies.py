"""`[replies]`: the mailbox in which readers answer. Its address is a secret, `TALLYWATCH_IMAP_URL`."""

from __future__ import annotations

import re

from pydantic import Field, SecretStr

from scheduler.sections import Section
from scheduler.sections.mail import Address

LOOPBACK = r"(localhost|127\.0\.0\.1|\[::1\])"


class Replies(Section):
    """`[replies]`: who may answer, where to, and how often we look."""

    every_minutes: int = Field(default=2, ge=1)
    address: Address | None = None  # of the mailbox, where answers to `mail.from` do not reach it
    people: tuple[Address, ...] = ()  # who may answer beside the reader of a mail: the members of a shared address


def imap(value: SecretStr | None) -> SecretStr | None:
    """Accept imaps:// and imap+starttls://, and imap:// to this machine only: it sends the password in clear."""
    form = rf"(imaps|imap\+starttls)://[^/@]+@[^/]|imap://[^/@]+@{LOOPBACK}"
    if value is not None and not re.match(form, value.get_secret_value()):
        raise ValueError("must be imaps://user:password@host/folder or imap+starttls://…")
    return value
