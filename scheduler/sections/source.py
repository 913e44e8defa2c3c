"""`[sources.NAME]`: what a source's own declaration is overridden with."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator


class Source(BaseModel):
    """`[sources.NAME]`: what a source's own declaration is overridden with."""

    model_config = ConfigDict(frozen=True, extra="allow")

    enabled: bool | None = None
    base_url: str | None = None
    interval_minutes: int | None = Field(default=None, ge=1)

    @field_validator("base_url")
    @classmethod
    def http(cls, value: str | None) -> str | None:
        """Accept http and https only."""
        if value is not None and not re.match(r"https?://[^/]", value):
            raise ValueError("must begin with http:// or https://")
        return value

    def options(self) -> dict[str, Any]:
        """Return the keys that only this source knows."""
        return dict(self.model_extra or {})
