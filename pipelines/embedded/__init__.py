"""The embedded PostgreSQL: started on first use, shared by concurrent commands, stopped when the last one leaves.

    with embedded.server(home) as conninfo:
        ...

Everything of it lives in `home/postgres`, mode 0700, which is why its authentication may be `trust`:

    gate.lock      held while somebody starts a server or waits for its end
    users.lock     held shared by every user: the reference count, which the kernel keeps even through `kill -9`
    server.lock    held by the keeper (see `keeper`) for as long as it looks after a server
    server.log     what PostgreSQL says, bounded
    data/          the data directory; its socket is in it, and there is no other way in
"""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from psycopg.conninfo import make_conninfo

from pipelines.embedded import cluster, locks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOCKET_PATH_LIMIT = 103  # bytes; sun_path holds 108 on Linux and 104 elsewhere, with the final NUL


@contextmanager
def server(home: Path, *, fsync: bool = True) -> Iterator[str]:
    """Have PostgreSQL run in that home, and give its conninfo; it is valid until the block is left.

    Blocks while the server starts and, in its last user, while it stops: whoever removes the home afterwards finds
    it quiet. `fsync=False` is for throw-away databases: a power cut ruins them.

    Raises HomeUnusable or ServerNotStarted.
    """
    with ExitStack() as leaving:
        with cluster.explained(home):
            directory = cluster.prepare(home)
            with locks.held(directory / locks.GATE):
                leaving.enter_context(_counted(directory))
                cluster.ensure_running(directory, fsync=fsync)
            host = leaving.enter_context(_reachable(directory / cluster.DATA))
        yield make_conninfo(host=host, port=cluster.PORT, user=cluster.USER, dbname=cluster.DATABASE)


def revive(home: Path) -> None:
    """Have the server run again that one of its users finds gone: its keeper may have been killed with it.

    Blocks while it starts. Raises HomeUnusable or ServerNotStarted.
    """
    with cluster.explained(home):
        directory = cluster.prepare(home)
        with locks.held(directory / locks.GATE):
            cluster.ensure_running(directory, fsync=True)


@contextmanager
def _counted(directory: Path) -> Iterator[None]:
    """Be one of the users, and wait for the end of the server if that was the last."""
    with ExitStack() as use:
        use.enter_context(locks.held(directory / locks.USERS, shared=True))
        try:
            yield
        finally:
            use.close()
            with suppress(FileNotFoundError):  # the home was removed meanwhile: its keeper stops the server alone
                _await_stop(directory)


@contextmanager
def _reachable(data: Path) -> Iterator[str]:
    """Give the data directory a name that libpq can use: short, and without a comma (which separates hosts there)."""
    name = str(data)
    if len(os.fsencode(data / cluster.SOCKET)) <= SOCKET_PATH_LIMIT and "," not in name:
        yield name
        return
    descriptor = os.open(data, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/{os.getpid()}/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _await_stop(directory: Path) -> None:
    """Wait until the server has stopped, unless somebody else uses it."""
    with locks.held(directory / locks.GATE):
        if locks.shared_by_others(directory / locks.USERS):
            return
        with locks.held(directory / locks.SERVER):
            cluster.stop_orphan(directory / cluster.DATA)
