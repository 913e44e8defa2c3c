"""`[crawl]`: how we introduce ourselves, and how we behave."""

from __future__ import annotations

from pydantic import Field

from scheduler.sections import Section


class Crawl(Section):
    """`[crawl]`: how we introduce ourselves."""

    contact: str | None = Field(default=None, max_length=200)  # a URL or address, in the User-Agent
    requests_per_minute: int = Field(default=240, ge=1, le=6000)  # of one process, all sources together
