"""The real daemon through years in leaping time, and the examination of what it told against what was planted.

python -m tests.soak.soak YEARS: prints its table as it goes, and ends with 1 if anything is wrong.
"""

from __future__ import annotations

import asyncio
import email
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from pipelines import embedded
from tests.mails.server import serving as serving_mail
from tests.soak.plan import CHANNELS, OF_A_SOURCE, SOURCES, Fault, Plan, published
from tests.soak.world import Face, Office, World
from tests.spiders.site import serving
from tests.surroundings import environment

START = date(2023, 3, 1)
YEAR = 365.25
LATE_IN_YEAR = 0.9
STOPPED = timedelta(days=2)  # of which a clock is set forward, as after a stop
SET_BACK = timedelta(hours=6)
HOURS = ("6", "1.5")  # between two rounds of delivery; of which what is due is done at once: each source once
SILENT_S = 120.0  # a daemon whose clock does not move for so long hangs


@dataclass(kw_only=True)
class Outcome:
    """What came of it."""

    plan: Plan
    incidents: list[dict[str, Any]] = field(default_factory=list)
    mails: list[dict[str, Any]] = field(default_factory=list)
    received: Counter[str] = field(default_factory=Counter)  # Message-IDs
    versions: int = 0
    expected_versions: int = 0
    refused: int = 0
    restarts: int = 0
    measured: list[tuple[float, float, int, float]] = field(default_factory=list)  # year, MB, tasks, s a day

    def told(self, fault: Fault) -> list[dict[str, Any]]:
        """Return the incidents that a fault explains."""
        return [row for row in self.incidents if explains(fault, row)]

    @property
    def missed(self) -> list[Fault]:
        """Faults that should have been told of, and were not."""
        return [f for f in self.plan.faults if f.kind in {"wrong", "edited", "frozen", "down"} and not self.told(f)]

    @property
    def unexplained(self) -> list[dict[str, Any]]:
        """What people were told of without anything planted. Trends are allowed their budget, milestones are news."""
        return [
            row
            for row in self.incidents
            if row["severity"] != "info"
            and not row["kind"].startswith(("trend.", "operations."))
            and not any(explains(fault, row) for fault in self.plan.faults)
        ]

    @property
    def lost(self) -> list[str]:
        """Mails that no reader has."""
        return [m["message_id"] for m in self.mails if m["state"] != "sent" or not self.received[m["message_id"]]]

    @property
    def doubled(self) -> list[str]:
        """Mails that a reader has twice."""
        return [name for name, count in self.received.items() if count > 1]

    @property
    def grown(self) -> float:
        """How much more memory the daemon has at the end of the last year than at that of the first, as a share."""
        ends = [row for row in self.measured if row[0] % 1 > LATE_IN_YEAR]
        return ends[-1][1] / ends[0][1] - 1 if ends else 0.0

    @property
    def tasks(self) -> list[int]:
        """How many tasks there were while nothing was in hand, at the end of each quarter."""
        return [row[2] for row in self.measured]

    @property
    def trends(self) -> int:
        """False alarms of trend: nothing of that kind is planted."""
        return sum(row["kind"].startswith("trend.") and row["severity"] != "info" for row in self.incidents)

    def table(self) -> str:
        """Print it."""
        kinds = Counter(fault.kind for fault in self.plan.faults)
        told = Counter(fault.kind for fault in self.plan.faults if self.told(fault))
        lines = [f"{'fault':10} planted told"]
        lines += [f"{kind:10} {count:7} {told[kind]:4}" for kind, count in sorted(kinds.items())]
        lines += [f"mails {len(self.mails)}, received {sum(self.received.values())}, refused {self.refused}, "]
        lines += [f"lost {len(self.lost)}, twice {len(self.doubled)}; {self.restarts} new starts"]
        sizes = ", ".join(f"{size:.0f}" for _, size, _, _ in self.measured)
        lines += [f"memory grown by {self.grown:.1%}: {sizes} MB; tasks {self.tasks}"]
        lines += [f"reports kept {self.versions} of {self.expected_versions}; false trends {self.trends}"]
        lines += [f"incidents {dict(Counter(row['kind'] for row in self.incidents))}"]
        lines += [f"missed: {fault.kind} {fault.source} {fault.day}" for fault in self.missed]
        lines += [f"unexplained: {row['kind']} {row['as_of']} {row['message']}" for row in self.unexplained]
        return "\n".join(lines)


def explains(fault: Fault, row: dict[str, Any]) -> bool:
    """Whether an incident is about a fault: its day or the next, its source; an outage from its beginning on."""
    about = timedelta() <= row["as_of"] - fault.day <= timedelta(days=6)
    if fault.kind in {"frozen", "down"}:
        return about and row["kind"] == "coverage.broken" and row["source"] == fault.source
    if fault.kind in {"wrong", "edited"}:
        return about and row["kind"].startswith("contradiction.") and row["metric"] in {"personnel", ""}
    return fault.kind == "forward" and about and row["kind"] in {"coverage.late", "coverage.missing"}


