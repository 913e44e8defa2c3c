"""A Debian host for a proof: a fresh tree, booted with its own systemd, on the network of this machine."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SUITE = "bookworm"
PACKAGES = ("systemd-sysv", "dbus", "ca-certificates")
"""What a minimal tree lacks of an installed Debian: what boots it, and whom it trusts."""

PROGRAMS = ("debootstrap", "systemd-nspawn", "nsenter", "setpriv", "unshare", "git")
CERTIFICATES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO")
REACH = re.compile(r"(https?|all|no)_proxy|(pip|uv)_\w*(index|host|links|timeout|tls)\w*", re.IGNORECASE)
"""Variables that say how registries are reached: the host in the tree has no other way than this machine."""

ALONE = ("setpriv", "--pdeathsig=KILL", "unshare", "--mount", "--mount-proc", "--pid", "--fork", "--kill-child")
"""Before a command: its mounts and its processes end with it, and it with us."""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BOOT_PATIENCE_S = 60.0
PAUSE_S = 0.2


class CannotBoot(Exception):  # noqa: N818 - named after what happened
    """Raised with what this machine lacks for a host of its own."""


def eventually(condition: Callable[[], Any], patience_s: float = 60.0) -> None:
    """Wait for something that the host does. Fails when it does not come."""
    end = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(PAUSE_S)


def lacking() -> str | None:
    """Say what this machine lacks, if it does."""
    if platform.system() != "Linux":
        return "a host with systemd can be booted on Linux only"
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"a host with systemd cannot be booted: this machine lacks {', '.join(missing)}"
    if os.geteuid() != 0:
        return "a host with systemd can be booted by root only"
    return None


def tree(cache: Path) -> Path:
    """Return a tree of Debian, made once. Raises CannotBoot.

    It is made under another name, so that one of the right name is always complete.
    """
    made = cache / "+".join((SUITE, *PACKAGES))
    if made.is_dir():
        return made
    for half_made in cache.glob(f".{made.name}.*"):
        if not Path("/proc", half_made.name.rpartition(".")[2]).exists():
            shutil.rmtree(half_made)
    fresh = cache / f".{made.name}.{os.getpid()}"
    fresh.mkdir(parents=True)
    packages = f"--include={','.join(PACKAGES)}"
    command = [*ALONE, "debootstrap", "--variant=minbase", packages, SUITE, str(fresh), *_mirror()]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stdout + done.stderr).strip().rpartition("\n")[2]
            raise CannotBoot(f"debootstrap could not make a tree of Debian: {said}")
        with suppress(OSError):  # another run has made it meanwhile
            fresh.rename(made)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return made


def _mirror() -> list[str]:
    """Return where apt gets that suite from on this machine; debootstrap knows a place by itself."""
    if shutil.which("apt-get") is None:
        return []
    columns = "--format=$(CODENAME) $(COMPONENT) $(REPO_URI)"
    done = subprocess.run(
        ["apt-get", "indextargets", columns, "Created-By: Packages"], capture_output=True, text=True, check=False
    )
    known = [line.split() for line in done.stdout.splitlines()]
    return next(([place] for suite, component, place in known if (suite, component) == (SUITE, "main")), [])


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A host that runs."""

    root: Path  # its tree, seen from here
    init: int  # its process 1, seen from here
    environment: dict[str, str] = field(repr=False)  # a proxy may have a password

    def run(self, script: str, *, check: bool = True, patience_s: float = 300.0) -> str:
        """Run a script of bash as root, as typed into a shell, and return what it says; a failing line ends it."""
        (self.root / "root" / "typed").write_text(script, "utf-8")
        done = subprocess.run(
            [*_inside(self.init), "bash", "-e", "-O", "expand_aliases", "/root/typed"],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=patience_s,
        )
        assert not check or done.returncode == 0, f"{script}\nended with {done.returncode}:\n{done.stdout[-4000:]}"
        return done.stdout

    def start(self, script: str) -> subprocess.Popen[str]:
        """Begin a script, whose input stays open."""
        return subprocess.Popen(
            [*_inside(self.init), "bash", "-e", "-O", "expand_aliases", "-c", script],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def show(self, unit: str = "tallywatch.service") -> dict[str, str]:
        """Return what systemd knows of a unit."""
        said = self.run(f"systemctl show {unit}")
        return dict(line.split("=", 1) for line in said.splitlines() if "=" in line)

    def journal(self) -> str:
        """Return what was logged of the daemon, by itself and by systemd."""
        return self.run("journalctl --no-pager --output=cat --unit=tallywatch.service")

    def owned(self, user: str = "tallywatch") -> list[str]:
        """Return the processes of a user."""
        return self.run(f"find /proc -maxdepth 1 -name '[0-9]*' -user {user} -printf '%f\\n'", check=False).split()


def _inside(init: int) -> list[str]:
    """Return what to put before a command, so that it runs on the host."""
    spaces = ("--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup")
    return ["nsenter", f"--target={init}", *spaces, "env", "--chdir=/root"]


@contextmanager
def booted(cache: Path, place: Path) -> Iterator[Machine]:
    """Boot a host in a tree of its own, which is gone afterwards. Raises CannotBoot."""
    root = place / "host"
    subprocess.run(["cp", "--archive", "--reflink=auto", str(tree(cache)), str(root)], check=True)
    environment = {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    environment |= _carry(root)
    console = place / "console"
    try:
        with _own_groups() as prefix, console.open("w") as said:
            command = ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--console=pipe"]
            command += ["--resolv-conf=copy-host", f"--directory={root}", f"--machine=tallywatch-{os.getpid()}"]
            with subprocess.Popen(
                [*prefix, *command], stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
            ) as supervisor:
                try:
                    yield Machine(root=root, init=_init(supervisor, console, environment), environment=environment)
                finally:
                    supervisor.terminate()  # to systemd-nspawn it means: shut down in good order
                    try:
                        supervisor.wait(BOOT_PATIENCE_S)
                    except subprocess.TimeoutExpired:
                        supervisor.kill()
    finally:
        shutil.rmtree(root)


def _carry(root: Path) -> dict[str, str]:
    """Give the tree this machine's ways to registries; return the variables for that."""
    carried = {name: value for name, value in os.environ.items() if REACH.fullmatch(name)}
    trusted = "/usr/local/share/trusted.crt"
    named = {name: trusted for name in CERTIFICATES if Path(os.environ.get(name, "")).is_file()}
    ways = []
    if named:
        shutil.copy(os.environ[next(iter(named))], root / trusted.removeprefix("/"))
        ways.append(f'Acquire::https::CaInfo "{trusted}";')
    if shutil.which("apt-config"):
        dump = subprocess.run(["apt-config", "dump", "Acquire"], capture_output=True, text=True, check=True).stdout
        ways += re.findall(r'^Acquire::(?:https?::Proxy|Check-\w|Retries).*".+";$', dump, re.MULTILINE)
    (root / "etc/apt/apt.conf.d/99carried").write_text("".join(f"{way}\n" for way in ways), "utf-8")
    homes = {Path("/etc"): root / "etc", Path.home() / ".config": root / "root/.config"}
    for here, there in homes.items():
        for name in ("pip.conf", "pip/pip.conf", "uv/uv.toml"):
            if (here / name).is_file():
                (there / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(here / name, there / name)
    return carried | named


@contextmanager
def _own_groups() -> Iterator[list[str]]:
    """Give what to put before a command, so that it ends with us and that its control groups are its own.

    Where this machine runs systemd, systemd-nspawn asks it for some; elsewhere they are made and removed here.
    """
    ends = ["setpriv", "--pdeathsig", "TERM"]
    if Path("/run/systemd/system").is_dir():
        yield ends
        return
    roots = [Path("/sys/fs/cgroup", name) for name in ("systemd", "unified", ".")]
    groups = [root / f"tallywatch-{os.getpid()}" for root in roots if (root / "cgroup.procs").exists()]
    for group in groups:
        group.mkdir()
    enter = 'until [ "$1" = -- ]; do echo $$ > "$1/cgroup.procs"; shift; done; shift; exec "$@" --keep-unit'
    try:
        yield [*ends, "sh", "-c", enter, "sh", *map(str, groups), "--"]
    finally:
        for group in groups:
            for folder, _, _ in os.walk(group, topdown=False):
                Path(folder).rmdir()


def _init(supervisor: subprocess.Popen[bytes], console: Path, environment: dict[str, str]) -> int:
    """Return process 1 of a host as soon as it has booted."""
    end = time.monotonic() + BOOT_PATIENCE_S
    while time.monotonic() < end and supervisor.poll() is None:
        children = Path(f"/proc/{supervisor.pid}/task/{supervisor.pid}/children").read_text().split()
        for child in filter(_is_init, map(int, children)):
            ask = [*_inside(child), "systemctl", "is-system-running", "--wait"]
            done = subprocess.run(ask, env=environment, capture_output=True, text=True, check=False)
            if done.stdout.strip() in {"running", "degraded"}:
                return child
        time.sleep(PAUSE_S)
    said = console.read_text("utf-8", "replace").strip().rpartition("\n")[2]
    raise CannotBoot(f"systemd-nspawn could not boot a host: {said or 'it said nothing'}")


def _is_init(process: int) -> bool:
    """Whether a process is a systemd in a space of processes that is not ours."""
    try:
        here, there = Path("/proc/self/ns/pid").readlink(), Path(f"/proc/{process}/ns/pid").readlink()
        return here != there and Path(f"/proc/{process}/comm").read_text() == "systemd\n"
    except OSError:  # it has ended
        return False
