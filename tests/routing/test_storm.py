"""A storm: everything at once, and a reader who can still read."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from scheduler.mailer import deliver
from scheduler.transport import Envelope
from tests.routing.desk import Desk, at_desk, body


class Sink:
    """Takes everything."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []

    async def send(self, envelope: Envelope) -> str:
        """Take it."""
        self.taken.append(envelope)
        return "ok"

    async def probe(self) -> str:
        """Say so."""
        return "ok"

    async def close(self) -> None:
        """Nothing is open."""


def test_beyond_the_cap_one_mail_says_what_is_held(conninfo: str) -> None:
    """The worst goes first; what is held stays held, with the mail that tells of it; an hour later there is room."""

    async def work(desk: Desk) -> None:
        for number in range(8):
            severity = "critical" if number == 5 else "warning"
            await desk.found(as_of=date(2023, 3, 1) + timedelta(days=number), severity=severity)
        assert await desk.tell() == 9  # of which five are held
        sent, held = await desk.outbox(state="queued"), await desk.outbox(state="held")
        assert [row["thread_as_of"].day for row in sent] == [6, 1, 2, 7]
        assert {(row["held_for"], row["summary"]) for row in held} == {("storm", sent[3]["id"])}
        assert len(held) == 5
        assert sent[3]["subject"].startswith("[tallywatch] 5 mails are held back")
        assert "tallywatch incidents list --state open" in body(sent[3])
        assert await desk.tell() == 0
        desk.clock.forward(minutes=20)
        await desk.found(as_of=date(2023, 3, 20))
        await desk.tell()
        assert len(await desk.outbox(state="queued")) == 4
        desk.clock.forward(minutes=41)
        await desk.tell()
        assert (await desk.outbox(state="queued"))[-1]["subject"].startswith("[tallywatch] 1 mail is held back")
        await desk.step(1, "resolved", state="closed")
        await desk.tell()
        assert len(await desk.outbox(state="queued")) == 6

    at_desk(conninfo, work, hourly_cap=3)


def test_the_next_mail_of_a_held_thread_tells_what_was_held(conninfo: str) -> None:
    """Nothing is lost: the follow-up takes the place of the mail that never went."""

    async def work(desk: Desk) -> None:
        await desk.found(as_of=date(2023, 3, 1))
        late = await desk.found(as_of=date(2023, 3, 2))
        await desk.tell()
        desk.clock.forward(hours=2)
        more = await desk.found(as_of=date(2023, 3, 2), metric="tanks")
        await desk.tell()
        [mail] = await desk.outbox(thread_as_of=date(2023, 3, 2))
        assert (mail["state"], mail["incidents"]) == ("queued", [late, more])

    at_desk(conninfo, work, hourly_cap=1)


def test_readers_have_caps_of_their_own(conninfo: str) -> None:
    """Who wants little gets it, whatever the others get."""

    async def work(desk: Desk) -> None:
        for number in range(60):
            metric = "tanks" if number == 59 else "personnel"
            await desk.found(as_of=date(2023, 1, 1) + timedelta(days=number), metric=metric)
        await desk.tell()
        assert len(await desk.outbox(recipient="tanks@example.org", state="queued")) == 1

    at_desk(
        conninfo, work, hourly_cap=2, to=["desk@example.org", {"address": "tanks@example.org", "metrics": "tanks"}]
    )


@pytest.mark.proof
@pytest.mark.parametrize("threads", [10_000, 1])
def test_ten_thousand_incidents_at_once(
    conninfo: str, threads: int, record_property: Callable[[str, object], None]
) -> None:
    """Told within 60 s and bounded memory, within the cap, to three readers; every incident is tied to a mail."""

    async def work(desk: Desk) -> None:
        await desk.rows(
            "INSERT INTO incidents (kind, claimant, metric, as_of, state, severity, source, message, known_at,"
            " opened_at) SELECT 'contradiction.decrease', 'general_staff_ukraine',"
            " CASE WHEN %s = 1 THEN 'm' || n ELSE 'tanks' END, date '2000-01-01' + n %% %s, 'open', 'warning',"
            " 'mod_gov_ua', 'tanks fell', %s, %s"
            " FROM generate_series(1, 10000) AS n",
            *(threads, threads, desk.clock.now, desk.clock.now),
        )
        await desk.rows(
            "INSERT INTO incident_history (incident, step, at, by, what, told)"
            " SELECT id, 1, opened_at, 'judge', 'opened', false FROM incidents"
        )
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.monotonic()
        await desk.tell()
        sink = Sink()
        while (await deliver(desk.pool, sink, desk.clock)).more:
            pass
        seconds = time.monotonic() - began
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        record_property(f"storm of {threads} threads", f"{seconds:.1f} s, {grown:.0f} MB more")
        assert seconds < 60
        assert grown < 200
        assert len(sink.taken) == 3 * (31 if threads > 1 else 1)
        [told] = await desk.rows("SELECT count(DISTINCT incident) AS incidents FROM mail_incidents")
        assert told["incidents"] == 10_000

    at_desk(conninfo, work, to=["a@example.org", "b@example.org", {"address": "c@example.org", "language": "uk"}])
