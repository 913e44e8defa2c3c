"""The daemon: one process, one loop. It stands by or leads, listens to signals, and says how it is."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime, timedelta
from operator import attrgetter
from time import monotonic

import psycopg

from pipelines.database import Fenced, OpenPool, connection, revive
from pipelines.exceptions import PipelineError
from scheduler import operations
from scheduler.config import Config
from scheduler.duty import Duty, Prepare, Rounds
from scheduler.exceptions import WrongUse
from scheduler.jobs import Hopeless, Jobs
from scheduler.leader import Candidate
from scheduler.metrics import Metrics
from scheduler.notify import notify, reloading
from scheduler.service import Service, assemble, transport
from scheduler.watching import Outside, hide
from scheduler.web import serving

logger = logging.getLogger(__name__)

PATIENCE_S = 8.0
"""How long work in hand may take when we are told to stop; what is not kept by then is done again later."""

PULSE_S = 5.0
"""How often the loop shows that it turns."""

BEGIN_S = 20.0
"""How long the beginning of a term, or the adoption of a configuration, may wait for the database."""

LATE = timedelta(minutes=5)
"""A job that is later than this is a sign that the daemon is not well."""

FRUITLESS = 10
"""So many terms in a row that could not begin, though the lock could be had: a new process may do better."""

AWAY_S = 60.0
"""An absence of the database that is worth a word when it is back."""

AGAIN_S = 10.0
"""When a configuration is tried again that could not be adopted without the database."""

JUMP = timedelta(seconds=5)
"""A clock that moved so much against the machine's monotonic one was set."""

BEGINNING, READING = "beginning", "configuration"
"""What the daemon does for itself beside the jobs: begin a term, read the configuration again."""

REFUSED = "operations.configuration_refused"
AWAY = "operations.database_away"
FIXED = ("home", "database_url", "sentry_dsn", "web", "web_secret", "watch.environment")
"""Settings that take effect with a new start only."""


