"""Other processes that use an embedded server: what they do must be seen from outside, and they are to be killed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

USE = """
import sys
from pathlib import Path
from pipelines import embedded
with embedded.server(Path(sys.argv[1]), fsync=False) as conninfo:
    print(conninfo, flush=True)
    sys.stdin.read()
"""

TRY = """
import sys
from pathlib import Path
import psycopg
from pipelines import embedded
from pipelines.exceptions import PipelineError
try:
    with embedded.server(Path(sys.argv[1]), fsync=False) as conninfo, psycopg.connect(conninfo) as connection:
        print(connection.execute("SELECT 'served'").fetchone()[0])
except PipelineError as error:
    print(f"{type(error).__name__}: {error}")
"""

ROOT = os.geteuid() == 0
NOBODY = 65534
ENVIRONMENT = {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), *sys.path]), "PATH": os.environ["PATH"]}


@contextmanager
def using(home: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Have another process use the server of that home; give the process and its conninfo."""
    command = [sys.executable, "-c", USE, str(home)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT, cwd="/"
    ) as process:
        assert process.stdout
        try:
            yield process, process.stdout.readline().strip()
        finally:
            assert process.stdin
            process.stdin.close()


def tried(home: Path, *, before: str = "", after: str = "", wrapper: tuple[str, ...] = ()) -> str:
    """Have another process use the server once: "served", or the error that a person would read."""
    return said([*wrapper, sys.executable, "-c", before + TRY + after, str(home)])


def tried_by_nobody(home: Path) -> str:
    """Do the same as an ordinary user; as root only."""
    return said([python_of_nobody(), "-c", TRY, str(home)], user=NOBODY, group=NOBODY, extra_groups=[])


def said(command: list[str | Path], **account: object) -> str:
    """Run a command to its end and return what it printed."""
    run = subprocess.run(command, check=False, capture_output=True, text=True, env=ENVIRONMENT, cwd="/", **account)  # type: ignore[call-overload]
    assert run.returncode == 0, run.stderr
    return str(run.stdout.strip())


def server_process(home: Path) -> int:
    """Return the process id of the server."""
    return int((home / "postgres" / "data" / "postmaster.pid").read_text().split()[0])


def keeper_process(home: Path) -> int:
    """Return the process id of its keeper."""
    status = Path(f"/proc/{server_process(home)}/status").read_text()
    return int(re.findall(r"^PPid:\s+(\d+)", status, re.MULTILINE)[0])


@cache
def python_of_nobody() -> str:
    """Find a Python that an unprivileged user can run with our packages, or skip the test."""
    if not ROOT:
        pytest.skip("only root can run a program as somebody else")
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, shutil.which(name, path="/usr/local/bin:/usr/bin")):
        if python and _can_import(python):
            return python
    pytest.skip(f"no {name} here can be run, with the packages, by an unprivileged user")


def _can_import(python: str) -> bool:
    command = [python, "-c", "import psycopg, pipelines.embedded"]
    try:
        run = subprocess.run(
            command,
            check=False,
            capture_output=True,
            env=ENVIRONMENT,
            cwd="/",
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
        )
    except PermissionError:
        return False
    return run.returncode == 0


def namespace(*spaces: str) -> tuple[str, ...]:
    """Give the command that opens a mount namespace of our own, and others, or skip the test."""
    wrapper = ("unshare", "--user", "--map-root-user", "--mount", *spaces, "--")
    if not shutil.which("unshare") or subprocess.run([*wrapper, "true"], check=False, capture_output=True).returncode:
        pytest.skip("user namespaces are not allowed here")
    return wrapper
