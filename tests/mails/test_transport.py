"""Handing a mail over: what a server may do, and what that means for the mail."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from mailbox import Maildir
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from scheduler.exceptions import WrongUse
from scheduler.transport import (
    Envelope,
    MaildirTransport,
    PermanentRefusal,
    Refusal,
    ServerUnavailable,
    SmtpTransport,
    TemporaryRefusal,
)
from tests.deploy.secure import certified
from tests.mails.server import PASSWORD, Behaviour, Server, login, serving
from tests.surroundings import free_port

MAIL = Envelope(
    sender="tallywatch@example.org",
    recipient="desk@example.org",
    message_id="<1@example.org>",
    content=b"From: tallywatch@example.org\r\nMessage-ID: <1@example.org>\r\nSubject: x\r\n\r\n.dots\r\nend\r\n",
)


def talk(server: Server, conversation: Callable[[SmtpTransport], Awaitable[Any]], *, seconds: float = 10) -> Any:
    """Hold a conversation with the server over a plain connection."""

    async def hold() -> Any:
        async with serving(server):
            transport = SmtpTransport(server.url, seconds=seconds)
            try:
                return await conversation(transport)
            finally:
                await transport.close()

    return asyncio.run(hold())


def refused(behaviour: Behaviour, *, seconds: float = 10) -> Refusal:
    """Return how a transport names what a server did."""
    with pytest.raises(Refusal) as caught:
        talk(Server([behaviour]), lambda transport: transport.send(MAIL), seconds=seconds)
    return caught.value


def test_an_accepted_mail_arrives_as_it_was_written() -> None:
    """Byte for byte, lines that begin with a dot included; the answer is the server's."""
    server = Server()
    answer = talk(server, lambda transport: transport.send(MAIL))
    assert answer == "2.0.0 kept as 1"
    assert server.accepted[0].original_content == MAIL.content
    assert (server.accepted[0].mail_from, server.accepted[0].rcpt_tos) == (MAIL.sender, [MAIL.recipient])


def test_a_batch_goes_over_one_connection() -> None:
    """A server that counts connections has no reason to complain."""

    async def batch(transport: SmtpTransport) -> None:
        for _ in range(3):
            await transport.send(MAIL)

    server = Server()
    talk(server, batch)
    assert (server.connections, len(server.accepted)) == (1, 3)


@pytest.mark.parametrize("fault", ["drop", "lose", "busy", "refuse", "greylist", "unknown reader", "shutting down"])
def test_the_next_mail_is_not_harmed_by_a_fault(fault: Behaviour) -> None:
    """After whatever happened to one, another is handed over."""

    async def fault_then_mail(transport: SmtpTransport) -> str:
        with pytest.raises(Refusal):
            await transport.send(MAIL)
        return await transport.send(MAIL)

    assert talk(Server([fault]), fault_then_mail).startswith("2.0.0 kept as ")


@pytest.mark.parametrize(
    ("behaviour", "error", "said"),
    [
        ("busy", TemporaryRefusal, "451 4.3.0 busy"),
        ("greylist", TemporaryRefusal, "450 4.2.0 greylisted, come back"),
        ("refuse", PermanentRefusal, "554 5.7.1 looks like spam"),
        ("unknown reader", PermanentRefusal, "550 5.1.1 no such reader"),
        ("bad sender", ServerUnavailable, "550 5.7.1 this sender may not send"),
        ("shutting down", ServerUnavailable, "421 4.3.2 shutting down"),
    ],
)
def test_an_answer_is_kept_and_means_what_its_code_says(behaviour: Behaviour, error: type[Refusal], said: str) -> None:
    """5xx is about this mail for ever, 4xx about now; what any mail would hear is about the server."""
    refusal = refused(behaviour)
    assert type(refusal) is error
    assert str(refusal).endswith(f"answered {said}")


@pytest.mark.parametrize("behaviour", ["drop", "lose"])
def test_a_connection_lost_after_data_is_not_an_answer(behaviour: Behaviour) -> None:
    """Nobody knows whether the server kept it: it goes out again under its name."""
    assert type(refused(behaviour)) is ServerUnavailable


def test_a_server_that_stalls_is_left() -> None:
    """One mail takes bounded time."""
    refusal = refused("stall", seconds=0.3)
    assert type(refusal) is ServerUnavailable
    assert str(refusal).endswith("did not answer in time")


def test_nobody_there_is_a_server_that_is_unavailable() -> None:
    """The mail is not at fault."""
    port = free_port()
    with pytest.raises(ServerUnavailable, match=f"127.0.0.1:{port}"):
        asyncio.run(SmtpTransport(f"smtp://127.0.0.1:{port}", seconds=5).send(MAIL))


