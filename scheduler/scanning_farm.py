"""Reading many archives at once: one file is one task, here or on the workers of a Dask cluster."""

from __future__ import annotations

import asyncio
import fnmatch
import glob
import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from typing import Any
from urllib.parse import urljoin, urlsplit

from pipelines.database import open_pool
from scheduler.config import secret
from scheduler.exceptions import TallywatchError, WrongUse
from scheduler.scanning import Order, Scan, Scanned
from spiders.pages import sentence
from spiders.warc import fetch

CONNECT_S = 10.0
MOST_LISTED = 16 * 1024 * 1024  # bytes of a server's list of files


def scan(file: str, order: Order, conninfo: str | None) -> Scanned:
    """Read one file in this process: the task of a worker.

    Without `conninfo` the worker uses the database of its own TALLYWATCH_DATABASE_URL, so that no password travels.
    """
    known = conninfo or secret("TALLYWATCH_DATABASE_URL")
    if known is None:
        raise WrongUse("a worker needs TALLYWATCH_DATABASE_URL")

    async def main() -> Scanned:
        async with open_pool(known) as pool:
            return await Scan(order, pool).run(file)

    return asyncio.run(main())


def scan_all(files: Sequence[str], order: Order, conninfo: str, dask: str | None) -> Iterator[Scanned]:
    """Read files on a cluster and yield what came of each as it ends.

    A worker that is killed costs its file, which another one then reads; a file that kills three is given up.
    """
    from distributed import as_completed  # noqa: PLC0415 -- an optional extra

    with _client(dask, len(files)) as client:
        submitted = (client.submit(scan, file, order, None if dask else conninfo, pure=False) for file in files)
        waiting = dict(zip(submitted, files, strict=True))
        for future in as_completed(list(waiting)):  # type: ignore[no-untyped-call]
            file, error = waiting.pop(future), future.exception()
            if error is None:
                yield future.result()
            else:
                problem = sentence(f"{file} was not read: {type(error).__name__}: {error}")
                yield Scanned(file=file, failed=True, problems=[problem])
            future.release()  # its result is no longer the cluster's to keep


@contextmanager
def _client(dask: str | None, files: int) -> Iterator[Any]:
    """Give a client. Not by its own `with`: that must end in the thread in which it began."""
    from distributed import Client, LocalCluster  # noqa: PLC0415 -- an optional extra

    connect: Any = Client
    with ExitStack() as stack:
        if dask is None:
            workers = max(1, min(os.cpu_count() or 1, files))
            start: Any = LocalCluster
            cluster = start(
                n_workers=workers, threads_per_worker=1, dashboard_address=None, silence_logs=logging.ERROR
            )
            stack.callback(cluster.close)
            client = connect(cluster)
        else:
            try:
                client = connect(dask, timeout=CONNECT_S)
            except (OSError, ValueError) as error:
                raise TallywatchError(f"there is no Dask scheduler at {dask}: {error}") from error
        stack.callback(client.close)
        yield client


def has_dask() -> bool:
    """Whether the extra is installed."""
    return find_spec("distributed") is not None


def require_dask() -> None:
    """Raise WrongUse when it is not."""
    if not has_dask():
        raise WrongUse("--dask needs the optional extra: install tallywatch[dask]")


def expanded(patterns: Sequence[str]) -> list[str]:
    """Return the files that are meant, each once. Raises WrongUse for a pattern that matches none."""
    found: dict[str, None] = {}
    for pattern in patterns:
        matches = _matching(pattern)
        if not matches:
            raise WrongUse(f"no file matches {pattern}")
        found.update(dict.fromkeys(matches))
    return list(found)


def _matching(pattern: str) -> list[str]:
    if pattern.startswith(("http://", "https://")):
        return _listed(pattern) if "*" in urlsplit(pattern).path else [pattern]
    if glob.has_magic(pattern) and not os.path.exists(pattern):  # noqa: PTH110 -- a pattern is no path
        return sorted(os.path.abspath(path) for path in glob.glob(pattern, recursive=True))  # noqa: PTH100, PTH207 -- likewise
    if not os.path.isfile(pattern):  # noqa: PTH113 -- likewise
        return []
    return [os.path.abspath(pattern)]  # noqa: PTH100 -- likewise


def _listed(pattern: str) -> list[str]:
    """Return what a server's list of a folder has of a pattern in its last part. Raises TallywatchError."""
    folder, _, last = pattern.rpartition("/")
    try:
        with fetch(folder + "/") as answer:
            page = answer.read(MOST_LISTED).decode("utf-8", "replace")
    except OSError as error:
        raise TallywatchError(f"{folder}/ cannot be listed: {error}") from error
    links = (urljoin(folder + "/", link) for link in re.findall(r"""href=["']?([^"'\s>]+)""", page))
    return sorted({link for link in links if fnmatch.fnmatch(link, f"{folder}/{last}")})
