from __future__ import annotations

import asyncio
import json
import logging
import re
import signal
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sentry_sdk

from pipelines.readings import read
from scheduler.config import Config
from scheduler.jobs import Job, Jobs
from scheduler.metrics import Metrics
from scheduler.service import Service
from scheduler.watching import LONGEST, Outside, about, start_sentry
from tests.commands.conftest import publish
from tests.daemon.conftest import DAYS, Host, Started, until
from tests.daemon.ear import Ear, ear
from tests.ledger.conftest import Serve, home, loop, run, serve
from tests.ledger.test_kills import post
from tests.mails.server import Server
from tests.mails.server import serving as smtp

__all__ = ["ear", "home", "loop", "run", "serve"]


@pytest.fixture
def refusing() -> Iterator[str]:
    """Run a mail server that refuses one mail for good, and takes the next; give its URL."""
    loop, server = asyncio.new_event_loop(), Server(["refuse"])
    there, over = threading.Event(), asyncio.Event()

    async def listen() -> None:
        async with smtp(server):
            there.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(listen(),))
    thread.start()
    there.wait()
    yield server.url
    loop.call_soon_threadsafe(over.set)
    thread.join()
    loop.close()


def told(ear: Ear) -> list[tuple[str, dict[str, str]]]:
    """Return every event: its words and its tags."""
    return [
        (event["logentry"].get("formatted") or event["logentry"]["message"], event["tags"])
        for event in ear.items("event")
    ]


def filled(host: Host, **environment: str) -> Started:
    """Start a daemon, and wait until its first days are judged and its first poll has ended."""
    daemon = host.leading(**environment)
    until(lambda: host.rows("SELECT FROM plans"))
    return daemon


def break_table(host: Host, table: str) -> None:
    """Let every row that is added to a table fail, while those that are there can be read."""
    with psycopg.connect(host.conninfo) as conn:
        conn.execute(f"ALTER TABLE {table} ADD CONSTRAINT broken CHECK (false) NOT VALID")  # type: ignore[arg-type]


def add_second(host: Host, daemon: Started) -> None:
    """Add a source under another name: it is polled at once, and all that it has is new."""
    host.configure(
        f'[sources.second]\nenabled = true\nspider = "telegram_general_staff"\nbase_url = "{host.channel.url}"\n'
    )
    daemon.signal(signal.SIGHUP)


def end(daemon: Started) -> None:
    """Stop a daemon, which sends what it has to tell."""
    daemon.signal(signal.SIGTERM)
    daemon.process.wait(20)


@pytest.mark.proof  # a real daemon or command, for ten seconds
def test_a_crawl_that_crashes_is_one_event(host: Host, ear: Ear) -> None:
    """With its job, source and run; the log has them, too."""
    daemon = filled(host, SENTRY_DSN=f"http://key@{ear.url}/1")
    break_table(host, "claims")
    add_second(host, daemon)
    until(lambda: daemon.said("Failed poll of second"))
    end(daemon)
    ((words, tags),) = told(ear)
    (newest,) = host.rows("SELECT id FROM runs WHERE source = 'second'")
    about = {"job": "poll of second", "source": "second", "run": str(newest["id"])}
    assert (words, {name: tags.get(name) for name in about}) == ("Failed poll of second", about)
    (line,) = [line for line in daemon.lines() if line["message"] == "Failed poll of second"]
    assert (line["job"], line["source"], line["run"]) == ("poll of second", "second", newest["id"])


@pytest.mark.proof  # a real daemon or command, for ten seconds
def test_a_judge_that_crashes_is_one_event(host: Host, ear: Ear) -> None:
    """What was kept is judged at the next turn."""
    daemon = filled(host, SENTRY_DSN=f"http://key@{ear.url}/1")
    break_table(host, "figures")
    add_second(host, daemon)
    until(lambda: daemon.said("Failed poll of second"))
    end(daemon)
    ((words, tags),) = told(ear)
    assert (words, tags["job"], tags["source"]) == ("Failed poll of second", "poll of second", "second")


def test_a_chart_that_fails_and_a_mail_that_is_refused_are_one_event_each(
    host: Host, ear: Ear, refusing: str, tmp_path: Path
) -> None:
    """The mail goes out without its chart; nothing of the page is in either event."""
    broken = tmp_path / "broken" / "matplotlib"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('not here')\n", "utf-8")
    end(filled(host))
    publish(host.channel, *(post(day).replace("155530", "155350") for day in DAYS))
    daemon = host.start(
        SENTRY_DSN=f"http://key@{ear.url}/1",
        TALLYWATCH_SMTP_URL=refusing,
        TALLYWATCH_NOW="2023-03-08T18:00",
        PYTHONPATH=str(broken.parent),
    )
    until(lambda: daemon.said("was refused for good"))
    until(lambda: len(told(ear)) > 1)  # an ending process waits two seconds for them
    end(daemon)
    chart, refused = sorted(told(ear))
    assert chart[0].startswith("A mail goes out without its chart of personnel")
    assert re.match(r"Mail \d+ was refused for good: ", refused[0])
    assert {chart[1]["job"], refused[1]["job"]} <= {"poll of telegram_general_staff", "delivery"}, (
        "whichever tells first"
    )
    assert max(len(text) for text in strings(ear.envelopes)) <= LONGEST
    assert "близько" not in json.dumps(ear.envelopes, ensure_ascii=False)


@pytest.fixture
def sentry(ear: Ear) -> Iterator[Config]:
    """Send the events of this process to the local server."""
    config = Config(sentry_dsn=f"http://key@{ear.url}/1")  # type: ignore[arg-type]
    start_sentry(config)
    yield config
    sentry_sdk.get_client().close()
    sentry_sdk.init()


@pytest.mark.usefixtures("sentry")
def test_a_job_that_exceeds_its_deadline_is_one_event(serve: Serve, ear: Ear) -> None:
    """Between check-ins that say that it failed."""

    async def once(service: Service) -> None:
        job = Job(name="delivery", work=asyncio.Event().wait, deadline_s=0.05, every=timedelta(minutes=1))
        await Jobs(Metrics(), Outside(active=True)).run(job, service)

    serve(once)
    sentry_sdk.flush()
    ((words, tags),) = told(ear)
    assert (words, tags) == ("Failed delivery: it took longer than 0 s and was stopped", {"job": "delivery"})
    assert [check["status"] for check in ear.items("check_in")] == ["in_progress", "error"]


@pytest.mark.usefixtures("sentry")
def test_a_text_that_breaks_the_reader_is_one_event_with_its_document(ear: Ear) -> None:
    """The page itself stays in the house."""
    with about(job="poll of second", source="second", run=7):
        read(None, content_type="text/html", url="https://x.example/1", published_at=None, speaker=None)  # type: ignore[arg-type]
    sentry_sdk.flush()
    ((_, tags),) = told(ear)
    assert tags == {"job": "poll of second", "source": "second", "run": "7", "document": "https://x.example/1"}


@pytest.mark.usefixtures("sentry")
@pytest.mark.parametrize(
    ("error", "events"),
    [(ConnectionResetError(104, "reset"), 0), (OSError(113, "no route"), 0), (OSError(28, "no space left"), 1)],
)
def test_a_full_disk_is_told_and_a_network_that_is_away_is_not(ear: Ear, error: OSError, events: int) -> None:
    """Both are OSErrors."""
    logging.getLogger("scheduler.jobs").error("Failed delivery", exc_info=error)
    sentry_sdk.flush()
    assert len(told(ear)) == events


def strings(value: Any) -> Iterator[str]:
    """Yield every string within."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from strings(part)
