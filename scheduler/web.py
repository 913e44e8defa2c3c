"""The pages of the daemon, in its own loop: is it well, what does it measure, and what the links in mails lead to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipelines.exceptions import PipelineError
from scheduler.acting import pages as acting
from scheduler.evidence import pages as evidence
from scheduler.exceptions import WrongUse
from scheduler.loop import within
from scheduler.metrics import ANSWER_S, Metrics
from scheduler.service import Service

if TYPE_CHECKING:
    import uvicorn

logger = logging.getLogger(__name__)


class Watched(Protocol):
    """What the pages ask of the daemon."""

    service: Service
    metrics: Metrics

    def problems(self) -> list[str]:
        """Name what is wrong with the daemon itself, one sentence each."""
        ...

    def state(self) -> str:
        """Say in a word what it does: leading, or standing by."""
        ...


def application(daemon: Watched) -> Starlette:
    """Return the pages of a daemon."""

    async def healthz(_: Request) -> Response:
        problems = daemon.problems()
        return JSONResponse({"state": daemon.state(), "problems": problems}, 503 if problems else 200)

    async def readyz(_: Request) -> Response:
        problem = await database_problem(daemon.service)
        return JSONResponse({"state": daemon.state(), "problem": problem}, 503 if problem else 200)

    async def metrics(_: Request) -> Response:
        return Response(await daemon.metrics.page(daemon.service), media_type=CONTENT_TYPE_LATEST)

    own = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]
    return Starlette(routes=[*own, *acting.routes(daemon.service), *evidence.routes(daemon.service)])


async def database_problem(service: Service) -> str | None:
    """Say why the database does not answer, if it does not."""
    try:
        await within(ANSWER_S, service.query("server_version"))
    except PipelineError as error:
        return str(error)
    except TimeoutError:
        return f"PostgreSQL did not answer within {ANSWER_S:.0f} s"
    return None


@asynccontextmanager
async def serving(daemon: Watched) -> AsyncIterator[int | None]:
    """Serve the pages while the block runs, where the configuration says; give the port. Raises WrongUse."""
    place = daemon.service.config.web
    if not place.port:
        yield None
        return
    options: dict[str, Any] = {"log_config": None, "access_log": False, "lifespan": "off", "server_header": False}
    options |= {"limit_concurrency": 100, "timeout_keep_alive": 5, "h11_max_incomplete_event_size": 16_384}
    import uvicorn  # noqa: PLC0415 - 5 MB, which a daemon without pages need not have

    server = uvicorn.Server(uvicorn.Config(application(daemon), host=place.host, port=place.port, **options))
    task = asyncio.create_task(_serve(server), name="pages")
    while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn has no event
        await asyncio.sleep(0.01)
    if task.done():
        raise WrongUse(f"the pages cannot be served at {place.host}:{place.port}: see that nobody else does")
    logger.info("Pages at http://%s:%d", place.host, place.port)
    try:
        yield place.port
    finally:
        server.should_exit = True
        server.force_exit = True
        await task


async def _serve(server: uvicorn.Server) -> None:
    """Serve. uvicorn leaves the process when its port is taken; we say it in a sentence."""
    try:
        await server._serve()  # noqa: SLF001 - `serve` would take the signals over
    except SystemExit:
        logger.warning("The server of the pages did not start")
