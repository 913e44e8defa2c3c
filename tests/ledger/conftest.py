"""A service on an empty ledger, with its mails in a Maildir."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest

from scheduler.config import Config
from scheduler.service import Service, open_service
from tests.reactor import Run, loop, run

__all__ = ["loop", "run"]

T = TypeVar("T")
Serve = Callable[[Callable[[Service], Awaitable[Any]]], Any]
NOW = datetime(2023, 3, 10, 10, 0, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Give a home whose path has a space."""
    return tmp_path / "a home"


@pytest.fixture
def serve(conninfo: str, home: Path, run: Run[Any]) -> Serve:
    """Run something with a service on the empty ledger; sources are none, so that coverage keeps still."""

    async def with_service(work: Callable[[Service], Awaitable[T]]) -> T:
        config = Config(home=home, database_url=conninfo, sources={"ukrinform": {"enabled": True}})  # type: ignore[arg-type]
        async with open_service(config, lambda: NOW) as service:
            return await work(service)

    return lambda work: run(with_service(work))
