"""A channel with years of posts, served as t.me/s/CHANNEL does: `python -m tests.backfill.channel DAYS PER_DAY`.

Each day has one report of thirteen categories at 05:30 UTC, and other posts after it. Every fortieth report has a
digit wrong. The figures are made up, and the same at each run.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

from tests.spiders.telegram_pages import CHANNEL, page, post

PAGE = 20
LAST_DAY = date(2026, 7, 31)
PACE = {
    # label: the first total, and what a day adds on average
    "особового складу ‒ близько {} ({:+}) осіб": (1000, 900),
    "танків ‒ {} ({:+}) од": (120, 9),
    "бойових броньованих машин ‒ {} ({:+}) од": (400, 15),
    "артилерійських систем – {} ({:+}) од": (60, 25),
    "РСЗВ – {} ({:+}) од": (10, 1),
    "засоби ППО ‒ {} ({:+}) од": (5, 1),
    "літаків – {} ({:+}) од": (10, 0.3),
    "гелікоптерів – {} ({:+}) од": (12, 0.3),
    "БПЛА оперативно-тактичного рівня – {} ({:+}) од": (3, 60),
    "крилаті ракети ‒ {} ({:+}) од": (7, 3),
    "кораблі / катери ‒ {} ({:+}) од": (2, 0.05),
    "автомобільної техніки та автоцистерн – {} ({:+}) од": (250, 50),
    "спеціальна техніка ‒ {} ({:+}) од": (4, 3),
}
TALK = (
    "Протягом минулої доби на фронті відбулося понад сто бойових зіткнень. Авіація Сил оборони завдала ударів по "
    "районах зосередження особового складу, озброєння та військової техніки противника. "
)


@dataclass(frozen=True)
class Channel:
    """So many days up to the last one, with so many posts on each."""

    days: int
    per_day: int
    last: date = LAST_DAY

    @cached_property
    def posts(self) -> list[str]:
        """All posts, oldest first, numbered from 1."""
        chance = random.Random(20220224)  # noqa: S311 - the same at each run
        totals = {label: first for label, (first, _) in PACE.items()}
        posts: list[str] = []
        for number in range(self.days):
            day = self.last - timedelta(days=self.days - 1 - number)
            changes = {
                label: round(chance.gauss(mean, mean / 6)) if mean > 1 else int(chance.random() < mean)
                for label, (_, mean) in PACE.items()
            }
            totals = {label: total + max(changes[label], 0) for label, total in totals.items()}
            said = {label: (totals[label], max(changes[label], 0)) for label in PACE}
            if number % 40 == 39:
                label = chance.choice(list(PACE)[:4])
                said[label] = (said[label][0] + 1000 * 10 ** (len(str(said[label][0])) - 4), said[label][1])
            posts += self._day(day, len(posts) + 1, said)
        return posts

    def _day(self, day: date, number: int, said: dict[str, tuple[int, int]]) -> Iterator[str]:
        lines = [f"Загальні бойові втрати противника з 24.02.22 по {day:%d.%m.%y} орієнтовно склали:"]
        lines += [label.format(*numbers) for label, numbers in said.items()]
        morning = datetime.combine(day, time(5, 30), UTC)
        yield post(number, "<br/>".join(lines), morning.isoformat())
        for later in range(1, self.per_day):
            moment = morning + timedelta(minutes=40 * later)
            yield post(number + later, f"{moment:%H:%M}. {TALK * (later % 4 + 1)}", moment.isoformat())

    def page(self, before: int | None) -> str:
        """Lay out the page before a post, or the latest."""
        end = min((before or len(self.posts) + 1) - 1, len(self.posts))
        start = max(end - PAGE, 0)
        return page(*self.posts[start:end], before=start + 1 if start else None)


@contextmanager
def serving(channel: Channel, port: int = 0) -> Iterator[str]:
    """Serve it on loopback; gives the base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            known = url.path == f"/s/{CHANNEL}"
            before = parse_qs(url.query).get("before")
            body = channel.page(int(before[0]) if before else None).encode() if known else b"<h1>Not found</h1>"
            self.send_response(200 if known else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the stdlib's signature
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def main() -> None:
    """Serve until stdin ends."""
    channel = Channel(int(sys.argv[1]), int(sys.argv[2]))
    channel.page(None)
    with serving(channel) as url:
        print(url, flush=True)  # noqa: T201 - who started us reads it
        sys.stdin.read()


if __name__ == "__main__":
    main()
