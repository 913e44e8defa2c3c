"""A real SMTP server on loopback that behaves as it is told, one behaviour a mail."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, Literal

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

Behaviour = Literal[
    "accept", "busy", "refuse", "drop", "stall", "lose", "unknown reader", "greylist", "bad sender", "shutting down"
]
"""`drop` closes the connection after DATA without having kept the mail; `lose` keeps it and closes before the 250."""

PASSWORD = "correct horse"  # noqa: S105 - of this server


class Server:
    """Keeps what it accepted. Behaviours are taken in turn; when none is left, mails are accepted."""

    def __init__(self, behaviours: Iterable[Behaviour] = ()) -> None:
        self.behaviours = deque(behaviours)
        self.accepted: list[Envelope] = []
        self.connections = 0
        self.place = ""  # host:port

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"smtp://{self.place}"

    def _next(self, *choices: Behaviour) -> Behaviour | None:
        return self.behaviours.popleft() if self.behaviours and self.behaviours[0] in choices else None

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Answer MAIL FROM."""
        match self._next("bad sender", "shutting down"):
            case "bad sender":
                return "550 5.7.1 this sender may not send"
            case "shutting down":
                return "421 4.3.2 shutting down"
        envelope.mail_from = address
        return "250 ok"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Answer RCPT TO."""
        match self._next("unknown reader", "greylist"):
            case "unknown reader":
                return "550 5.1.1 no such reader"
            case "greylist":
                return "450 4.2.0 greylisted, come back"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        """Answer the mail itself."""
        behaviour = self._next("accept", "busy", "refuse", "drop", "stall", "lose")
        if behaviour == "busy":
            return "451 4.3.0 busy"
        if behaviour == "refuse":
            return "554 5.7.1 looks like spam"
        if behaviour == "stall":
            await asyncio.Event().wait()
        if behaviour != "drop":
            self.accepted.append(envelope)
        if behaviour in {"drop", "lose"}:
            server.transport.abort()
        return f"250 2.0.0 kept as {len(self.accepted)}"


@asynccontextmanager
async def serving(server: Server, *, tls: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[Server]:
    """Listen on a free port of loopback until the block ends."""
    protocols: list[SMTP] = []

    def protocol() -> SMTP:
        server.connections += 1
        protocols.append(SMTP(server, hostname="localhost", **options))
        return protocols[-1]

    loop = asyncio.get_running_loop()
    listening = await loop.create_server(protocol, "127.0.0.1", 0, ssl=tls)
    server.place = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()
        for each in protocols:
            if each.transport is not None and not each.transport.is_closing():  # Debian's 3.11.2 cannot abort it twice
                each.transport.abort()
        await asyncio.sleep(0)


def login(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: Any) -> AuthResult:
    """Let in whoever knows the password."""
    known = isinstance(given, LoginPassword) and given.password == PASSWORD.encode()
    return AuthResult(success=known, handled=False)
