from __future__ import annotations

import asyncio
import json
import logging
import signal
import socket
import subprocess
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from scheduler.config import Config
from scheduler.watching import HIDDEN, LONGEST, Discreet, is_noise, ping, scrubbed, secrets_of, tagged
from tests.daemon.conftest import Host, until
from tests.daemon.ear import Ear, ear

__all__ = ["ear"]


def test_check_ins_come_in_order_and_a_crash_is_one_event(host: Host, ear: Ear) -> None:
    """With source, run of the job, release and environment as they are searched for; without a secret."""
    secret = "hush" * 10
    host.configure('[watch]\nenvironment = "staging"\n')
    daemon = host.leading(SENTRY_DSN=f"http://key@{ear.url}/1", TALLYWATCH_WEB_SECRET=secret)
    slug = "poll-of-telegram-general-staff"
    until(lambda: len([c for c in ear.items("check_in") if c["monitor_slug"] == slug]) == 2)
    begun, ended = [c for c in ear.items("check_in") if c["monitor_slug"] == slug]
    assert (begun["status"], ended["status"]) == ("in_progress", "ok")
    assert begun["check_in_id"] == ended["check_in_id"]
    assert begun["monitor_config"]["schedule"] == {"type": "interval", "value": 75, "unit": "minute"}
    assert ear.items("event") == []
    with psycopg.connect(host.conninfo) as conn:
        conn.execute("DROP TABLE validators")
    host.configure(
        f'[sources.second]\nenabled = true\nspider = "telegram_general_staff"\nbase_url = "{host.channel.url}"\n'
    )
    daemon.signal(signal.SIGHUP)
    until(lambda: ear.items("event"))
    daemon.process.terminate()
    daemon.process.wait()
    (event,) = ear.items("event")
    assert (event["tags"]["source"], event["tags"]["job"]) == ("second", "poll of second")
    assert event["environment"] == "staging"
    assert event["release"].startswith("tallywatch@")
    sent = json.dumps(ear.envelopes)
    assert secret not in sent
    assert max(len(text) for text in strings(ear.envelopes)) <= LONGEST
    assert "155530" not in sent  # a number of the page


@pytest.mark.proof  # a real daemon or command, for ten seconds
def test_a_stop_leaves_no_check_in_open(host: Host, ear: Ear) -> None:
    """Sentry would time it out, and call each restart a failure of what was in hand."""
    subprocess.run(["tallywatch", "crawl"], env=host.environment(), check=True, capture_output=True)
    host.channel.put("/s/GeneralStaffZSU", "", held=True)
    asked = host.channel.times("/s/GeneralStaffZSU")
    daemon = host.start(SENTRY_DSN=f"http://key@{ear.url}/1", TALLYWATCH_NOW="2023-03-08T12:30")
    until(lambda: host.channel.times("/s/GeneralStaffZSU") > asked)
    daemon.signal(signal.SIGTERM)
    until(lambda: daemon.said("Left unfinished"))
    host.channel.closing.set()
    assert daemon.process.wait(20) == 0
    slug = "poll-of-telegram-general-staff"
    begun, ended = [c for c in ear.items("check_in") if c["monitor_slug"] == slug]
    assert (begun["status"], ended["status"]) == ("in_progress", "ok")
    assert begun["check_in_id"] == ended["check_in_id"]


def strings(value: Any) -> Iterator[str]:
    """Yield every string within."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)


def test_a_ping_follows_a_success_only(host: Host, ear: Ear) -> None:
    """A source that is broken keeps nothing: nobody is told that all is well."""
    host.channel.put("/s/GeneralStaffZSU", "gone", status=404)
    host.configure(f'[watch]\nping_url = "http://{ear.url}/ping"\n')
    daemon = host.start()
    until(lambda: daemon.said("Crawled telegram_general_staff: broken"))
    daemon.process.terminate()
    daemon.process.wait()
    assert ear.gets == []


@pytest.mark.proof  # a real daemon or command, for ten seconds
def test_a_ping_takes_bounded_time_and_never_fails(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever answers: who listens there raises the alarm, and the round of delivery goes on."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        asyncio.run(ping(f"http://127.0.0.1:{silent.getsockname()[1]}/ping", seconds=0.2))
    assert "The ping of the dead man's switch failed: no answer within 0.2 s" in caplog.text


def test_what_leaves_the_house_is_cut_and_blotted_out() -> None:
    """At any depth of an event."""
    event = {"a": ["x" * 5000, {"b": ("the password is hush-hush",)}], "n": 1}
    clean = scrubbed(event, ("hush-hush",))
    assert len(clean["a"][0]) == LONGEST
    assert clean["a"][1] == {"b": [f"the password is {HIDDEN}"]}
    assert clean["n"] == 1


def test_tags_are_what_the_log_line_is_about() -> None:
    """They go from its extra to where they are searched for."""
    event = tagged({"extra": {"source": "minfin", "document": "https://x", "other": 1}})
    assert event["tags"] == {"source": "minfin", "document": "https://x"}
    assert event["extra"] == {"other": 1}


@pytest.mark.parametrize(
    ("event", "error", "noise"),
    [
        ({"logger": "scrapy.core.scraper"}, None, True),
        ({"logger": "twisted"}, None, True),
        ({"logger": "scheduler.jobs"}, ConnectionResetError(), True),
        ({"logger": "scheduler.jobs"}, ZeroDivisionError(), False),
        ({"logger": "pipelines.store"}, None, False),
    ],
)
def test_what_networks_do_is_no_error(event: dict[str, Any], error: BaseException | None, noise: bool) -> None:  # noqa: FBT001 - a row of the table
    """It is expected, and told where it matters."""
    hint = {"exc_info": (type(error), error, None)} if error else {}
    assert is_noise(event, hint) is noise


def test_the_log_is_json_for_machines_and_words_for_people() -> None:
    """Never with a secret, whoever wrote it into a sentence."""
    config = Config(database_url="postgresql://desk:hush-hush@db/x", sentry_dsn="https://key1@sentry.example/7")  # type: ignore[arg-type]
    secrets = secrets_of(config)
    record = logging.LogRecord("scheduler.x", logging.WARNING, "", 1, "Failed %s: %s", ("é", "hush-hush"), None)
    record.source = "minfin"
    line = json.loads(Discreet(secrets, machine=True).format(record))
    assert (line["message"], line["source"], line["level"]) == (f"Failed é: {HIDDEN}", "minfin", "WARNING")
    assert f"WARNING scheduler.x: Failed é: {HIDDEN}" in Discreet(secrets, machine=False).format(record)
