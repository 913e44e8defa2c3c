"""Long proofs: deaths and restarts of everything, hundreds of times, and nothing lost or doubled."""

from __future__ import annotations

import asyncio
import random
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from pipelines import database, embedded
from pipelines.migrations import migrate
from tests.commands.conftest import publish
from tests.conftest import fresh_database
from tests.daemon.conftest import DAYS, Host, Started, until
from tests.ledger.dump import DUMPS
from tests.ledger.test_kills import post
from tests.mails.server import Server, serving

pytestmark = [pytest.mark.proof, pytest.mark.timeout(3600)]

Recorder = Callable[[str, object], None]

ROUNDS = 200
FAILOVERS = 20
REHEARSED = "0.1"
"""Days of leaping time: some hours of polls, one a minute where none fails, and two rounds of mailing."""

MOMENTS = {"known_at", "known_since", "known_until"}
"""Columns that say when something was stored: a daemon that was disturbed stores it later."""

RIGHT = [post(day) for day in DAYS]
STARTS = 6
"""Steps of a start under which the server crashes, and one more start: without its database none succeeds."""

SWAPPED = [text.replace("155530", "155350") for text in RIGHT]
STEPS = ("store._keep_batch", "store.finish", "judging.", "telling.", "mailer.", "retention", "duty.", "jobs.")
"""Modules whose transactions the server is restarted under, at the least."""


def mails(host: Host) -> int:
    """Return how many mails a reader has."""
    return len(list((host.home / "Maildir" / "new").glob("*")))


def contents(host: Host) -> dict[str, Any]:
    """Return what a daemon leaves: the ledger without moments, and how many mails of it there are to read.

    What it has to say of its own troubles is left out: who is disturbed for long may say so.
    """
    with psycopg.connect(host.conninfo, row_factory=dict_row) as conn:
        rows = {name: conn.execute(query).fetchall() for name, query in DUMPS.items()}  # type: ignore[call-overload]
        own = conn.execute("SELECT message_id FROM mails WHERE thread_claimant = 'tallywatch'").fetchall()
    told = {name: [{k: v for k, v in row.items() if k not in MOMENTS} for row in kept] for name, kept in rows.items()}
    ledger = {name: sorted(filter(is_of_reports, kept), key=repr) for name, kept in told.items()}
    read = [message_from_bytes(file.read_bytes())["Message-ID"] for file in (host.home / "Maildir" / "new").glob("*")]
    return ledger | {"read": len(set(read) - {row["message_id"] for row in own}), "twice": len(read) - len(set(read))}


def is_of_reports(row: dict[str, Any]) -> bool:
    """Whether a row is about what was published."""
    return "tallywatch" not in {row.get("claimant"), row.get("thread_claimant")}


def filled(host: Host) -> None:
    """Let a daemon fill the ledger with three right reports, and leave."""
    publish(host.channel, *RIGHT)
    daemon = host.leading()
    daemon.process.terminate()
    assert daemon.process.wait(20) == 0


def finish(host: Host) -> dict[str, Any]:
    """Let an undisturbed daemon tell of the swapped digits, if that is not done yet; return what there is."""
    daemon = host.start(TALLYWATCH_NOW="2023-03-08T18:00")
    until(lambda: daemon.said("unchanged") and mails(host) >= 1)
    daemon.process.terminate()
    assert daemon.process.wait(20) == 0
    return contents(host)


@contextmanager
def another(host: Host, server: str, template: str, place: Path) -> Iterator[Host]:
    """Give a second place for daemons, with a ledger of its own and the same channel."""
    place.mkdir()
    with fresh_database(server, template=template) as (_, conninfo):
        other = Host(home=place / "a home", conninfo=conninfo, config=host.config, channel=host.channel)
        yield other
        other.end()


@pytest.fixture
def undisturbed(host: Host, database_server: str, template: str, tmp_path: Path) -> dict[str, Any]:
    """Return what a daemon leaves that nobody disturbs while it tells of two swapped digits, once."""
    with another(host, database_server, template, tmp_path / "undisturbed") as other:
        filled(other)
        publish(host.channel, *SWAPPED)
        left = finish(other)
    assert [row["metric"] for row in left["incidents"] if row["severity"] != "info"] == ["personnel"]
    assert left["read"] == len(left["mails"]) == 1
    return left


