"""The past of a source is fetched silently, once, and holds nobody up: what is new is told meanwhile."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest

from tests.commands.conftest import publish
from tests.daemon.conftest import DAYS, Host, Started, until
from tests.ledger.test_kills import post

RIGHT = [post(day) for day in DAYS]
SWAPPED = [text.replace("155530", "155350") for text in RIGHT]
PAGE = "/s/GeneralStaffZSU"
KEEP = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from scheduler.config import load
from scheduler.loop import run
from scheduler.service import open_service

async def keep():
    async with open_service(load(Path(sys.argv[1])), lambda: datetime(2023, 3, 8, 16, 0, tzinfo=UTC)) as service:
        await service.crawl(service.sources["telegram_general_staff"])

run(keep)
"""


def mails(host: Host) -> int:
    """Return how many mails a reader has."""
    return len(list((host.home / "Maildir" / "new").glob("*")))


def end(daemon: Started) -> None:
    """Let a daemon finish."""
    daemon.signal(signal.SIGTERM)
    assert daemon.process.wait(20) == 0


@pytest.fixture
def nobody() -> Iterator[str]:
    """Give the URL of a site that refuses every connection."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


def test_a_source_that_never_answers_silences_no_other(host: Host, nobody: str) -> None:
    """A leader died between keeping and judging a wrong number; beside a dead source the next one tells of it."""
    end(host.leading())
    publish(host.channel, *SWAPPED)
    subprocess.run([sys.executable, "-c", KEEP, str(host.config)], env=host.environment(), check=True)
    assert host.rows("SELECT FROM versions WHERE NOT judged")
    host.configure(f'[sources.dead]\nenabled = true\nspider = "telegram_general_staff"\nbase_url = "{nobody}"\n')
    end(host.leading(TALLYWATCH_NOW="2023-03-08T18:00"))
    assert mails(host) == 1


@pytest.mark.proof  # a real daemon or command, for ten seconds
def test_a_past_that_could_not_be_judged_at_once_is_silent_all_the_same(host: Host) -> None:
    """Whoever judges it later, and however often that failed before."""
    publish(host.channel, *SWAPPED)
    with psycopg.connect(host.conninfo) as conn:
        conn.execute("ALTER TABLE figures ADD CONSTRAINT broken CHECK (false) NOT VALID")
    daemon = host.start()
    until(lambda: daemon.said("Failed poll of telegram_general_staff"))
    with psycopg.connect(host.conninfo) as conn:
        conn.execute("ALTER TABLE figures DROP CONSTRAINT broken")
    end(daemon)
    again = host.start(TALLYWATCH_NOW="2023-03-08T18:00")
    until(lambda: again.said("Crawled telegram_general_staff: unchanged") and host.rows("SELECT FROM figures"))
    end(again)
    assert host.rows("SELECT FROM incidents WHERE severity <> 'info'")
    assert mails(host) == 0


@pytest.mark.proof  # a real daemon or command, for ten seconds
def test_what_could_not_be_fetched_on_the_first_day_is_fetched_later(host: Host) -> None:
    """A source is new until its past was fetched, and never again."""
    host.channel.put(PAGE, "<h1>Internal error</h1>", status=500)
    daemon = host.start()
    until(lambda: daemon.said("Crawled telegram_general_staff: broken"))
    end(daemon)
    publish(host.channel, *RIGHT)
    second = host.leading(TALLYWATCH_NOW="2023-03-08T18:00")
    assert second.said("Filling the past of telegram_general_staff")
    end(second)
    third = host.leading(TALLYWATCH_NOW="2023-03-08T19:00")
    assert not third.said("Filling the past")
    end(third)


def test_a_poll_in_hand_is_not_begun_again(host: Host) -> None:
    """However often the configuration is read again meanwhile: no site is asked twice at once."""
    end(host.leading())
    host.channel.put(PAGE, "", held=True)
    asked = host.channel.times(PAGE)
    daemon = host.start(TALLYWATCH_NOW="2023-03-08T18:00")
    until(lambda: host.channel.times(PAGE) == asked + 1)
    for number in (1, 2, 3):
        daemon.signal(signal.SIGHUP)
        until(lambda: sum("was read again" in line["message"] for line in daemon.lines()) == number)  # noqa: B023 - called at once
    until(lambda: host.rows("SELECT FROM plans"))
    assert host.channel.times(PAGE) == asked + 1
    host.channel.closing.set()


@pytest.mark.proof  # a real daemon or command, for ten seconds
def test_a_source_that_is_switched_off_while_it_is_polled_is_no_failure(host: Host) -> None:
    """Its crawl ends, and nothing is planned."""
    right = host.config.read_text("utf-8")
    daemon = host.leading()
    host.configure(
        f'[sources.second]\nenabled = true\nspider = "telegram_general_staff"\nbase_url = "{host.channel.url}/slow"\n'
    )
    host.channel.put(f"/slow{PAGE}", host.channel.pages[PAGE].body, held=True)
    daemon.signal(signal.SIGHUP)
    until(lambda: host.channel.times(f"/slow{PAGE}"))
    host.config.write_text(right, "utf-8")
    daemon.signal(signal.SIGHUP)
    until(lambda: sum("was read again" in line["message"] for line in daemon.lines()) == 2)
    host.channel.closing.set()
    until(lambda: daemon.said("Crawled second"))
    end(daemon)
    assert not daemon.said("Failed poll of second")


@pytest.mark.proof  # a real daemon or command, for ten seconds
def test_what_was_told_of_a_source_that_is_switched_off_is_over(host: Host) -> None:
    """Whether by reading the configuration again or by a new start, of which this is one."""
    end(host.leading())
    with psycopg.connect(host.conninfo) as conn:
        conn.execute(
            """INSERT INTO incidents (kind, claimant, metric, as_of, state, severity, source, message, known_at,
                                      opened_at)
            VALUES ('operations.job_failing', 'tallywatch', '', '2023-03-08', 'open', 'warning', 'poll of gone', '-',
                    now(), now())"""
        )
    daemon = host.start(TALLYWATCH_NOW="2023-03-08T18:00")
    until(lambda: host.rows("SELECT FROM incidents WHERE source = 'poll of gone' AND state = 'closed'"))
    end(daemon)


@pytest.mark.proof
def test_status_shows_the_next_poll(host: Host) -> None:
    """The moment that is shown is the one at which it is polled, give or take the time of the crawl before."""
    daemon = host.leading()
    until(lambda: host.rows("SELECT FROM plans"))
    (plan,) = host.rows("SELECT next_run FROM plans")
    until(lambda: host.rows("SELECT FROM runs WHERE started_at >= %(at)s", {"at": plan["next_run"]}), 100)
    (run,) = host.rows("SELECT started_at FROM runs ORDER BY id DESC LIMIT 1")
    assert (run["started_at"] - plan["next_run"]).total_seconds() < 3
    end(daemon)
