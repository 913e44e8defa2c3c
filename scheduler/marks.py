"""Marks: the judge as it stood on the last few mornings, kept in the ledger beside what was judged since.

They save work, and nothing else rests on them: who starts anew, or finds that another process has judged, or hears
late of something, goes on from a mark and not from the first observation. Without any, everything is judged again.
"""

from __future__ import annotations

import gc
import hashlib
import io
import logging
import pickle
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pipelines.database import Connection, maybe, one, run
from scheduler.fold import Fold

logger = logging.getLogger(__name__)

KEPT = 9
"""Mornings that one may go back over: mirrors are late by hours, a source that was away comes back within a week."""

PACKAGES = ("pipelines", "scheduler")
OWN = ("pipelines.", "scheduler.checks.", "scheduler.episodes", "scheduler.fold")
OTHERS = frozenset({
    *(("builtins", name) for name in ("dict", "list", "set")),
    *(("collections", name) for name in ("Counter", "defaultdict")),
    *(("datetime", name) for name in ("date", "datetime", "timedelta", "timezone")),
    ("numpy", "dtype"),
    ("numpy._core.numeric", "_frombuffer"),
})  # fmt: skip
"""What a fold is made of beside our own values."""

UNUSABLE = (pickle.UnpicklingError, zlib.error, EOFError)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """A fold as it stood, and the versions that were judged since."""

    id: int
    fold: Fold
    versions: frozenset[int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Marks:
    """The marks of one ledger. Call it in the judge's transaction only: it holds the ledger's lock."""

    conn: Connection
    budget: int  # a judge with another one is another judge

    async def put(self, fold: Fold) -> None:
        """Keep a fold as it stands now, in place of the oldest one."""
        await run(self.conn, "put_mark", code=code(self.budget), fold=packed(fold), kept=KEPT)

    async def judged(self, versions: Iterable[int]) -> None:
        """Note what is judged beyond each mark."""
        await run(self.conn, "note_judged", versions=sorted(versions))

    async def known(self) -> bool:
        """Whether this judge, and no other, has judged before."""
        return bool((await one(self.conn, "has_mark", code=code(self.budget)))["known"])

    async def newest(self) -> Mark | None:
        """Return the last mark; those of another judge are dropped."""
        while (row := await maybe(self.conn, "newest_mark")) is not None:
            fold = unpacked(row["fold"]) if row["code"] == code(self.budget) else None
            if fold is not None:
                return Mark(id=row["id"], fold=fold, versions=frozenset(row["versions"]))
            await self.drop(row["id"])
        return None

    async def drop(self, since: int = 0) -> None:
        """Forget a mark and those after it, or all."""
        await run(self.conn, "drop_marks", since=since)


@cache
def code(budget: int) -> bytes:
    """Return what stands for the judge: a mark of another release is not gone on from."""
    digest = hashlib.sha256(str(budget).encode())
    root = Path(__file__).parents[1]
    for file in sorted(
        file for name in PACKAGES for file in (root / name).rglob("*") if file.suffix in {".py", ".toml"}
    ):
        digest.update(file.read_bytes())
    return digest.digest()


def packed(fold: Fold) -> bytes:
    """Return a fold as bytes: some hundred kilobytes for twelve sources, however old the ledger is."""
    return zlib.compress(pickle.dumps(fold, pickle.HIGHEST_PROTOCOL), 1)


def unpacked(kept: bytes) -> Fold | None:
    """Return the fold that bytes were made of; None, and a line in the log, when they are none."""
    try:
        with unswept():
            fold = _Values(io.BytesIO(zlib.decompress(kept))).load()
    except UNUSABLE as error:
        logger.warning("A mark of the judge is unusable, everything is judged again: %s", error)
        return None
    return fold if isinstance(fold, Fold) else None


class _Values(pickle.Unpickler):
    """Makes values and runs nothing: who can write to the database shall not be able to run what they like."""

    def find_class(self, module: str, name: str, /) -> Any:
        own = module.startswith(OWN) and "." not in name
        found = super().find_class(module, name) if own or (module, name) in OTHERS else None
        if found is None or (own and found.__module__ != module):
            raise pickle.UnpicklingError(f"{module}.{name} is no part of a judge")
        return found


@contextmanager
def unswept() -> Iterator[None]:
    """Keep the garbage collector from looking through tens of thousands of objects while they are made."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
