from __future__ import annotations

import json
import random
import signal
import subprocess
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.backfill.conftest import Start, started
from tests.conftest import fresh_database
from tests.ledger.dump import DUMPS

LONGEST_S = 4.0
"""Longer than an undisturbed backfill of two processes takes: some are killed at its very end, or not at all."""


def ledger(conninfo: str) -> str:
    """Return everything that a backfill leaves but the times of ingestion, as text."""
    with psycopg.connect(conninfo, row_factory=dict_row) as conn:
        rows = {name: conn.execute(query).fetchall() for name, query in DUMPS.items()}  # type: ignore[call-overload]
    return json.dumps(rows, default=str, indent=1, ensure_ascii=False)


@pytest.fixture(scope="module")
def undisturbed(
    database_server: str, template: str, channel: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Return what a backfill leaves that nobody disturbed."""
    with fresh_database(database_server, template=template) as (_, conninfo):
        process = started(conninfo, tmp_path_factory.mktemp("undisturbed"), channel)
        said, complaints = process.communicate(timeout=60)
        assert process.returncode == 0, complaints
        assert "contradiction." in said
        yield ledger(conninfo)


def killed_and_finished(start: Start, kills: int, chance: random.Random) -> int:
    """Run two at once, kill one of them at random times, let them finish; return how many were killed at work."""
    running = [start(), start()]
    killed = 0
    for _ in range(kills):
        victim = running.pop(chance.randrange(2))
        try:
            victim.wait(timeout=chance.uniform(0.5, LONGEST_S))
        except subprocess.TimeoutExpired:
            victim.kill()
            killed += victim.wait() == -signal.SIGKILL
        running.append(start())
    for process in running:
        _, complaints = process.communicate(timeout=90)
        assert process.returncode == 0, complaints
    return killed


def test_killed_at_random_times_two_at_once(start: Start, conninfo: str, undisturbed: str) -> None:
    """Two of them are killed; the ledger ends byte for byte as if nobody had been."""
    killed_and_finished(start, 2, random.Random(5))  # noqa: S311 - moments, no secrets
    assert ledger(conninfo) == undisturbed


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(3))
def test_killed_twenty_times_two_at_once(start: Start, conninfo: str, undisturbed: str, seed: int) -> None:
    """Twenty are killed, at other moments each time."""
    killed = killed_and_finished(start, 20, random.Random(seed))  # noqa: S311 - likewise
    assert killed
    assert ledger(conninfo) == undisturbed


@pytest.mark.proof
def test_a_stopped_process_loses_its_claim(start: Start, conninfo: str, undisturbed: str) -> None:
    """One is stopped at work; the other takes over within half a minute, and the first finds all done later."""
    first = start()
    assert first.stderr is not None
    assert "1 of 2 units" in first.stderr.readline()
    first.send_signal(signal.SIGSTOP)
    second = start()
    _, complaints = second.communicate(timeout=90)
    assert second.returncode == 0, complaints
    assert ledger(conninfo) == undisturbed
    first.send_signal(signal.SIGCONT)
    _, complaints = first.communicate(timeout=60)
    assert first.returncode == 0, complaints
    assert ledger(conninfo) == undisturbed
