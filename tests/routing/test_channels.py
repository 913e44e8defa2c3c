"""Other ways than mail, with a real server at their end; and what happens when a way is closed."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from scheduler.channels import ChannelTransport, addresses
from scheduler.exceptions import WrongUse
from scheduler.mailer import deliver
from scheduler.sections.mail import Channel
from scheduler.transport import SmtpTransport
from tests.mails.server import Server, serving
from tests.routing.desk import Desk, at_desk, body

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # which Apprise imports
TOKEN = "s3cr3t-t0ken"  # noqa: S105 - of this server


class Hook:
    """A web server that keeps what it is told, and answers as it is told to."""

    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []
        self.status = 200
        self.port = 0

    @property
    def url(self) -> SecretStr:
        """Where it listens, as Apprise writes it."""
        return SecretStr(f"json://127.0.0.1:{self.port}/{TOKEN}")


@contextmanager
def hooked() -> Iterator[Hook]:
    """Run one."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.said.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(hook.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_given: object) -> None:
            """Keep still."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        hook.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield hook
        finally:
            server.shutdown()
            thread.join()


CHANNELS = [{"name": "newsroom"}]


def test_a_channel_is_told_in_short_and_once(conninfo: str) -> None:
    """The subject is the title; the text says what is wrong and what to do."""

    async def work(desk: Desk) -> None:
        await desk.found()
        await desk.tell()
        with hooked() as hook:
            await with_server(desk, hook)
            [said] = hook.said
            assert said["title"] == "[tallywatch] Personnel total fell · 7 Mar 2023"
            assert "tallywatch incidents show 1" in said["message"]
            await with_server(desk, hook)
            assert len(hook.said) == 1
        assert {row["state"] for row in await desk.outbox()} == {"sent"}

    at_desk(conninfo, work, channels=CHANNELS)


async def with_server(desk: Desk, hook: Hook, server: Server | None = None) -> None:
    """Deliver what is due, mails to an SMTP server and the rest to the hook."""
    async with serving(server or Server()) as mails:
        way = ChannelTransport(mails=SmtpTransport(mails.url), urls={"newsroom": hook.url})
        await deliver(desk.pool, way, desk.clock)


def test_a_channel_that_fails_is_tried_again_and_its_secret_is_told_nobody(
    conninfo: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the log nor the outbox holds a part of the URL; mails go on meanwhile."""
    caplog.set_level(logging.INFO)

    async def work(desk: Desk) -> None:
        await desk.found()
        await desk.tell()
        with hooked() as hook:
            hook.status = 500
            await with_server(desk, hook)
            assert {row["recipient"]: row["state"] for row in await desk.outbox()} == {
                "desk@example.org": "sent",
                "channel:newsroom": "queued",
            }
            [waiting] = await desk.outbox(state="queued")
            assert waiting["last_error"].startswith("channel newsroom did not take it:")
            hook.status = 200
            desk.clock.now = waiting["next_attempt_at"]
            await with_server(desk, hook)
            assert len(hook.said) == 2
        assert TOKEN not in waiting["last_error"] + caplog.text

    at_desk(conninfo, work, channels=CHANNELS)


def test_a_refusal_for_good_is_told_by_the_other_ways_and_never_in_circles(conninfo: str) -> None:
    """The channel learns that the desk cannot be reached, and later that it can again; the desk gets no mail of it."""

    async def work(desk: Desk) -> None:
        await desk.found()
        await desk.tell()
        with hooked() as hook:
            await with_server(desk, hook, Server(["refuse"]))
            for _ in range(3):
                desk.clock.forward(minutes=20)
                await desk.tell()
                await with_server(desk, hook)
            assert len(hook.said) == 2
            assert "mails to desk@example.org are refused for good" in hook.said[1]["message"]
            assert [row["state"] for row in await desk.outbox(recipient="desk@example.org")] == ["failed"]
            await desk.found(metric="tanks")
            for _ in range(3):
                desk.clock.forward(minutes=20)
                await desk.tell()
                await with_server(desk, hook)
            assert "are taken again" in hook.said[-1]["message"]
            assert [row["state"] for row in await desk.outbox(recipient="desk@example.org")] == ["failed", "sent"]
        [incident] = await desk.rows("SELECT state FROM incidents WHERE kind = 'operations.mail_refused'")
        assert incident["state"] == "closed"

    at_desk(conninfo, work, channels=CHANNELS)


def test_a_mail_server_that_is_away_keeps_no_channel_waiting(conninfo: str) -> None:
    """Channels are there for just that time."""

    async def work(desk: Desk) -> None:
        for number in range(3):
            await desk.found(claimant=f"claimant_{number}")
        await desk.tell()
        with hooked() as hook:
            await with_server(desk, hook, Server(["shutting down"]))
            assert len(hook.said) == 3
        assert len(await desk.outbox(state="queued")) == 3

    at_desk(conninfo, work, channels=CHANNELS)


def test_the_url_may_stand_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret that is in no configuration; without any there is no channel."""
    with pytest.raises(WrongUse, match="TALLYWATCH_CHANNEL_NEWS_ROOM_FILE"):
        addresses((Channel(name="news-room"),))
    (tmp_path / "url").write_text("json://127.0.0.1/x\n")
    monkeypatch.setenv("TALLYWATCH_CHANNEL_NEWS_ROOM_FILE", str(tmp_path / "url"))
    assert addresses((Channel(name="news-room"),))["news-room"].get_secret_value() == "json://127.0.0.1/x"


def test_a_template_or_a_table_of_words_that_is_broken_loses_nothing(
    conninfo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mail is a plain one that says so."""
    monkeypatch.setattr("scheduler.mails.catalog.files", lambda _package: Path("/nowhere"))
    from scheduler.mails.catalog import catalog  # noqa: PLC0415 - its memory is emptied around the test

    async def work(desk: Desk) -> None:
        await desk.found()
        catalog.cache_clear()
        assert await desk.tell() == 1
        [mail] = await desk.outbox()
        assert "could not be rendered" in body(mail)
        assert "personnel fell from 153,770 to 145,830" in body(mail)

    at_desk(conninfo, work)
    catalog.cache_clear()
