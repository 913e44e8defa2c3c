"""`[watch]`: who is told that the daemon works, and under which name."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from scheduler.sections import Section


class Watch(Section):
    """`[watch]`: the dead man's switch, and how errors are marked."""

    ping_url: str | None = None  # asked for after each round that was kept; who hears nothing any more raises an alarm
    environment: str = Field(default="production", pattern="^[a-z0-9_-]{1,64}$")  # of the errors in Sentry

    @field_validator("ping_url")
    @classmethod
    def http(cls, value: str | None) -> str | None:
        """Accept http and https only."""
        if value is not None and not re.match(r"https?://[^/]", value):
            raise ValueError("must begin with http:// or https://")
        return value


def dsn(value: SecretStr | None) -> SecretStr | None:
    """Accept a DSN as Sentry gives it. Its own library says no more, in a traceback, and takes long to be loaded."""
    if value is not None and not _whole(value.get_secret_value()):
        raise ValueError("must be https://key@host/number, as the project's settings have it under Client Keys")
    return value


def _whole(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:  # a port that is no number, half of a bracket
        return False
    named = parts.scheme in {"http", "https"} and parts.username and parts.hostname and port != 0
    return bool(named) and re.fullmatch(r"[0-9]+", parts.path.rpartition("/")[2]) is not None
