"""`[watch]`: who is told that the daemon works, and under which name."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

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