def test_two_hundred_kills(host: Host, undisturbed: dict[str, Any], record_property: Recorder) -> None:
    """Killed at a random moment two hundred times, while a fault is published: the ledger is as if never killed."""
    filled(host)
    publish(host.channel, *SWAPPED)
    dice, terms = random.Random(7), host.term()  # noqa: S311 - no secret
    for _ in range(ROUNDS):
        daemon = host.start(TALLYWATCH_NOW="2023-03-08T14:00")
        time.sleep(dice.uniform(0.3, 3.0))
        daemon.process.kill()
        daemon.process.wait()
    record_property(f"{ROUNDS} kills", f"{host.term() - terms} of them of a leader")
    assert finish(host) == undisturbed


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_failovers(host: Host, how: signal.Signals, record_property: Recorder) -> None:
    """Each within ten seconds, over and over; how long they took is shown. Who was stopped leads no more."""
    taken = []
    leader = host.leading()
    for _ in range(FAILOVERS):
        follower = host.start()
        until(lambda: follower.said("standing by"))  # noqa: B023 - called at once
        began = time.monotonic()
        leader.signal(how)
        until(lambda: follower.said("Leading as"), 10)  # noqa: B023 - called at once
        taken.append(time.monotonic() - began)
        if how is signal.SIGSTOP:
            leader.signal(signal.SIGCONT)
            until(lambda: leader.said("No longer leading"))  # noqa: B023 - called at once
        leader.process.kill()
        leader.process.wait()
        leader = follower
    assert host.term() == FAILOVERS + 1
    record_property(
        f"failover after {how.name}", f"median {statistics.median(taken):.1f} s, longest {max(taken):.1f} s"
    )


class Stopping(Server):
    """Stops the first daemon that hands a mail over, between RCPT and DATA."""

    leader: Started | None = None

    async def handle_RCPT(self, *said: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Answer; the first who asked will read it when it is continued."""
        if self.leader is not None:
            self.leader.signal(signal.SIGSTOP)
            self.leader = None
        return await super().handle_RCPT(*said)


def test_a_leader_stopped_before_data_sends_nothing_when_it_is_continued(host: Host) -> None:
    """The next leader sends the mail; the reader has it once."""
    filled(host)
    publish(host.channel, *SWAPPED)

    def overtake(server: Stopping) -> None:
        way = {"TALLYWATCH_SMTP_URL": server.url, "TALLYWATCH_NOW": "2023-03-08T18:00"}
        server.leader = first = host.start(**way)
        until(lambda: first.said("Leading as"))
        second = host.start(**way)
        until(lambda: second.said("was taken over"))
        first.signal(signal.SIGCONT)
        until(lambda: first.said("No longer leading"))
        first.signal(signal.SIGTERM)
        assert first.process.wait(20) == 0

    async def overtaken() -> int:
        async with serving(Stopping()) as server:
            assert isinstance(server, Stopping)
            await asyncio.to_thread(overtake, server)
            return len(server.accepted)

    assert asyncio.run(overtaken()) == 1


def test_postgresql_restarts_under_every_step(
    host: Host, undisturbed: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Restarted at once before and after the end of each kind of transaction, nothing is lost or doubled."""
    with embedded.server(tmp_path / "server") as conninfo:
        with database.connect(conninfo) as plain:
            migrate(plain)
        host.conninfo = conninfo
        filled(host)
        publish(host.channel, *SWAPPED)
        data = next((tmp_path / "server").rglob("postmaster.pid")).parent
        crashes = rehearsal(host, data)
        with capsys.disabled():
            print(f"\n{len(crashes)} restarts:", *sorted(crashes), sep="\n  ")  # noqa: T201 - measured
        assert [module for module in STEPS if not any(module in line for line in crashes)] == []
        assert finish(host) == undisturbed


def rehearsal(host: Host, data: Path) -> list[str]:
    """Run a daemon under which the server crashes; return under what it did."""
    start = "2023-03-08T14:00"
    tried = host.home.parent / "tried"
    command = [
        sys.executable,
        "-m",
        "tests.daemon.crashing",
        str(host.config),
        start,
        REHEARSED,
        str(data),
        str(tried),
    ]
    for _ in range(STARTS):
        done = subprocess.run(command, env=host.environment(), capture_output=True, text=True, check=False)
        (host.home.parent / "crashing.log").write_text(done.stderr, "utf-8")
        if done.returncode == 0:
            return tried.read_text("utf-8").splitlines()
        assert "open_service" in done.stderr, f"it ended, and not at its start:\n{done.stderr[-4000:]}"
    raise AssertionError(done.stderr[-4000:])
