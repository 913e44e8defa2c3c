"""The process that looks after an embedded server: starts it, keeps its log, stops it when nobody uses it.

    keeper.py DIRECTORY COMMAND…

A script for itself, on the standard library alone, so that it costs a few megabytes and outlives whoever started
it, even through `kill -9`. It inherits the lock on `server.lock` and tells the outcome of the start as one line on its
standard output; then it has nothing of its parent's open any more. A server that dies while it is used is started
again.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from io import FileIO
from pathlib import Path

READY = b"database system is ready to accept connections"
LOG_LIMIT = 1_000_000  # bytes; one older file of that size is kept
LINE_LIMIT = 8192  # bytes
CHATTER = (b" LOG: ", b" WARNING: ", b" DETAIL: ", b" HINT: ")  # never what a server dies of
LONGEST_PAUSE = 30.0  # seconds between two tries to bring a server back
ESCALATION = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))  # seconds granted to each


class Keeper:
    """One server, from its start to the moment when nobody uses it."""

    def __init__(self, directory: Path, command: list[str]) -> None:
        self._directory = directory
        self._command = command
        self._log = BoundedLog(directory / "server.log")
        self._turn = threading.Lock()  # no server may be started once it was found unused
        self._unused = threading.Event()
        self._server: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Keep a server running until nobody uses it."""
        threading.Thread(target=self._stop_when_unused, daemon=True).start()
        refusal = self._serve()
        if refusal is not None:
            tell(refusal)
            return
        pause = 0.1
        while not self._unused.wait(pause):
            pause = 0.1 if self._serve() is None else min(2 * pause, LONGEST_PAUSE)

    def _serve(self) -> bytes | None:
        """Run the server until it ends; what it died of if it never got ready."""
        with self._turn:
            if self._unused.is_set():
                return b"nobody uses it any more"
            self._server = subprocess.Popen(  # noqa: S603 - the command line is our own
                self._command, cwd=self._directory / "data", stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
        with self._server as server:
            return self._listen(server)

    def _listen(self, server: subprocess.Popen[bytes]) -> bytes | None:
        """Write down what the server says, until the last of its processes has closed the pipe."""
        assert server.stderr is not None  # noqa: S101 - asked for above
        ready, last = False, b"it ended without a word"
        for line in iter(lambda: server.stderr.readline(LINE_LIMIT), b""):  # type: ignore[union-attr]
            self._log.write(line)
            if READY in line:
                ready = True
                tell(b"ready")
            if not any(word in line for word in CHATTER):
                last = line.strip()
        return None if ready else last

    def _stop_when_unused(self) -> None:
        users = os.open(self._directory / "users.lock", os.O_RDONLY)
        fcntl.flock(users, fcntl.LOCK_EX)  # granted when every user is gone; newcomers wait until we end
        with self._turn:
            self._unused.set()
        if self._server is not None:
            stop(self._server)


def stop(server: subprocess.Popen[bytes]) -> None:
    """Shut the server down: orderly, then at once, then by force."""
    for number, patience in ESCALATION:
        server.send_signal(number)
        with suppress(subprocess.TimeoutExpired):  # the next signal is the answer
            server.wait(patience)
            return


class BoundedLog:
    """A file that is put aside when it has grown enough."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = self._open()

    def write(self, line: bytes) -> None:
        """Append a line. A full disk costs the line, never the server."""
        with suppress(OSError):
            if self._file.tell() + len(line) > LOG_LIMIT:
                self._file.close()
                self._path.replace(self._path.with_suffix(".log.1"))
                self._file = self._open()
            self._file.write(line)

    def _open(self) -> FileIO:
        file = FileIO(self._path, "ab")
        if os.geteuid() == 0:
            place = self._path.parent.stat()  # what root makes in a user's directory must remain usable to that user
            os.fchown(file.fileno(), place.st_uid, place.st_gid)
        return file


def tell(outcome: bytes) -> None:
    """Answer whoever started us; only the first word counts, later ones go nowhere."""
    with suppress(BrokenPipeError):  # killed meanwhile: the lock on users.lock tells
        os.write(sys.stdout.fileno(), outcome + b"\n")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def main() -> None:
    """Leave the parent, then keep the server that the command line describes."""
    if os.fork():
        os._exit(0)  # an orphan has no parent that must wait for it
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Whether the server is needed is said by the lock alone. A handler, because SIG_IGN would be inherited.
        signal.signal(number, lambda *_: None)
    try:
        Keeper(Path(sys.argv[1]), sys.argv[2:]).run()
    except OSError as error:
        tell(str(error).encode())


if __name__ == "__main__":
    main()
