"""Which daemon leads: an advisory lock, held by a session of its own that a thread of its own keeps alive.

A session that falls silent is ended by the server after five seconds, whatever became of its client: killed, stopped,
cut off. The thread beats also while the loop computes; when the loop is stuck it gives the lock up.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import ExecStatus
from psycopg.rows import DictRow, dict_row

from pipelines.database import PROCESS, session
from pipelines.exceptions import PipelineError
from pipelines.queries import QUERIES
from scheduler.clock import Clock

logger = logging.getLogger(__name__)

HEARTBEAT_S = 1.0
"""How often the leader shows that it lives, and one who stands by asks whether it may lead."""

SILENCE_S = 4.0
"""Without an answer for so long we have probably lost the lock: a little less than the server's patience."""

STUCK_S = 60.0
"""A loop that did nothing for so long is stuck: whoever stands by had better lead."""

SERVER_PATIENCE = "-c idle_session_timeout=5000 -c lock_timeout=3000"
CUT_OFF = {"tcp_user_timeout": 3000, "connect_timeout": 3}
"""Bounds for this session alone, beside those of `pipelines.database`: takeover is a matter of ten seconds."""

Session = psycopg.Connection[DictRow]


@dataclass(frozen=True, kw_only=True, slots=True)
class Absence:
    """A time without an answer of the database."""

    since: datetime
    seconds: float


class Candidate(threading.Thread):
    """Stands by, leads when nobody else does, and says in the loop when that changes."""

    def __init__(self, conninfo: str, clock: Clock, changed: Callable[[], None], revive: Callable[[], None]) -> None:
        super().__init__(name="leader", daemon=True)
        options = f"{conninfo_to_dict(conninfo).get('options') or ''} {SERVER_PATIENCE}".strip()
        self._conninfo = session(make_conninfo(conninfo, options=options, **CUT_OFF))
        self._clock = clock
        self._changed = changed
        self._revive = revive  # has the server run again, if it is ours
        self._loop = asyncio.get_running_loop()
        self._over = threading.Event()
        self._session: Session | None = None
        self.term: int | None = None  # while we lead
        self.away_since: tuple[float, datetime] | None = None  # of the database: monotonic, and by the clock
        self.absence: Absence | None = None  # of the database before we began to lead, until it is told
        self._resigned = threading.Event()
        self.answered = monotonic()  # when the database last answered
        self.pulse = monotonic()  # when the loop last turned: the loop writes it

    def run(self) -> None:
        """Stand by and lead until told to end. The database may go and come back meanwhile."""
        while not self._over.is_set():
            try:
                with psycopg.connect(self._conninfo, autocommit=True, row_factory=dict_row) as self._session:
                    self._attend(self._session)
            except psycopg.Error as error:
                self._away(error)
                self._move(None)  # before anything that takes time
                if not self._over.is_set():
                    self._bring_back()
            self._move(None)
            self._over.wait(HEARTBEAT_S)

    def end(self) -> None:
        """Give the lock up."""
        self._over.set()
        self.join(SILENCE_S)

    def resign(self) -> None:
        """Let somebody else have the lock, and ask for it again."""
        self._resigned.set()

    def check(self) -> None:
        """Take a session that does not answer for lost: called by the loop. The thread finds its socket closed."""
        if self.term is not None and monotonic() - self.answered > SILENCE_S:
            self._cut()

    def _attend(self, held: Session) -> None:
        """Ask for the lock, then hold it, a heartbeat each second; return when the lock had better fall."""
        logger.info("Another daemon leads, or none: standing by as %s", PROCESS)
        while not self._over.is_set():
            began = monotonic()
            if self.term is None and not self._stuck() and _one(held, "try_to_lead")["leads"]:
                self._there()
                self._move(self._begin(held))
            else:
                _beat(held)
                self._there()
            if self.term is None:
                self.absence = None  # whoever leads tells of it
            self.answered = monotonic()
            self._over.wait(HEARTBEAT_S)
            if self._resigned.is_set():
                return self._resigned.clear()
            stopped = monotonic() - began > SILENCE_S  # the whole process: its session has probably ended
            if self.term is not None and not stopped and self._stuck():
                return self._tell_stuck()
        return None

    def _stuck(self) -> bool:
        """Whether the loop has done nothing for long: it had better not lead until it turns again."""
        return monotonic() - self.pulse > STUCK_S

    def _begin(self, held: Session) -> int:
        held.execute(QUERIES["depose"].sql, {"name": PROCESS})
        return int(_one(held, "lead", name=PROCESS, at=self._clock())["term"])

    def _move(self, term: int | None) -> None:
        if term == self.term:
            return
        self.term = term
        logger.info("Leading as %s, term %d", PROCESS, term) if term else logger.warning("No longer leading")
        self._call()

    def _there(self) -> None:
        if self.away_since is not None:
            began, since = self.away_since
            self.absence, self.away_since = Absence(since=since, seconds=monotonic() - began), None
            logger.info("PostgreSQL answers again")

    def _away(self, error: psycopg.Error) -> None:
        if self.away_since is None:
            self.away_since = monotonic(), self._clock()
            logger.warning("The database is away, and with it the lock of the leader: %s", _reason(error))

    def _bring_back(self) -> None:
        try:
            self._revive()
        except PipelineError as error:
            logger.warning("%s", error)

    def _tell_stuck(self) -> None:
        """Log where the loop is stuck, for whoever mends it."""
        frame = sys._current_frames().get(threading.main_thread().ident or 0)  # noqa: SLF001 - the public name is faulthandler's, which writes to files only
        where = "".join(traceback.format_stack(frame)[-12:]) if frame else ""
        logger.error("The loop is stuck for %.0f s: the lock is given up\n%s", monotonic() - self.pulse, where)

    def _call(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._changed)

    def _cut(self) -> None:
        held = self._session
        if held is None or held.closed:
            return
        try:
            with socket.socket(fileno=os.dup(held.fileno())) as wire:
                wire.shutdown(socket.SHUT_RDWR)
        except (OSError, psycopg.Error) as error:  # it fell by itself at this moment: the thread closes it
            logger.debug("Nothing to cut: %s", error)


def _beat(held: Session) -> None:
    """Let the server hear from us. Raises OperationalError.

    Through libpq itself: once a second, the way through psycopg takes three times as much of an idle daemon.
    """
    result = held.pgconn.exec_(b"")
    if result.status != ExecStatus.EMPTY_QUERY:
        raise psycopg.OperationalError(held.pgconn.get_error_message())


def _one(held: Session, name: str, /, **values: Any) -> DictRow:
    row = held.execute(QUERIES[name].sql, values).fetchone()
    if row is None:
        raise LookupError(f"The query {name} gave no row")
    return row


def _reason(error: psycopg.Error) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
