"""Twelve sources and a post office that show what is there at the simulated moment, with what goes wrong then."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.smtp import SMTP, Envelope, Session

from pipelines.records import KYIV
from tests.mails.server import Server
from tests.soak.plan import CATEGORIES, CHANNELS, MIRRORS, PAST, Plan, published
from tests.spiders.site import Page
from tests.spiders.telegram_pages import CHANNEL, page, post

SHOWN = 8  # posts on a page: more are only more of the same to read
SLOW_S = 0.8


class Face:
    """The time of the rehearsal, as it shows it in a file."""

    def __init__(self, file: Path, start: datetime) -> None:
        self.file = file
        file.write_text(f"{start.isoformat()} 0", "ascii")

    def __call__(self) -> datetime:
        """Tell the simulated time."""
        return datetime.fromisoformat(self.file.read_text("ascii").split()[0])

    @property
    def tasks(self) -> int:
        """How many tasks the daemon has while nothing is in hand."""
        return int(self.file.read_text("ascii").split()[1])


class World:
    """Answers for all sources: the first part of a path is the source."""

    def __init__(self, plan: Plan, clock: Callable[[], datetime]) -> None:
        self.plan = plan
        self.clock = clock
        self.first = plan.start - timedelta(days=PAST)

    def answer(self, target: str) -> Page | None:
        """Answer a request; None: there is no such page."""
        _, source, path = urlsplit(target).path.split("/", 2) if target.count("/") > 1 else ("", "", "")
        query = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        now = self.clock()
        if self.plan.lasting("down", source, now):
            return Page(status=500, body="<h1>Internal error</h1>")
        if self.plan.lasting("slow", source, now):
            time.sleep(SLOW_S)
        if source in CHANNELS and path == f"s/{CHANNEL}":
            return _html(self._channel(source, now, query))
        if source in MIRRORS and path.startswith("api/v2/statistics"):
            return _json(self._records(source, now, query, latest=path.endswith("latest")))
        return None

    def _shown(self, source: str, now: datetime) -> date:
        """Return the day of a source's newest report."""
        frozen = self.plan.lasting("frozen", source, now)
        day = (frozen.day - timedelta(days=1)) if frozen else now.astimezone(KYIV).date()
        day = min(day, self.plan.end - timedelta(days=1))
        return day if published(day) <= now else day - timedelta(days=1)

    def _channel(self, source: str, now: datetime, query: dict[str, str]) -> str:
        newest = (self._shown(source, now) - self.first).days + 1
        end = min(int(query.get("before", newest + 1)) - 1, newest)
        start = max(end - SHOWN, 0)
        posts = [self._post(source, number, now) for number in range(start + 1, end + 1)]
        return page(*posts, before=start + 1 if start else None)

    def _post(self, source: str, number: int, now: datetime) -> str:
        day = self.first + timedelta(days=number - 1)
        said, edited = self.plan.report(source, day, now)
        lines = [f"Загальні бойові втрати противника з 24.02.22 по {day:%d.%m.%y} орієнтовно склали:"]
        lines += [label.format(*numbers) for label, numbers in said.items()]
        mark = "edited " if edited else ""
        return post(number, "<br/>".join(lines), published(day).isoformat(), mark=mark)

    def _records(self, source: str, now: datetime, query: dict[str, str], *, latest: bool) -> object:
        newest = self._shown(source, now)
        if latest:
            return {"data": self._record(newest)}
        days = [newest - timedelta(days=back) for back in range((newest - self.first).days + 1)]
        offset, limit = int(query["offset"]), int(query["limit"])
        return {"data": {"records": [self._record(day) for day in days[offset : offset + limit]]}}

    def _record(self, day: date) -> object:
        said = self.plan.figures[day].items()
        return {
            "date": day.isoformat(),
            "stats": {CATEGORIES[label]: total for label, (total, _) in said},
            "increase": {CATEGORIES[label]: change for label, (_, change) in said},
        }


def _html(body: str) -> Page:
    return Page(body=body, headers={"Content-Type": "text/html; charset=utf-8"})


def _json(data: object) -> Page:
    return Page(body=json.dumps(data), headers={"Content-Type": "application/json"})


class Office(Server):
    """An SMTP server that takes nothing while it is away."""

    def __init__(self, plan: Plan, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self.plan = plan
        self.clock = clock
        self.refused = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd
        """Answer the mail itself."""
        if self.plan.lasting("smtp", "", self.clock()):
            self.refused += 1
            return "451 4.3.0 away"
        return await super().handle_DATA(server, session, envelope)
