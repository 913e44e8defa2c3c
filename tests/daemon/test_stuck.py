from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic

import pytest

from scheduler.leader import HEARTBEAT_S, STUCK_S, Candidate

NOW = datetime(2023, 3, 8, 10, 0, tzinfo=UTC)


def test_a_loop_that_is_stuck_does_not_lead(conninfo: str, caplog: pytest.LogCaptureFixture) -> None:
    """It gives the lock up, says once where it is stuck, and asks for it again only when it turns."""

    async def stick() -> list[int | None]:
        candidate = Candidate(conninfo, lambda: NOW, lambda: None, lambda: None)
        candidate.start()
        seen = [await term(candidate, lambda found: found is not None)]
        candidate.pulse = monotonic() - STUCK_S - 1
        seen.append(await term(candidate, lambda found: found is None))
        await asyncio.sleep(4 * HEARTBEAT_S)
        seen.append(candidate.term)
        candidate.pulse = monotonic()
        seen.append(await term(candidate, lambda found: found is not None))
        await asyncio.to_thread(candidate.end)
        return seen

    assert asyncio.run(stick()) == [1, None, None, 2]
    assert caplog.text.count("The loop is stuck") == 1


async def term(candidate: Candidate, wanted: Callable[[int | None], bool]) -> int | None:
    """Wait for a term, or for its end."""
    async with asyncio.timeout(20):
        while not wanted(candidate.term):  # noqa: ASYNC110 - another thread moves it
            await asyncio.sleep(0.05)
    return candidate.term
