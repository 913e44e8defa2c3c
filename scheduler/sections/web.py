"""`[web]`: the pages of the daemon: health, metrics, and what the links in mails lead to."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from scheduler.sections import Section


class Web(Section):
    """`[web]`: where the daemon listens, and how readers reach it."""

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)  # 0: no pages
    public_url: str | None = None  # how readers reach the pages; without it mails hold no links

    @field_validator("public_url")
    @classmethod
    def http(cls, value: str | None) -> str | None:
        """Accept http and https only, and end without a slash."""
        if value is not None and not re.match(r"https?://[^/]", value):
            raise ValueError("must begin with http:// or https://")
        return value.rstrip("/") if value else value
