"""Long proofs: a hundred deaths and restarts of everything, and nothing lost or doubled."""

from __future__ import annotations

import os
import random
import signal
import statistics
import time
from datetime import date
from pathlib import Path

import psycopg
import pytest

from pipelines import database, embedded
from pipelines.migrations import migrate
from tests.commands.conftest import publish
from tests.daemon.conftest import Host, until
from tests.ledger.test_kills import post

pytestmark = [pytest.mark.proof, pytest.mark.timeout(3600)]

ROUNDS = 200
FAILOVERS = 20
CRASHES = 20
TOLD = (
    "SELECT kind, claimant, metric, as_of, severity FROM incidents WHERE severity <> 'info' AND kind NOT LIKE 'op%%' "
    "ORDER BY 1, 2, 3, 4"
)
SWAPPED = [post(day).replace("155530", "155350") for day in (date(2023, 3, 6), date(2023, 3, 7), date(2023, 3, 8))]


def mails(host: Host) -> int:
    """Return how many mails a reader has."""
    return len(list((host.home / "Maildir" / "new").glob("*")))


def test_two_hundred_kills(host: Host) -> None:
    """Killed at a random moment two hundred times, while a fault is published: it is told once, in one mail."""
    host.leading().process.kill()
    publish(host.channel, *SWAPPED)
    dice = random.Random(7)  # noqa: S311 - no secret
    for _ in range(ROUNDS):
        daemon = host.start(TALLYWATCH_NOW="2023-03-08T14:00")
        time.sleep(dice.uniform(0.3, 3.0))
        daemon.process.kill()
        daemon.process.wait()
    daemon = host.start(TALLYWATCH_NOW="2023-03-08T18:00")
    until(lambda: daemon.said("unchanged") and mails(host) >= 1)
    assert [row["metric"] for row in host.rows(TOLD)] == ["personnel"]
    assert mails(host) == 1
    doubled = "SELECT count(*) AS n FROM (SELECT message_id FROM mails GROUP BY 1 HAVING count(*) > 1) d"
    assert host.rows(doubled)[0]["n"] == 0


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_failovers(host: Host, how: signal.Signals, capsys: pytest.CaptureFixture[str]) -> None:
    """Each within ten seconds, over and over; how long they took is printed."""
    taken = []
    leader = host.leading()
    for _ in range(FAILOVERS):
        follower = host.start()
        until(lambda: follower.said("standing by"))  # noqa: B023 - called at once
        began = time.monotonic()
        leader.signal(how)
        until(lambda: follower.said("Leading as"), 10)  # noqa: B023 - called at once
        taken.append(time.monotonic() - began)
        leader.process.kill()
        leader.process.wait()
        leader = follower
    assert host.term() == FAILOVERS + 1
    with capsys.disabled():
        print(f"\n{how.name}: median {statistics.median(taken):.1f} s, longest {max(taken):.1f} s")  # noqa: T201 - measured


def test_the_server_crashes_again_and_again(host: Host, tmp_path: Path) -> None:
    """All sessions fall and PostgreSQL recovers, at random moments of its work: nothing is lost or doubled."""
    with embedded.server(tmp_path / "server") as conninfo:
        with database.connect(conninfo) as plain:
            migrate(plain)
        host.conninfo = conninfo
        daemon = host.leading()
        publish(host.channel, *SWAPPED)
        dice = random.Random(7)  # noqa: S311 - no secret
        for _ in range(CRASHES):
            # The death of one session makes the postmaster end all of them, as `pg_ctl restart -m immediate` does.
            until(lambda: killed_a_session(conninfo), 30)
            time.sleep(dice.uniform(0.1, 4))
        until(lambda: mails(host) >= 1, 120)
        assert [row["metric"] for row in host.rows(TOLD)] == ["personnel"]
        assert mails(host) == 1
        assert daemon.process.poll() is None


def killed_a_session(conninfo: str) -> bool:
    """Kill a session that somebody else holds; False while the server recovers or nobody is there."""
    query = "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
    try:
        with psycopg.connect(conninfo, autocommit=True, connect_timeout=2) as conn:
            row = conn.execute(query).fetchone()
    except psycopg.OperationalError:
        return False
    if row is not None:
        os.kill(int(row[0]), signal.SIGKILL)
    return row is not None
