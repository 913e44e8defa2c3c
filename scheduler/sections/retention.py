"""`[retention]`: how long what is no evidence is kept."""

from __future__ import annotations

from pydantic import Field

from scheduler.sections import Section


class Retention(Section):
    """`[retention]`: days; what a figure or an incident refers to is kept for good, whatever stands here."""

    runs_days: int = Field(default=400, ge=30)  # crawls that brought nothing, and what sources did to us
    mails_days: int = Field(default=400, ge=30)  # the words of mails that were sent; that they were sent stays
    barren_days: int | None = Field(default=None, ge=30)  # documents in which nothing was read; by default for good
