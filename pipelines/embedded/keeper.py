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
from pathlib import Path

READY = b"database system is ready to accept connections"
LOG_LIMIT = 1_000_000  # bytes; one older file of that size is kept
CHATTER = (b" LOG: ", b" WARNING: ", b" DETAIL: ", b" HINT: ")  # never what a server dies of
LONGEST_PAUSE = 30.0  # seconds between two tries to bring a server back
ESCALATION = (  # seconds granted to each signal
    *[(signal.SIGINT, 1.0)] * 30,  # an orderly end; more than once, because it is lost on a process that just begins
    (signal.SIGQUIT, 10.0),
    (signal.SIGKILL, 10.0),
)


class Keeper:
    """One server, from its start to the moment when nobody uses it."""

    def __init__(self, directory: Path, command: list[str]) -> None:
        self._directory = directory
        self._command = command
        self._log = directory / "server.log"
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
                self._command,
                cwd=self._directory / "data",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
        with self._server as server:
            return self._listen(server)

    def _listen(self, server: subprocess.Popen[bytes]) -> bytes | None:
        """Write down what the server says, until the last of its processes has closed the pipe."""
        assert server.stderr is not None  # noqa: S101 - asked for above
        ready, last = False, [b"it ended without a word"]
        for line in server.stderr:
            note(self._log, line)
            if READY in line:
                ready = True
                tell(b"ready")
            elif not any(word in line for word in CHATTER):
                last = [*last[-2:], line.strip()]
        return None if ready else b" ".join(last)

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


def note(log: Path, line: bytes) -> None:
    """Append a line to the log, which is put aside when it has grown enough. A full disk costs the line only."""
    with suppress(OSError):
        if log.exists() and log.stat().st_size + len(line) > LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))
        descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            if os.geteuid() == 0:
                place = log.parent.stat()  # what root makes in a user's directory must remain usable to that user
                os.fchown(file.fileno(), place.st_uid, place.st_gid)
            file.write(line)


def tell(outcome: bytes) -> None:
    """Answer whoever started us, and let go of the pipe; a later answer goes nowhere."""
    answer, nowhere = os.dup(sys.stdout.fileno()), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    with suppress(BrokenPipeError):  # killed meanwhile, which the lock on users.lock tells too
        os.write(answer, outcome + b"\n")
    os.close(answer)
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
