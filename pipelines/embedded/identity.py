"""Who PostgreSQL runs as. It refuses to run as root, whatever the reason that we do."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.exceptions import ServerNotStarted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C", "TZ": "UTC"}
"""All that PostgreSQL's programs may see: PGPORT, PGDATA, LD_LIBRARY_PATH and the like would change what they do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """An account for the server."""

    uid: int  # who owns its files, seen from outside
    gid: int
    prefix: tuple[str, ...]  # put before a command, runs it under this identity

    def output(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a short command and keep what it says."""
        return subprocess.run(  # noqa: S603 - our own command line
            [*self.prefix, *command],
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            env=ENVIRONMENT,
            cwd="/",
        )


def choose(directory: Path, postgres: Path) -> Identity:
    """Pick the first identity under which that program can be run in that directory."""
    said = ""
    for identity in _candidates(directory):
        # The shell's cd, because what root can reach may be closed to the identity.
        probe = identity.output(["/bin/sh", "-c", 'cd "$0" && exec "$1" --version', str(directory), str(postgres)])
        if probe.returncode == 0:
            return identity
        said = probe.stderr.strip()
    raise ServerNotStarted(
        f"PostgreSQL cannot be run here as {_name(os.geteuid())} ({said}):"
        " run tallywatch as an ordinary user, or set TALLYWATCH_DATABASE_URL"
    )


def _candidates(directory: Path) -> Iterator[Identity]:
    if os.geteuid() != 0:
        yield Identity(uid=os.geteuid(), gid=os.getegid(), prefix=())
        return
    owner = directory.stat()
    if owner.st_uid != 0:  # root looks after somebody's home: the files remain theirs
        yield _other_user(owner.st_uid, owner.st_gid)
        return
    system = _system_user()
    yield _own_namespace(system.pw_uid)
    yield _other_user(system.pw_uid, system.pw_gid)


def _own_namespace(uid: int) -> Identity:
    """Root outside, another user inside: owns root's files, may do nothing else that root may."""
    return Identity(uid=0, gid=0, prefix=("unshare", "--user", f"--map-user={uid}", "--"))


def _other_user(uid: int, gid: int) -> Identity:
    """Another user who may pass the directories on the way to the home and to the programs (often root's, 0700).

    Opening those directories, or copying the programs out of them, would touch what is not ours. The capability does
    it for this process alone; no_setuid_fixup, because PostgreSQL asks access(2), which else ignores capabilities.
    """
    account = (f"--reuid={uid}", f"--regid={gid}", "--clear-groups")
    reach = ("--securebits=+no_setuid_fixup", "--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override")
    return Identity(uid=uid, gid=gid, prefix=("setpriv", *account, *reach, "--"))


def _system_user() -> pwd.struct_passwd:
    """Pick an unprivileged account; a known one, because initdb looks its name up."""
    accounts = {account.pw_name: account for account in pwd.getpwall() if account.pw_uid != 0}
    for name in ("nobody", "daemon", *accounts):
        if name in accounts:
            return accounts[name]
    raise ServerNotStarted("PostgreSQL refuses to run as root, and this machine has no other user: add one")


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
