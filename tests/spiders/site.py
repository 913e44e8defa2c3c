"""A web server on loopback whose pages a test writes itself."""

from __future__ import annotations

import ssl
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass(kw_only=True)
class Page:
    """One answer."""

    body: bytes | str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    repeat: int = 1  # the body so many times: a large page that nobody has to hold
    announced: bool = True  # with its length; else the connection's end is the body's
    held: bool = False  # never answered, until the site closes

    @property
    def payload(self) -> bytes:
        """The body once, as bytes."""
        return self.body.encode() if isinstance(self.body, str) else self.body


class Site:
    """Pages by path, and what was asked for."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.asked: list[str] = []
        self.headers: dict[str, dict[str, str]] = {}  # of the last request for each path
        self.closing = threading.Event()
        self.url = ""
        self.find: Callable[[str], Page | None] = lambda _: None  # answers what no page is published for

    def put(self, path: str, body: bytes | str = "", **answer: object) -> None:
        """Publish a page at a path, its query included."""
        headers = {"Content-Type": "text/html; charset=utf-8", **answer.pop("headers", {})}  # type: ignore[dict-item]
        self.pages[path] = Page(body=body, headers=headers, **answer)  # type: ignore[arg-type]

    def times(self, path: str) -> int:
        """Return how often a path was asked for."""
        return self.asked.count(path)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for an acknowledgement of its headers
    site: Site

    def do_GET(self) -> None:
        self.site.asked.append(self.path)
        self.site.headers[self.path] = dict(self.headers.items())
        page = (
            self.site.pages.get(self.path) or self.site.find(self.path) or Page(status=404, body="<h1>Not found</h1>")
        )
        if page.held:
            self.site.closing.wait()
            self.close_connection = True
            return
        etag = page.headers.get("ETag")
        fresh = etag is not None and self.headers.get("If-None-Match") == etag
        self.send_response(304 if fresh else page.status)
        body = b"" if fresh else page.payload
        for name, value in page.headers.items():
            self.send_header(name, value)
        if page.announced:
            self.send_header("Content-Length", str(len(body) * page.repeat))
        else:
            self.close_connection = True
        self.end_headers()
        try:
            for _ in range(page.repeat):
                self.wfile.write(body)
        except OSError:  # the visitor has had enough
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the stdlib's signature
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of visitors who leave, or are killed."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serving(certificate: Path | None = None) -> Iterator[Site]:
    """Serve an empty site on a free port; over TLS, with a certificate and its key."""
    site = Site()
    handler = type("Handler", (_Handler,), {"site": site})
    server = _Server(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if certificate is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate)
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    site.url = f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield site
    finally:
        site.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
