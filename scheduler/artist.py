"""Drawing the charts of mails in short-lived processes, which keeps the daemon small: matplotlib takes 36 MB."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from scheduler.charts import task
from scheduler.mails.view import Language, Series

logger = logging.getLogger(__name__)

DEADLINE = timedelta(seconds=60)
"""After which a process that draws is given up."""


class Artist:
    """Draws each chart in a process of its own, which can be made ready while it is open whether it is needed."""

    def __init__(self) -> None:
        self._waiting: list[Process] = []

    async def __call__(self, series: Series | None, language: Language = "en") -> bytes | None:
        """Draw a mail's chart, if there is something to draw.

        A chart that cannot be drawn is logged and left out: the mail says in words what it would have shown.
        """
        if series is None:
            return None
        try:
            return await self.draw(series, language)
        except (RuntimeError, OSError):
            logger.exception("A mail goes out without its chart of %s", series.metric)
            return None

    @asynccontextmanager
    async def ready(self) -> AsyncIterator[None]:
        """Have a process imported and waiting while the block runs, which takes it most of a second."""
        try:
            process = await _start()
        except OSError as error:
            logger.warning("Nobody waits to draw: %s", error)
            yield
            return
        self._waiting.append(process)
        try:
            yield
        finally:
            if process in self._waiting:
                self._waiting.remove(process)
                await _end(process)

    async def draw(self, series: Series, language: Language = "en") -> bytes:
        """Draw a chart.

        Raises RuntimeError when the process fails or takes longer than the deadline, OSError when it cannot start.
        """
        process = self._waiting.pop() if self._waiting else await _start()
        try:
            async with asyncio.timeout(DEADLINE.total_seconds()):
                png, errors = await process.communicate(task(series, language))
        except TimeoutError:
            raise RuntimeError(f"the chart of {series.metric} was not drawn within {DEADLINE}") from None
        finally:
            if process.returncode is None:  # too slow, or we are told to stop
                await _end(process)
        if process.returncode:
            last = errors.decode(errors="replace").strip().rpartition("\n")[2]
            raise RuntimeError(f"the chart of {series.metric} could not be drawn: {last}")
        return png


async def _start() -> Process:
    # Its threads take longer to start than all that we compute.
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "scheduler.charts", stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment
    )


async def _end(process: Process) -> None:
    with suppress(ProcessLookupError):  # it has died by itself
        process.kill()
    await process.wait()
