"""`[judge]`: the only knob of the checks."""

from __future__ import annotations

from pydantic import Field

from scheduler.sections import Section


class Judge(Section):
    """`[judge]`: the only knob of the checks."""

    alarm_budget: int = Field(default=12, ge=1, le=366)  # false trend days a year, all metrics together
