"""A local server that is told what Sentry and a dead man's switch are told."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import brotli
import pytest


@dataclass
class Ear:
    """What a local server was sent."""

    url: str = ""
    envelopes: list[list[dict[str, Any]]] = field(default_factory=list)
    gets: list[str] = field(default_factory=list)

    def items(self, kind: str) -> list[dict[str, Any]]:
        """Return the payloads of one kind, in order."""
        found = []
        for _, *rest in list(self.envelopes):
            found += [
                payload for header, payload in zip(rest[::2], rest[1::2], strict=False) if header["type"] == kind
            ]
        return found


@pytest.fixture
def ear() -> Iterator[Ear]:
    """Listen for envelopes and pings."""
    heard = Ear()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            elif self.headers.get("Content-Encoding") == "br":
                body = brotli.decompress(body)
            heard.envelopes.append([json.loads(line) for line in body.split(b"\n") if line])
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def do_GET(self) -> None:
            heard.gets.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the stdlib's signature
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        heard.url = f"127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield heard
        server.shutdown()
        thread.join()
