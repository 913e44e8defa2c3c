from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from time import monotonic

import pytest

from scheduler.leader import HEARTBEAT_S, STUCK_S, Candidate
from tests.daemon.conftest import become

NOW = datetime(2023, 3, 8, 10, 0, tzinfo=UTC)


def test_a_loop_that_is_stuck_does_not_lead(conninfo: str, caplog: pytest.LogCaptureFixture) -> None:
    """It gives the lock up, says once where it is stuck, and asks for it again only when it turns."""

    async def stick() -> list[int | None]:
        candidate = Candidate(conninfo, lambda: NOW, lambda: None, lambda: None)
        candidate.start()
        await become(lambda: candidate.term)
        seen = [candidate.term]
        candidate.pulse = monotonic() - STUCK_S - 1
        await become(lambda: candidate.term is None)
        seen.append(candidate.term)
        await asyncio.sleep(4 * HEARTBEAT_S)
        seen.append(candidate.term)
        candidate.pulse = monotonic()
        await become(lambda: candidate.term)
        seen.append(candidate.term)
        await asyncio.to_thread(candidate.end)
        return seen

    assert asyncio.run(stick()) == [1, None, None, 2]
    assert caplog.text.count("The loop is stuck") == 1
