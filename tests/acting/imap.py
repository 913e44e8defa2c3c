"""A real conversation over IMAP on loopback: as much of a server as a reader of replies speaks with."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

PASSWORD = "correct horse"  # noqa: S105 - of this server


@dataclass
class Server:
    """A folder. With `drop`, the connection is cut when a command of that name comes, once."""

    messages: list[bytes] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    drop: str = ""
    commands: list[str] = field(default_factory=list)
    place: str = ""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"imap://tally:{PASSWORD.replace(' ', '%20')}@{self.place}/INBOX"

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one client until it leaves."""
        writer.write(b"* OK ready\r\n")
        try:
            while line := (await reader.readline()).decode().strip():
                tag, _, command = line.partition(" ")
                name = re.sub(r"^UID ", "", command).partition(" ")[0].upper()
                self.commands.append(name)
                if name == self.drop:
                    self.drop = ""
                    break
                writer.write(self.answer(name, command) + f"{tag} {self.verdict(name, command)}\r\n".encode())
                await writer.drain()
        finally:
            writer.close()

    def verdict(self, name: str, command: str) -> str:
        """Return how a command ends."""
        if name == "LOGIN" and PASSWORD not in command:
            return f"NO wrong: {command}"
        return "OK done"

    def answer(self, name: str, command: str) -> bytes:
        """Return what comes before that."""
        match name:
            case "CAPABILITY":
                return b"* CAPABILITY IMAP4rev1\r\n"
            case "SELECT":
                return f"* {len(self.messages)} EXISTS\r\n".encode()
            case "SEARCH":
                unseen = (str(uid) for uid in range(1, len(self.messages) + 1) if uid not in self.seen)
                return f"* SEARCH {' '.join(unseen)}\r\n".encode()
            case "FETCH":
                uid = int(command.split()[2])
                raw = self.messages[uid - 1]
                return f"* {uid} FETCH (UID {uid} BODY[]<0> {{{len(raw)}}}\r\n".encode() + raw + b")\r\n"
            case "LOGOUT":
                return b"* BYE\r\n"
            case "STORE":
                self.seen.add(int(command.split()[2]))
        return b""


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[Server]:
    """Listen on a free port of loopback until the block ends."""
    listening = await asyncio.start_server(server.talk, "127.0.0.1", 0)
    server.place = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()