class Daemon:
    """Polls, judges and mails until told to stop. The database is its only memory.

    `reload` reads the configuration again. `prepare` is entered while something new is judged, which may end in a
    mail. `leap` is for rehearsals: it is called with the next moment at which something is due when nothing is in
    hand, and may set the service's clock to it.
    """

    def __init__(
        self,
        service: Service,
        outside: Outside,
        *,
        reload: Callable[[], Config],
        rounds: Rounds = Rounds(),  # noqa: B008 - it is frozen
        prepare: Prepare = nullcontext,
        leap: Callable[[datetime], None] | None = None,
    ) -> None:
        self.service = service
        self.reload = reload
        self.rounds = rounds
        self.prepare = prepare
        self.leap = leap
        self.metrics = Metrics()
        self.jobs = Jobs(self.metrics, outside)
        self.duty: Duty | None = None
        self.stopping = asyncio.Event()
        self.news = asyncio.Event()  # something has changed: told to stop, to read again, leading or not
        self.rereading = False
        self.refused = False  # whether this process was given a configuration that it refused
        self.begins: int | None = None  # the term that begins
        self.fruitless = 0  # terms in a row that could not begin
        self.given_up: int | None = None  # the term that is not begun again while its lock falls
        self.candidate = Candidate(service.conninfo, service.clock, self.news.set, self._revive)

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT; then finish the work in hand. Raises Hopeless, and what ends the pulse."""
        self._listen()
        self.pulse = asyncio.create_task(self._pulse(), name="pulse")
        self.candidate.start()
        try:
            async with serving(self):
                notify(READY="1", STATUS="standing by")
                while not self.stopping.is_set():
                    await self._turn()
                notify(STOPPING="1")
        finally:
            await self._leave()
            self.pulse.cancel()
            await asyncio.to_thread(self.candidate.end)

    def problems(self) -> list[str]:
        """Name what is wrong with the daemon itself: what its sources do is told by incidents."""
        return [f"{name} is overdue" for name in (self.duty.agenda.overdue(LATE) if self.duty else ())]

    def _revive(self) -> None:
        """Have the embedded server run again, if that is where the ledger is."""
        config = self.service.config
        revive(config.database_url.get_secret_value() if config.database_url else None, config.home)

    def state(self) -> str:
        """Say in a word what it does."""
        return "leading" if self.duty else "standing by"

    async def _turn(self) -> None:
        """Wait until something has changed, and act on it."""
        hopeless = self.jobs.hopeless
        news = asyncio.create_task(self.news.wait(), name="news")
        await asyncio.wait((news, hopeless, self.pulse), return_when=asyncio.FIRST_COMPLETED)
        news.cancel()
        if self.pulse.done():
            self.pulse.result()
        if hopeless.done():
            raise Hopeless(f"{hopeless.result()} neither works nor ends: start again")
        self.news.clear()
        elected = self.candidate.term
        if (self.begins or self.term) not in (None, elected):
            self._abdicate()
        if elected is not None and elected != self.given_up and self._free and not self.stopping.is_set():
            self._lead(elected)
        if self.rereading and not self._occupied and not self.stopping.is_set():
            self.rereading = False
            self.jobs.take(READING, self._reread(), self.news.set)
        self._say()

    @property
    def term(self) -> int | None:
        """Return the term that we serve."""
        pool = self.duty.service.pool if self.duty else None
        return pool.term if isinstance(pool, Fenced) else None

    def _lead(self, term: int) -> None:
        """Begin a term, beside the loop. A configuration that is being read is read again after it."""
        if (reading := self.jobs.in_hand.get(READING)) is not None:
            reading.cancel()
        self.begins = term
        self.jobs.take(BEGINNING, self._begin(term), self.news.set)

    async def _begin(self, term: int) -> None:
        """Begin a term. When that fails it is given up: somebody else may be luckier."""
        try:
            async with asyncio.timeout(BEGIN_S):
                service = await self._service(self.service.config, term)
                self.duty = duty = Duty(service, self.jobs, self.metrics, self.rounds, self.prepare)
                duty.idle = self._idle
                self._say()
                await duty.begin()
                await self._tell_absence()
                if not self.refused:
                    await self._note(REFUSED, None)
            self.fruitless = 0
        except TimeoutError:
            logger.warning("The term could not begin within %.0f s", BEGIN_S)
            self._give_up(term)
        except (PipelineError, WrongUse) as error:
            logger.warning("The term could not begin: %s", error)
            self._give_up(term)
        except Exception:  # whatever it is: it is told, and tried again
            logger.exception("The term could not begin")
            self._give_up(term)
        finally:
            if self.begins == term:
                self.begins = None

    def _give_up(self, term: int) -> None:
        if self.candidate.term != term:  # it is over already, and another may have begun
            return
        self._abdicate()
        self.given_up = term
        self.fruitless += 1
        if self.fruitless >= FRUITLESS and not self.jobs.hopeless.done():
            self.jobs.hopeless.set_result("the beginning of a term")
        self.candidate.resign()

    def _abdicate(self) -> None:
        """End a term that is over already: nothing that is still under way counts any more."""
        self.begins = None
        if self.duty is not None:
            self.duty.close()
            self.duty = None
        for name, task in list(self.jobs.in_hand.items()):
            if task is not asyncio.current_task():
                task.cancel()
                del self.jobs.in_hand[name]

    @property
    def _occupied(self) -> bool:
        """Whether a term begins or a configuration is read: neither is done within the other."""
        return not {BEGINNING, READING}.isdisjoint(self.jobs.in_hand)

    @property
    def _free(self) -> bool:
        return self.duty is None and BEGINNING not in self.jobs.in_hand

    async def _leave(self) -> None:
        """Begin nothing more, finish what is in hand within our patience, and leave nothing running."""
        if self.duty is not None:
            self.duty.agenda.close()
        for name in (BEGINNING, READING):
            if (own := self.jobs.in_hand.get(name)) is not None:
                own.cancel()
        await self.jobs.finish(PATIENCE_S)
        self.duty = None

    async def _service(self, config: Config, term: int | None) -> Service:
        pool: OpenPool | Fenced = self.pool if term is None else Fenced(pool=self.pool, term=term)
        return await assemble(
            config,
            self.service.clock,
            pool,
            conninfo=self.service.conninfo,
            way=transport(config),
            draw=self.service.teller.draw,
        )

    @property
    def pool(self) -> OpenPool:
        """The pool of the process."""
        pool = self.service.pool
        return pool.pool if isinstance(pool, Fenced) else pool

    async def _reread(self) -> None:
        """Read the configuration again. A wrong one is refused with its reason, and the old one stays."""
        reloading()
        try:
            config = self.reload()
            hide(config)
            self._refuse_fixed(config)
            async with asyncio.timeout(BEGIN_S):
                service = await self._service(config, None)
                if self.duty is not None:
                    await self.duty.adopt(await self._service(config, self.term))
            self.service, self.refused = service, False
            logger.info("The configuration was read again")
            await self._note(REFUSED, None)
        except WrongUse as error:
            self.refused = True
            logger.warning("The configuration is refused, the old one stays: %s", error)
            await self._note(REFUSED, f"the configuration was refused, the old one stays: {error}")
        except asyncio.CancelledError:
            self.rereading = True
            raise
        except (PipelineError, TimeoutError) as error:
            why = str(error) or f"no answer within {BEGIN_S:.0f} s"
            logger.warning("The configuration is read again when the database is back: %s", why)
            asyncio.get_running_loop().call_later(AGAIN_S, self._hear)
        except Exception:  # whatever it is: it is told, and the daemon goes on
            logger.exception("The configuration could not be adopted")
        finally:
            notify(READY="1")

    def _refuse_fixed(self, config: Config) -> None:
        changed = [name for name in FIXED if attrgetter(name)(config) != attrgetter(name)(self.service.config)]
        if changed:
            raise WrongUse(f"the setting {changed[0]} takes effect with a new start only")

    async def _note(self, kind: str, message: str | None) -> bool:
        """Tell people of ourselves, or that it is over; return whether that was kept.

        Only who leads has anything to tell.
        """
        if self.duty is None:
            return False
        service = self.duty.service
        what, at = {"kind": kind, "subject": "tallywatch"}, service.clock()
        try:
            async with connection(service.pool) as conn:
                if message is not None:
                    await operations.report(conn, **what, message=message, severity="warning", at=at)
                else:
                    await operations.settle(conn, **what, at=at)
        except (PipelineError, psycopg.Error) as error:
            logger.warning("Not noted: %s", error)
            return False
        return True

    async def _tell_absence(self) -> None:
        """Tell that the database was away for long, now that it can be told."""
        absence = self.candidate.absence
        if absence is None:
            return
        minutes, since = absence.seconds / 60, absence.since
        words = f"PostgreSQL was away for {minutes:.0f} minutes, since {since:%Y-%m-%d %H:%M} UTC"
        if absence.seconds <= AWAY_S or (await self._note(AWAY, words) and await self._note(AWAY, None)):
            self.candidate.absence = None

    async def _pulse(self) -> None:
        """Turn every few seconds: the sign of life of the loop, for systemd, the lock and the metrics.

        Raises Hopeless when nothing watches the lock any more.
        """
        before, clock_before = monotonic(), self.service.clock()
        while True:
            await asyncio.sleep(PULSE_S)
            now, clock_now = monotonic(), self.service.clock()
            self.metrics.lag.set(max(now - before - PULSE_S, 0))
            jumped = clock_now - clock_before - timedelta(seconds=now - before)
            if abs(jumped) > JUMP and self.leap is None:
                logger.warning("The clock was set by %s", jumped)
                if self.duty is not None:
                    self.duty.moved(jumped)
            self.candidate.pulse = now
            self.candidate.check()
            if not self.candidate.is_alive():
                raise Hopeless("nothing watches the lock of the leader any more: start again")
            notify(WATCHDOG="1")
            before, clock_before = now, clock_now

    def _idle(self) -> None:
        """Leap to the next moment at which something is due, in a rehearsal."""
        if self.leap is not None and self.duty is not None and self.duty.agenda.due:
            self.leap(min(self.duty.agenda.due.values()))
            self.duty.moved(timedelta())

    def _say(self) -> None:
        term = self.term
        self.metrics.leader.set(int(self.duty is not None))
        self.metrics.term.set(term or 0)
        notify(STATUS=f"{self.state()}, {len(self.service.sources)} sources")

    def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        loop.add_signal_handler(signal.SIGHUP, self._hear)

    def _stop(self) -> None:
        """Stop; a second signal leaves at once: everything can be killed at any point and run again."""
        if self.stopping.is_set():
            os._exit(1)
        logger.info("Stopping: the work in hand is finished first")
        self.stopping.set()
        self.news.set()

    def _hear(self) -> None:
        self.rereading = True
        self.news.set()