# TLS and login


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate of 127.0.0.1 that vouches for itself, with its key."""
    return certified(tmp_path_factory.mktemp("tls"))[1]


def secured(scheme: str, certificate: Path, user: str = "", **options: Any) -> str:
    """Hand a mail to a server with that certificate."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)

    async def hold() -> str:
        secure: dict[str, Any] = {"tls": tls} if scheme == "smtps" else {"tls_context": tls}
        async with serving(Server(), **secure, **options) as server:
            transport = SmtpTransport(f"{scheme}://{user}{server.place}", seconds=10)
            try:
                return await transport.send(MAIL)
            finally:
                await transport.close()

    return asyncio.run(hold())


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
def test_a_certificate_that_nobody_vouches_for_is_refused(scheme: str, certificate: Path) -> None:
    """TLS is verified, or nothing is said."""
    with pytest.raises(ServerUnavailable, match=r"(?i)certificate"):
        secured(scheme, certificate)


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
def test_a_certificate_that_is_trusted_is_taken(
    scheme: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both forms of TLS carry the mail; an own authority comes by SSL_CERT_FILE, as everywhere."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert secured(scheme, certificate) == "2.0.0 kept as 1"


def test_starttls_is_insisted_on() -> None:
    """A server, or somebody between, that does not offer it gets no mail."""

    async def hold() -> None:
        async with serving(Server()) as server:
            await SmtpTransport(f"smtp+starttls://{server.place}", seconds=10).send(MAIL)

    with pytest.raises(ServerUnavailable):
        asyncio.run(hold())


def test_login_is_by_the_url(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """User and password may hold any character, percent-encoded."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    user = f"desk%40example.org:{quote(PASSWORD)}@"
    assert secured("smtp+starttls", certificate, user, authenticator=login, auth_required=True)


def test_a_wrong_password_is_about_us_and_told_to_nobody(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The mails wait until somebody mends it; neither error nor log nor repr repeats the secret."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with caplog.at_level(logging.DEBUG), pytest.raises(ServerUnavailable, match="answered 535") as caught:
        secured("smtp+starttls", certificate, "desk:s3cret@", authenticator=login)
    assert "s3cret" not in f"{caught.value!r}"
    assert "s3cret" not in "".join(record.getMessage() for record in caplog.records if "aiosmtpd" not in record.name)
    assert "s3cret" not in repr(SmtpTransport("smtps://desk:s3cret@mail.example.org"))


@pytest.mark.parametrize(
    "url", ["http://x", "smtp://", "smtp:///x", "mail.example.org", "smtp://u:p@mail.example.org"]
)
def test_a_url_that_cannot_work_is_refused_at_once(url: str) -> None:
    """A password is not sent in clear over a network."""
    with pytest.raises(WrongUse):
        SmtpTransport(url)


# The Maildir


def delivered(path: Path, *mails: Envelope) -> list[str]:
    """Deliver into a Maildir."""

    async def deliver() -> list[str]:
        transport = MaildirTransport(path)
        return [await transport.send(mail) for mail in mails]

    return asyncio.run(deliver())


def test_a_maildir_can_be_read_by_anybody(tmp_path: Path) -> None:
    """What every mail program knows as a Maildir, line ends included."""
    delivered(tmp_path / "with a space" / "Maildir", MAIL)
    box = Maildir(tmp_path / "with a space" / "Maildir", create=False)
    assert [mail["Subject"] for mail in box] == ["x"]
    assert b"\r" not in box.get_bytes(box.keys()[0])


def test_delivered_twice_is_one_file(tmp_path: Path) -> None:
    """A crash between delivery and its record repeats a mail under its name."""
    delivered(tmp_path, MAIL, MAIL)
    assert len(list(tmp_path.glob("*/*"))) == 1


def test_delivered_after_it_was_read_stays_read(tmp_path: Path) -> None:
    """A reader's program moves a mail and adds its flags."""
    delivered(tmp_path, MAIL)
    [new] = (tmp_path / "new").iterdir()
    new.rename(tmp_path / "cur" / f"{new.name}:2,S")
    delivered(tmp_path, MAIL)
    assert [path.parent.name for path in tmp_path.glob("*/*")] == ["cur"]


def test_a_mail_cut_off_while_it_was_written_is_delivered_whole(tmp_path: Path) -> None:
    """What a killed process left in tmp harms nobody."""
    [first] = delivered(tmp_path, MAIL)
    whole = Path(first).read_bytes()
    Path(first).rename(tmp_path / "tmp" / "left.behind")
    [again] = delivered(tmp_path, MAIL)
    assert Path(again).read_bytes() == whole


def test_a_maildir_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    """The mail waits, and the reason names the place."""
    (tmp_path / "file").write_text("not a directory")
    with pytest.raises(ServerUnavailable, match="file"):
        delivered(tmp_path / "file", MAIL)
