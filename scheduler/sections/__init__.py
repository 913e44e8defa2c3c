"""The tables of the configuration file, one module each."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A table of the file: unknown keys are mistakes, values do not change."""

    model_config = ConfigDict(frozen=True, extra="forbid")
