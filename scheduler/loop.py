"""One asyncio loop for a process that also runs spiders: a Twisted reactor on top of it."""

from __future__ import annotations

import asyncio
import signal
import threading
from typing import TYPE_CHECKING, Any, TypeVar, cast

from scrapy.utils.reactor import install_reactor, is_reactor_installed

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from twisted.internet.asyncioreactor import AsyncioSelectorReactor

T = TypeVar("T")
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
