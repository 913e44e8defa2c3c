from __future__ import annotations

import time

import psycopg
import pytest

from tests.daemon.conftest import Host, until


@pytest.mark.proof  # a real daemon or command, for ten seconds
def test_a_term_that_cannot_begin_is_begun_anew_with_the_next_lock_only(host: Host) -> None:
    """A heartbeat apart: a ledger that is not itself for a moment does not use up every attempt."""
    first = host.leading()
    until(lambda: host.rows("SELECT FROM plans"))
    first.process.terminate()
    first.process.wait(20)
    with psycopg.connect(host.conninfo) as conn:
        conn.execute("ALTER TABLE plans RENAME TO plans_away")
    second = host.start()
    until(lambda: second.said("The term could not begin"))
    time.sleep(3)
    with psycopg.connect(host.conninfo) as conn:
        conn.execute("DELETE FROM plans_away")
        conn.execute("ALTER TABLE plans_away RENAME TO plans")
    until(lambda: host.rows("SELECT FROM plans"))
    failed = sum(line["message"] == "The term could not begin" for line in second.lines())
    terms = sum(line["message"].startswith("Leading as") for line in second.lines())
    assert failed == terms - 1
    assert second.process.poll() is None
