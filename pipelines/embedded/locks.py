"""File locks. The kernel drops them with their process, so none can be left behind."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipelines.exceptions import ServerNotStarted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GATE, USERS, SERVER = "gate.lock", "users.lock", "server.lock"

PATIENCE = 240.0  # seconds; longer than any start or stop, both of which have their own end
PAUSE = 0.01  # seconds between two tries


@contextmanager
def held(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold a lock, after waiting for it."""
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    with _opened(path) as descriptor:
        until = time.monotonic() + PATIENCE
        while not _locked(descriptor, kind):
            if time.monotonic() > until:
                raise ServerNotStarted(
                    f"Another tallywatch has kept {path} for {PATIENCE:.0f} s: end it and try again"
                )
            time.sleep(PAUSE)
        yield


@contextmanager
def tried(path: Path) -> Iterator[int | None]:
    """Hold a lock if it is free, and give its descriptor for a child process to inherit; None if it is not free."""
    with _opened(path) as descriptor:
        yield descriptor if _locked(descriptor, fcntl.LOCK_EX) else None


def shared_by_others(path: Path) -> bool:
    """Whether somebody holds the lock shared. Free, and held for itself alone, are both False."""
    with _opened(path) as descriptor:
        return not _locked(descriptor, fcntl.LOCK_EX) and _locked(descriptor, fcntl.LOCK_SH)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    # Reading is enough for flock: a file of another user that can be read can be locked.
    descriptor = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        if os.geteuid() == 0:
            place = path.parent.stat()  # what root makes in a user's directory must remain usable to that user
            os.fchown(descriptor, place.st_uid, place.st_gid)
        yield descriptor
    finally:
        os.close(descriptor)


def _locked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
