"""The mirror: a small web server on loopback that shows what was public at a simulated moment."""

from __future__ import annotations

import hashlib
import itertools
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from scheduler.demo import ministry, news, telegram
from spiders.items import aware

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scheduler.demo.press import Press

HTML = "text/html; charset=utf-8"
RSS = "application/rss+xml; charset=utf-8"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One page, ready to be sent."""

    body: bytes
    content_type: str = HTML
    status: HTTPStatus = HTTPStatus.OK
    validators: bool = True  # a page that is composed anew each time has none

    @property
    def etag(self) -> str:
        """The validator of this content."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """What is public at one moment."""

    now: datetime
    posts: Sequence[telegram.Post]
    pages: Sequence[ministry.Page]
    articles: Sequence[news.Article]


NOT_FOUND = Answer(body=b"<h1>Not found</h1>", status=HTTPStatus.NOT_FOUND, validators=False)


class Site:
    """The three outlets behind one address, at one simulated moment."""

    def __init__(self, press: Press, now: datetime) -> None:
        self._press = press
        self._views = itertools.count(1)
        self.advance(now)

    def advance(self, now: datetime) -> None:
        """Move the simulated moment; ValueError for a naive one."""
        aware("now", now)
        self._shown = Shown(
            now=now,
            posts=telegram.posts(self._press, now),
            pages=ministry.pages(self._press, now),
            articles=news.articles(self._press, now),
        )

    def answer(self, target: str, site: str) -> Answer:
        """Answer a request; `site` is the scheme and host by which the visitor reached us."""
        url = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        if url.path == f"/s/{telegram.CHANNEL}":
            return self._channel(query)
        if url.path == ministry.PATH:
            return _found(ministry.list_page(self._shown.pages, _whole(query.get("page")) or 1))
        if url.path == news.FEED:
            return Answer(body=news.feed(self._shown.articles, site).encode(), content_type=RSS)
        if url.path.startswith(ministry.PATH):
            return _found(ministry.report_page(self._shown.pages, url.path))
        return _found(news.article_page(self._shown.articles, url.path, site))

    def _channel(self, query: dict[str, str]) -> Answer:
        html = telegram.page(
            self._shown.posts,
            before=_whole(query.get("before")),
            after=_whole(query.get("after")),
            views=next(self._views),
        )
        return Answer(body=html.encode(), validators=False)

    @property
    def now(self) -> datetime:
        """The simulated moment."""
        return self._shown.now


def _found(html: str | None) -> Answer:
    return NOT_FOUND if html is None else Answer(body=html.encode())


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, site: Site) -> None:
        self.site = site
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps connections open, as the real ones do
    disable_nagle_algorithm = True  # else each answer waits 40 ms for an acknowledgement
    server: _Server

    def do_GET(self) -> None:
        answer = self.server.site.answer(self.path, f"http://{self.headers['Host']}")
        if answer.validators and self.headers.get("If-None-Match") == answer.etag:
            self._send(HTTPStatus.NOT_MODIFIED, answer, b"")
        else:
            self._send(answer.status, answer, answer.body)

    def _send(self, status: HTTPStatus, answer: Answer, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(body)))
        if answer.validators:
            self.send_header("ETag", answer.etag)
        self.end_headers()
        self.wfile.write(body)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Give the Date header: the mirror's time, not ours."""
        del timestamp
        return format_datetime(self.server.site.now.astimezone(UTC), usegmt=True)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the stdlib's signature
        """Say nothing: the crawl tells what it fetched."""


@contextmanager
def serving(site: Site) -> Iterator[str]:
    """Serve the site on a free port of loopback; gives its base URL."""
    server = _Server(site)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="demo-mirror")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
