"""Who may use the embedded server, and who it runs as: root and ordinary users, in open and closed places."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from pipelines import embedded
from pipelines.embedded import cluster, identity
from pipelines.exceptions import HomeUnusable
from tests.database import users

if TYPE_CHECKING:
    from collections.abc import Iterator

only_root = pytest.mark.skipif(not users.ROOT, reason="only root can become somebody else")


@pytest.fixture
def open_place() -> Iterator[Path]:
    """Give a directory that every user can reach, unlike pytest's own."""
    place = Path(tempfile.mkdtemp(prefix="tallywatch-"))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


def assert_served(home: Path) -> None:
    """Use the server once, as who we are."""
    with embedded.server(home, fsync=False) as conninfo, psycopg.connect(conninfo) as connection:
        connection.execute("SELECT 1")


def owners(place: Path) -> set[int]:
    """Return the users who own something in that directory."""
    return {path.lstat().st_uid for path in (place, *place.rglob("*"))}


def modes(place: Path) -> list[tuple[int, int]]:
    """Return owner and permissions of a directory and of all above it."""
    return [(path.stat().st_uid, stat.S_IMODE(path.stat().st_mode)) for path in (place, *place.parents)]


def runs_as(place: Path) -> str:
    """Return the first word of the command that the server is started through."""
    place.mkdir(parents=True)
    prefix = identity.choose(place, cluster.binaries() / "postgres").prefix
    place.rmdir()
    return prefix[0] if prefix else ""


@only_root
def test_root_runs_it_in_a_namespace(open_place: Path) -> None:
    """Where user namespaces are allowed nobody else is involved: all that is made is root's."""
    users.namespace()
    home = open_place / "home"
    assert runs_as(home) == "unshare"
    assert_served(home)
    assert owners(home) == {0}


@only_root
def test_root_runs_it_as_another_user_behind_a_closed_door(open_place: Path) -> None:
    """In a directory that only its owner and root may pass, the server runs as an unprivileged user with a pass.

    The same identity serves where namespaces are not allowed. The directory stays closed.
    """
    closed = open_place / "closed"
    closed.mkdir(mode=0o700)
    os.chown(closed, 1000, 1000)
    before, home = modes(closed), closed / "home"
    assert runs_as(home) == "setpriv"
    assert_served(home)
    assert_served(home)
    assert modes(closed) == before
    assert owners(home / "postgres/data") == {identity._system_user().pw_uid}  # noqa: SLF001 - chosen by the machine
    assert modes(home / "postgres")[0] == (0, 0o700)


@only_root
def test_root_may_change_how_it_runs_it(open_place: Path) -> None:
    """A home that is moved from a closed place to an open one, and back, is made to fit."""
    users.namespace()
    closed = open_place / "closed"
    closed.mkdir(mode=0o700)
    os.chown(closed, 1000, 1000)
    assert_served(closed / "home")
    (closed / "home").rename(open_place / "home")
    assert_served(open_place / "home")
    assert owners(open_place / "home") == {0}
    (open_place / "home").rename(closed / "home")
    assert_served(closed / "home")


def test_ordinary_user(open_place: Path) -> None:
    """An ordinary user needs nothing special."""
    os.chown(open_place, users.NOBODY, users.NOBODY) if users.ROOT else None
    assert users.tried_by_nobody(open_place / "home") == "served"
    assert owners(open_place / "home") == {users.NOBODY}


@only_root
def test_root_in_the_home_of_a_user(open_place: Path) -> None:
    """What root makes or uses there remains usable to the user: all files are theirs, locks and log included.

    A server that runs is shared: the lock of one is a lock to the other.
    """
    users.python_of_nobody()
    home = open_place / "home"
    home.mkdir()
    os.chown(home, users.NOBODY, users.NOBODY)
    with embedded.server(home, fsync=False):
        assert owners(home) == {users.NOBODY}
        assert users.tried_by_nobody(home) == "served"
        assert users.server_process(home)
    assert users.tried_by_nobody(home) == "served"
    assert_served(home)


@only_root
def test_user_in_the_home_of_root_is_told(open_place: Path) -> None:
    """One sentence, with what to do."""
    users.python_of_nobody()
    home = open_place / "home"
    assert_served(home)
    assert users.tried_by_nobody(home) == (
        f"HomeUnusable: {home}/postgres is not open to you: run tallywatch as its owner,"
        " give it to yourself (chown), or set TALLYWATCH_HOME to another directory"
    )


@only_root
def test_lock_of_root_in_a_users_home_is_told(open_place: Path) -> None:
    """A lock file that cannot even be read is named; it is not replaced, because root may hold it."""
    users.python_of_nobody()
    home = open_place / "home"
    home.mkdir()
    os.chown(home, users.NOBODY, users.NOBODY)
    assert_served(home)
    lock = home / "postgres/gate.lock"
    os.chown(lock, 0, 0)
    assert users.tried_by_nobody(home) == "served"
    lock.chmod(0o600)
    assert f"HomeUnusable: {lock} is not open to you" in users.tried_by_nobody(home)


@pytest.mark.parametrize("name", ["postgres", "postgres/data", "postgres/users.lock"])
def test_link_is_not_followed(open_place: Path, name: str) -> None:
    """In a user's home root gives the user what it finds; what a link leads to keeps its owner and permissions."""
    target, link = open_place / "target", open_place / "home" / name
    target.mkdir(mode=0o755)
    link.parent.mkdir(parents=True)
    link.symlink_to(target)
    if users.ROOT:
        os.chown(open_place / "home", users.NOBODY, users.NOBODY)
    before = modes(target)
    with pytest.raises(HomeUnusable, match=f"{link} (is a link|cannot be used)"):
        assert_served(open_place / "home")
    assert modes(target) == before


def test_full_disk_is_explained(tmp_path: Path) -> None:
    """Before there is a database: PostgreSQL's own words, and no half-made directory."""
    mount = (
        f"import subprocess; subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=8m', 'none', {str(tmp_path)!r}])\n"
    )
    after = f"\nprint(sorted(path.name for path in Path({str(tmp_path)!r}, 'postgres').glob('data*')))"
    sentence, left = users.tried(tmp_path, before=mount, after=after, wrapper=users.namespace()).splitlines()
    assert sentence.startswith("ServerNotStarted: PostgreSQL could not make ")
    assert "No space left on device" in sentence
    assert left == "[]"
