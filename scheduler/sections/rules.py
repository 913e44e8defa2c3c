"""What a reader wants to be told of, and when: the settings that recipients, operators and channels share."""

from __future__ import annotations

import re
from datetime import time
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, field_validator

from scheduler.checks.finding import Severity
from scheduler.sections import Section

QUIET = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
PATTERN = r"^[a-z0-9_.*?\[\]-]+$"


def listed(value: Any) -> Any:
    """Accept one pattern where a list is meant."""
    return (value,) if isinstance(value, str) else value


Globs = Annotated[
    tuple[Annotated[str, Field(pattern=PATTERN, max_length=80)], ...], BeforeValidator(listed), Field(max_length=50)
]
"""Names with * and ?; none means any."""


class Rule(Section):
    """What a reader wants, and when."""

    severity: Severity = "warning"  # the mildest that is mailed by itself; everything else stands in the digest
    kinds: Globs = ()
    metrics: Globs = ()
    sources: Globs = ()
    claimants: Globs = ()
    language: Literal["en", "uk"] = "en"
    quiet: str | None = None  # as in 22:00-07:00: held until it ends, but for what is critical
    zone: str = "Europe/Kyiv"  # of the quiet hours
    delivery: Literal["immediate", "digest"] = "immediate"
    digest: Literal["daily", "weekly", "off"] | None = None  # else as in [mail]

    @field_validator("quiet")
    @classmethod
    def two_times(cls, value: str | None) -> str | None:
        """Accept two times of day, the latter of which may be on the next day."""
        found = QUIET.fullmatch(value) if value is not None else None
        if value is not None and (found is None or value[:5] == value[6:]):
            raise ValueError("must be two times of day such as 22:00-07:00")
        return value

    @field_validator("zone")
    @classmethod
    def known(cls, value: str) -> str:
        """Accept a zone that the machine knows."""
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("is no time zone such as Europe/Kyiv") from error
        return value

    @property
    def quiet_hours(self) -> tuple[time, time] | None:
        """Return when the quiet begins and ends, in the rule's zone."""
        if self.quiet is None:
            return None
        begin, end = self.quiet.split("-")
        return time.fromisoformat(begin), time.fromisoformat(end)
