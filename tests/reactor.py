"""The loop in which tests crawl: one reactor for the session, in a thread of its own, because none starts twice."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import pytest

from scheduler.loop import installed_reactor, loop_of

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]


@pytest.fixture(scope="session")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Turn the reactor's loop until the session ends. A module that imports this fixture shares it."""
    reactor = installed_reactor()
    if reactor.running:
        yield loop_of(reactor)
        return
    turning = threading.Event()
    reactor.callWhenRunning(turning.set)
    thread = threading.Thread(target=reactor.run, kwargs={"installSignalHandlers": False}, name="reactor")
    thread.start()
    turning.wait()
    yield loop_of(reactor)
    reactor.callFromThread(reactor.stop)
    thread.join()
    loop_of(reactor).close()


@pytest.fixture
def run(loop: asyncio.AbstractEventLoop) -> Run[Any]:
    """Run a coroutine in the loop and return what it returns; it must leave no task behind."""

    async def alone(main: Coroutine[Any, Any, T]) -> T:
        before = asyncio.all_tasks()
        result = await main
        await asyncio.sleep(0)  # a task that is just ending may do so
        left = asyncio.all_tasks() - before - {asyncio.current_task()}
        assert not left, f"left running: {left}"
        return result

    return lambda main: asyncio.run_coroutine_threadsafe(alone(main), loop).result(timeout=60)
