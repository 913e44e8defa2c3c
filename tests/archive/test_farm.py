"""Many files at once on a Dask cluster: each is one task, and a killed worker costs its file and nothing else."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from pydantic import SecretStr

from scheduler import scanning_farm
from scheduler.commands.backfill_files import scan_files
from scheduler.config import Config
from scheduler.crawling import Source
from scheduler.exceptions import TallywatchError, WrongUse
from scheduler.scanning import Order
from scheduler.scanning_farm import require_dask, scan_all
from tests.archive.conftest import NOW
from tests.archive.files import UKRINFORM, article, put, record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.reactor import Run

ORDER = Order(sources=(Source(name="ukrinform"),), alone=True)
PAGES = 150  # of the file whose worker is killed


def _kill_reader(conninfo: str, gate: threading.Event) -> None:
    """Kill the process that is connected to the database, as soon as it has kept something."""
    with psycopg.connect(conninfo, autocommit=True) as conn:
        while not gate.wait(0.01):
            kept = conn.execute("SELECT count(*) FROM documents").fetchone()
            if kept is not None and kept[0] > 0:
                break
    for worker in _children():
        os.kill(worker, signal.SIGKILL)


def _children() -> Iterator[int]:
    """Yield the processes of workers that this test has started: those that hold a connection to a database."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line, status = path.read_bytes(), (path.parent / "stat").read_text()
        except OSError:
            continue
        if b"spawn_main" in line and _descends(int(status.rpartition(")")[2].split()[1])):
            yield int(path.parent.name)


def _descends(parent: int) -> bool:
    while parent > 1:
        if parent == os.getpid():
            return True
        parent = int(Path(f"/proc/{parent}/stat").read_text().rpartition(")")[2].split()[1])
    return False


@pytest.mark.proof  # a minute, most of it for processes to start and end
@pytest.mark.filterwarnings("ignore")  # what Distributed has to say of a killed worker
def test_a_killed_worker_costs_nothing(conninfo: str, tmp_path: Path) -> None:
    """Its files are read again by others: what is in the ledger is what an undisturbed reading leaves there."""
    pages = [record(UKRINFORM.format(number), article(title=f"Russia's losses, {number}")) for number in range(PAGES)]
    files = [put(tmp_path, "a.warc.gz", *pages[: PAGES // 2]), put(tmp_path, "b.warc.gz", *pages[PAGES // 2 :])]
    ended = threading.Event()
    killer = threading.Thread(target=_kill_reader, args=(conninfo, ended))
    killer.start()
    try:
        done = list(scan_all(files, ORDER, conninfo, None))
    finally:
        ended.set()
        killer.join()
    assert sorted((scanned.file, scanned.failed, scanned.problems) for scanned in done) == [
        (file, False, []) for file in files
    ]
    with psycopg.connect(conninfo) as conn:
        versions = conn.execute("SELECT count(*), count(DISTINCT document) FROM versions").fetchone()
        killed = conn.execute("SELECT count(*) FROM runs WHERE finished_at IS NULL").fetchone()
    assert versions == (PAGES, PAGES)
    assert killed is not None
    assert killed[0] >= 1, "a worker was killed at its work"


@pytest.mark.proof  # likewise
@pytest.mark.filterwarnings("ignore")  # of Distributed
def test_the_command_reads_several_files_at_once(run: Run[Any], conninfo: str, tmp_path: Path) -> None:
    """Each has its row, whichever thread is told of its end."""
    files = [put(tmp_path, f"{number}.warc.gz", record(UKRINFORM.format(number), article())) for number in range(3)]
    config = Config(home=tmp_path, database_url=SecretStr(conninfo))
    scanning = scan_files(config, lambda: NOW, [str(tmp_path / "*.warc.gz")], [], None, None, dask=None, tell=False)
    rows = run(scanning)
    assert sorted((row["file"], row["new"], row["failed"]) for row in rows) == [(file, 1, False) for file in files]


def test_a_scheduler_that_is_not_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to read a traceback of Distributed."""
    monkeypatch.setattr(scanning_farm, "CONNECT_S", 0.2)
    with pytest.raises(TallywatchError, match=r"there is no Dask scheduler at tcp://127\.0\.0\.1:1"):
        list(scan_all(["a.warc.gz"], ORDER, "", "tcp://127.0.0.1:1"))


def test_without_the_extra_it_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to install."""
    monkeypatch.setattr(scanning_farm, "find_spec", lambda _: None)
    with pytest.raises(WrongUse, match=r"install tallywatch\[dask\]"):
        require_dask()