class Soak:
    """One run."""

    def __init__(self, plan: Plan, home: Path, conninfo: str, site_url: str, office: Office, face: Face) -> None:
        self.plan, self.home, self.conninfo, self.face = plan, home, conninfo, face
        self.config = home / "tallywatch.toml"
        self.config.write_text(_config(site_url), "utf-8")
        self.environment = environment(
            TALLYWATCH_HOME=home, TALLYWATCH_DATABASE_URL=conninfo, TALLYWATCH_SMTP_URL=office.url
        )
        self.outcome = Outcome(plan=plan)
        self.office = office

    def run(self) -> Outcome:
        """Run it to its end, and examine it. Raises AssertionError when the daemon dies by itself or hangs."""
        self.began = time.monotonic()
        deeds = [fault for fault in self.plan.faults if fault.kind not in {*OF_A_SOURCE, "smtp"}]
        quarters = [published(self.plan.start) + timedelta(days=91 * n) for n in range(1, self.plan.days // 91 + 1)]
        process = self._start(self.face())
        try:
            while process.poll() is None:
                self._watch()
                now = self.face()
                if quarters and now >= quarters[0]:
                    self._measure(process, 91, quarters.pop(0))
                if deeds and now >= deeds[0].at:
                    process = self._do(deeds.pop(0), process)
        finally:
            process.kill()
            process.wait()
        assert process.returncode == 0, (self.home / "log").read_text("utf-8")[-3000:]
        self._examine()
        return self.outcome

    def _watch(self) -> None:
        time.sleep(0.02)
        silent = time.time() - self.face.file.stat().st_mtime
        assert silent < SILENT_S, f"it hangs\n{(self.home / 'log').read_text('utf-8')[-3000:]}"

    def _start(self, at: datetime) -> subprocess.Popen[bytes]:
        days = (published(self.plan.end) - at) / timedelta(days=1)
        command = [sys.executable, "-m", "tests.daemon.rehearsal", self.config, at.isoformat(), f"{days:.4f}"]
        with (self.home / "log").open("ab") as log:
            return subprocess.Popen(
                [*map(str, command), str(self.face.file), *HOURS], env=self.environment, stderr=log
            )

    def _do(self, fault: Fault, process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        if fault.kind == "database":
            self._end_sessions()
            return process
        process.kill()
        process.wait()
        self.outcome.restarts += 1
        moved = {"forward": STOPPED, "back": -SET_BACK}.get(fault.kind, timedelta())
        at = self.face() + moved
        self.face.file.write_text(f"{at.isoformat()} 0", "ascii")
        return self._start(at)

    def _end_sessions(self) -> None:
        """Restart PostgreSQL as the daemon sees it: every session of its ends at once."""
        with psycopg.connect(self.conninfo, autocommit=True) as conn:
            conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )

    def _measure(self, process: subprocess.Popen[bytes], days: int, at: datetime) -> None:
        status = Path(f"/proc/{process.pid}/status").read_text("ascii")
        rss = next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))
        now = time.monotonic()
        years = (at.date() - self.plan.start).days / YEAR
        row = (years, rss, self.face.tasks, (now - self.began) / days)
        self.began = now
        self.outcome.measured.append(row)
        print("year {:.2f}: RSS {:.0f} MB, {} tasks, {:.2f} s a day".format(*row), flush=True)  # noqa: T201 - the table

    def _examine(self) -> None:
        told = self.outcome
        with psycopg.connect(self.conninfo, row_factory=dict_row) as conn:
            told.incidents = conn.execute("SELECT * FROM incidents WHERE state <> 'withdrawn' ORDER BY id").fetchall()
            told.mails = conn.execute("SELECT message_id, state FROM mails ORDER BY id").fetchall()
            row = conn.execute(
                "SELECT count(DISTINCT d.id) AS n FROM documents d JOIN versions v ON v.document = d.id "
                "WHERE starts_with(d.source, 'channel') AND v.published_at >= %s",
                [published(self.plan.start)],
            ).fetchone()
        told.versions, told.expected_versions = (row or {})["n"], len(CHANNELS) * self.plan.days
        told.refused = self.office.refused
        for envelope in self.office.accepted:
            content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
            told.received[str(email.message_from_bytes(content)["Message-ID"]).strip()] += 1


def _config(url: str) -> str:
    lines = ['[mail]\nto = ["desk@example.org"]\n', "[crawl]\nrequests_per_minute = 6000  # a day takes a second\n"]
    for name in SOURCES:
        spider = "telegram_general_staff" if name in CHANNELS else "russianwarship_rip"
        lines += [f'[sources.{name}]\nspider = "{spider}"\nbase_url = "{url}/{name}"\nenabled = true']
        lines += ["interval_minutes = 600\n"]
    return "\n".join(lines)


@contextmanager
def post_office(office: Office) -> Iterator[None]:
    """Run an SMTP server in a thread of its own."""
    loop, over, ready = asyncio.new_event_loop(), asyncio.Event(), threading.Event()

    async def main() -> None:
        async with serving_mail(office):
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    ready.wait()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()


def soak(days: int, home: Path) -> Outcome:
    """Let so many days pass in a world of its own."""
    plan = Plan(START, days)
    face = Face(home / "face", published(START) + timedelta(hours=2))
    office = Office(plan, face)
    with embedded.server(home / "server", fsync=False) as conninfo, serving() as site, post_office(office):
        site.find = World(plan, face).answer
        return Soak(plan, home, conninfo, site.url, office, face).run()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="tallywatch-soak-") as directory:
        came = soak(round(float(sys.argv[1]) * YEAR), Path(directory))
    print(came.table())  # noqa: T201 - the table
    sys.exit(bool(came.missed or came.unexplained or came.lost or came.doubled))
