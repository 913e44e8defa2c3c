"""One asyncio loop for a process that also runs spiders: a Twisted reactor on top of it."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from scrapy.utils.reactor import install_reactor, is_reactor_installed

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from twisted.internet.asyncioreactor import AsyncioSelectorReactor

logger = logging.getLogger(__name__)

T = TypeVar("T")
P = ParamSpec("P")

LAST_S = 0.5
"""How long the end waits for threads: nobody wants their results any more."""

REACTOR = "twisted.internet.asyncioreactor.AsyncioSelectorReactor"


def installed_reactor() -> AsyncioSelectorReactor:
    """Return the reactor, installing it first if need be: before any other import of `twisted.internet.reactor`."""
    if not is_reactor_installed():
        install_reactor(REACTOR)
    from twisted.internet import reactor  # noqa: PLC0415 -- importing it earlier would install another one

    return cast("AsyncioSelectorReactor", reactor)


def loop_of(reactor: AsyncioSelectorReactor) -> asyncio.AbstractEventLoop:
    """Return the loop that the reactor turns; Twisted has no public name for it."""
    return reactor._asyncioEventloop  # noqa: SLF001 -- see above


class Threads(ThreadPoolExecutor):
    """A thread for each piece of work, none of which keeps the process from its end.

    A thread cannot be cancelled, and one may hang in a socket or a name server for ever. Those of the library are
    waited for without limit: by the loop, by the executor and, were both left out, by the interpreter as it exits.
    """

    def __init__(self) -> None:
        super().__init__(max_workers=1)  # never begun: `submit` makes the threads
        self._at_work: set[Future[Any]] = set()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Begin something at once."""
        future: Future[T] = Future()
        self._at_work.add(future)
        future.add_done_callback(self._at_work.discard)

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - whoever waits for it raises it
                future.set_exception(error)
            else:
                future.set_result(result)

        threading.Thread(target=work, name="beside the loop", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - as the library has it
        """Wait a moment for what is at work, and leave the rest behind."""
        super().shutdown(wait=False, cancel_futures=cancel_futures)
        if wait:
            wait_for(tuple(self._at_work), timeout=LAST_S)


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end, as `asyncio.run` does, with the reactor that Scrapy needs.

    `asyncio.run` itself hangs once a reactor is installed, and `twisted.internet.task.react` turns each exception
    into an exit code. A process can do this once: a reactor does not start again. Where one turns already, in
    another thread (a notebook, a test), the coroutine runs there.

    Raises what the coroutine raises; KeyboardInterrupt after it has been cancelled by Ctrl-C.
    """
    reactor = installed_reactor()
    loop = loop_of(reactor)
    if reactor.running:
        return asyncio.run_coroutine_threadsafe(main(), loop).result()
    loop.set_default_executor(Threads())
    task = loop.create_task(_to_the_end(main, reactor))
    interrupted = _cancel_on_interrupt(loop, task)
    reactor.run(installSignalHandlers=False)  # type: ignore[no-untyped-call]  # Twisted has no types there
    loop.close()
    if interrupted.is_set():
        raise KeyboardInterrupt
    result, error = task.result()
    if error is not None:
        raise error
    return cast("T", result)


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine gives in time; one that does not is cancelled, and not waited for.

    Before psycopg gives a statement up it asks the server to cancel it, for ten seconds more. Raises TimeoutError.
    """
    task = asyncio.create_task(work, name="in time")
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if not done:
        task.add_done_callback(_unheard)
        task.cancel()
        raise TimeoutError
    return task.result()


def _unheard(task: asyncio.Task[Any]) -> None:
    """Take what came too late; nobody else would, and the loop would complain."""
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.debug("Too late: %s", error)


async def _to_the_end(
    main: Callable[[], Coroutine[Any, Any, T]], reactor: AsyncioSelectorReactor
) -> tuple[T | None, BaseException | None]:
    """Run the coroutine, leave nothing behind and stop the reactor.

    What it raises is handed over as a value: a SystemExit would leave the loop at once, and the reactor's threads
    would keep the process alive.
    """
    try:
        return await main(), None
    except BaseException as error:  # noqa: BLE001 -- see above; `run` raises it
        return None, error
    finally:
        await _tidy_up()
        reactor.callWhenRunning(reactor.stop)


async def _tidy_up() -> None:
    """Cancel and await what was forgotten, as `asyncio.run` does."""
    forgotten = asyncio.all_tasks() - {asyncio.current_task()}
    for task in forgotten:
        task.cancel()
    await asyncio.gather(*forgotten, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
    await asyncio.get_running_loop().shutdown_default_executor()


def _cancel_on_interrupt(loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any]) -> threading.Event:
    interrupted = threading.Event()

    def interrupt() -> None:
        interrupted.set()
        task.cancel()

    if threading.current_thread() is threading.main_thread():
        loop.add_signal_handler(signal.SIGINT, interrupt)
    return interrupted
