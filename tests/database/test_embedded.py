"""The embedded server: shared, stopped, repaired, explained. All with the real PostgreSQL of the wheel."""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import psycopg_pool
import pytest

from pipelines import embedded
from pipelines.embedded import cluster, keeper, locks
from pipelines.exceptions import HomeUnusable, ServerNotStarted
from tests.database import users

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def used_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give a home that was used before; tests leave it whole."""
    home = tmp_path_factory.mktemp("home")
    with embedded.server(home, fsync=False) as conninfo, psycopg.connect(conninfo) as connection:
        connection.execute("CREATE TABLE kept (n integer)")
    yield home
    shutil.rmtree(home)


def ask(conninfo: str, sql: str) -> str:
    """Return the one value that a query gives, over a connection of its own."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        row = connection.execute(sql).fetchone()  # type: ignore[call-overload]
    return str(row[0])


def is_running(home: Path) -> bool:
    """Whether a server is looked after, or left behind."""
    with locks.tried(home / "postgres" / locks.SERVER) as free:
        return free is None or (home / "postgres" / "data" / "postmaster.pid").exists()


def await_stop(home: Path) -> None:
    """Wait until the keeper has ended."""
    with locks.held(home / "postgres" / locks.SERVER):
        pass


def test_first_use_starts_it_and_leaving_stops_it(tmp_path: Path) -> None:
    """A home that does not exist yet is made; after the block nothing runs in it, and it can be removed."""
    home = tmp_path / "a" / "home"
    with embedded.server(home, fsync=False) as conninfo:
        assert ask(conninfo, "SELECT current_setting('server_encoding')") == "UTF8"
        assert is_running(home)
    assert not is_running(home)
    shutil.rmtree(home)


def test_nobody_else_can_reach_it(used_home: Path) -> None:
    """It listens on a socket in a directory of mode 0700, and on no port."""
    with embedded.server(used_home, fsync=False) as conninfo:
        assert ask(conninfo, "SHOW listen_addresses") == ""
        assert stat.S_IMODE((used_home / "postgres").stat().st_mode) == 0o700
        assert stat.S_IMODE((used_home / "postgres/data" / cluster.SOCKET).stat().st_mode) == 0o700


def test_it_is_small_and_safe(used_home: Path) -> None:
    """Unless told otherwise it survives a power cut."""
    with embedded.server(used_home) as conninfo:
        settings = ("fsync", "full_page_writes", "synchronous_commit", "shared_buffers", "TimeZone")
        assert [ask(conninfo, f"SHOW {name}") for name in settings] == ["on", "on", "on", "32MB", "UTC"]


def test_users_share_it(used_home: Path) -> None:
    """Whoever leaves first takes nothing away from the others."""
    with embedded.server(used_home, fsync=False) as mine:
        with users.using(used_home) as (_, theirs):
            assert ask(mine, "SELECT pg_postmaster_start_time()") == ask(theirs, "SELECT pg_postmaster_start_time()")
        assert ask(mine, "SELECT 1") == "1"
        with embedded.server(used_home, fsync=False) as again:
            assert ask(again, "SELECT 1") == "1"
        assert ask(mine, "SELECT 1") == "1"
    assert not is_running(used_home)


def test_many_first_users_make_one(tmp_path: Path) -> None:
    """Six that find an empty home at once end on one server with one data directory."""

    def use(_: int) -> str:
        with embedded.server(tmp_path, fsync=False) as conninfo:
            return ask(conninfo, "SELECT system_identifier FROM pg_control_system()")

    with ThreadPoolExecutor(6) as starters:
        assert len(set(starters.map(use, range(6)))) == 1
    assert not is_running(tmp_path)
    assert sorted(path.name for path in (tmp_path / "postgres").glob("data*")) == ["data"]


def test_killed_user_leaves_nothing_running(used_home: Path) -> None:
    """After `kill -9` of the only user the keeper stops the server, and what was committed is there."""
    with users.using(used_home) as (process, conninfo):
        ask(conninfo, "INSERT INTO kept VALUES (1) RETURNING n")
        process.kill()
        process.wait()
        await_stop(used_home)
    assert not is_running(used_home)
    with embedded.server(used_home, fsync=False) as conninfo:
        assert ask(conninfo, "SELECT count(*) FROM kept") == "1"


def test_killed_user_takes_nothing_from_others(used_home: Path) -> None:
    """The others keep the server; and the pipes of the killed one are closed, although it had started the server."""
    with users.using(used_home) as (process, _), embedded.server(used_home, fsync=False) as conninfo:
        process.kill()
        output, _ = process.communicate(timeout=10)
        assert output == ""
        assert ask(conninfo, "SELECT 1") == "1"


def test_keeper_holds_nothing_of_its_parent(used_home: Path) -> None:
    """It is in a session of its own, and none of its descriptors leads to a terminal, a pipe or a log of ours."""
    with users.using(used_home):
        process = users.keeper_process(used_home)
        assert os.getsid(process) not in {os.getsid(0), 0}
        standard = [str(Path(f"/proc/{process}/fd/{number}").readlink()) for number in range(3)]
        assert standard == [os.devnull] * 3


def test_orphan_is_replaced(used_home: Path) -> None:
    """When keeper and user were killed, the next user stops what is left and begins anew."""
    with users.using(used_home) as (process, conninfo):
        orphan, started = users.server_process(used_home), ask(conninfo, "SELECT pg_postmaster_start_time()")
        os.kill(users.keeper_process(used_home), signal.SIGKILL)
        process.kill()
        process.wait()
    await_stop(used_home)  # of the keeper alone; a signal takes its time
    with embedded.server(used_home, fsync=False) as conninfo:
        assert ask(conninfo, "SELECT pg_postmaster_start_time()") != started
        assert users.server_process(used_home) != orphan
    assert not is_running(used_home)


def test_crashed_server_comes_back(used_home: Path) -> None:
    """A server that is killed while it is used is started again by its keeper."""
    with embedded.server(used_home, fsync=False) as conninfo:
        before = users.server_process(used_home)
        os.kill(before, signal.SIGKILL)
        with psycopg_pool.ConnectionPool(conninfo, min_size=1, open=False) as pool:
            pool.wait(timeout=20)
        assert users.server_process(used_home) != before
    assert not is_running(used_home)


@pytest.mark.parametrize("listening", [False, True], ids=["nobody listens", "a child still listens"])
def test_newcomer_waits_for_a_server_that_is_coming_back(used_home: Path, *, listening: bool) -> None:
    """Who comes while the keeper has no server yet, after a crash or a start whose user was killed, gets one.

    A child that a dying server had just begun holds the socket for a moment, and never answers there.
    """
    with users.using(used_home), socket.socket(socket.AF_UNIX) as child:
        keeper_process = users.keeper_process(used_home)
        os.kill(keeper_process, signal.SIGSTOP)
        server_process = users.server_process(used_home)
        os.kill(server_process, signal.SIGKILL)
        while Path(f"/proc/{server_process}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
            os.sched_yield()  # dead, but for the keeper that has to be told
        if listening:
            place = used_home / "postgres/data" / cluster.SOCKET
            place.unlink()
            child.bind(str(place))
            child.listen()
        threading.Timer(0.2, lambda: (child.close(), os.kill(keeper_process, signal.SIGCONT))).start()
        with embedded.server(used_home, fsync=False) as conninfo:
            assert ask(conninfo, "SELECT 1") == "1"


def test_newcomer_who_cannot_see_the_server_shares_it(used_home: Path) -> None:
    """A sandbox or a container may hide the processes outside it; the server answers all the same."""
    wrapper = users.namespace("--pid", "--fork", "--mount-proc")
    with users.using(used_home):
        assert users.tried(used_home, wrapper=wrapper) == "served"


@pytest.mark.parametrize("recorded", ["ours", "dead", "nonsense", "nothing"])
def test_stale_process_file_is_repaired(used_home: Path, recorded: str) -> None:
    """What a power cut leaves does not matter, not even when another program has the process id by now."""
    number = {"ours": str(os.getpid()), "dead": "4194303", "nonsense": "x", "nothing": ""}[recorded]
    data = used_home / "postgres/data"
    text = f"{number}\n{data}\n1700000000\n5432\n.\n\n  1234567         0\nready   \n" if number else ""
    (data / "postmaster.pid").write_text(text)
    with embedded.server(used_home, fsync=False) as conninfo:
        assert ask(conninfo, "SELECT count(*) >= 0 FROM kept") == "True"


def test_half_made_directory_is_made_again(tmp_path: Path) -> None:
    """What a start that was killed has left, or an empty data directory, is cleaned up in passing."""
    place = tmp_path / "postgres"
    (place / "data.abc.new" / "base").mkdir(parents=True)
    (place / "data").mkdir()
    with embedded.server(tmp_path, fsync=False) as conninfo:
        assert ask(conninfo, "SELECT 1") == "1"
    assert not (place / "data.abc.new").exists()


def test_foreign_directory_is_explained(tmp_path: Path) -> None:
    """A data directory that is none is left alone, and its name is given."""
    data = tmp_path / "postgres/data"
    data.mkdir(parents=True)
    (data / "notes.txt").write_text("mine")
    with pytest.raises(
        ServerNotStarted, match=r"data is no PostgreSQL data directory, or a damaged one: put a backup"
    ):
        embedded.server(tmp_path, fsync=False).__enter__()
    assert (data / "notes.txt").read_text() == "mine"
    assert not is_running(tmp_path)


def test_other_major_version_is_explained(used_home: Path) -> None:
    """The sentence names both versions and the way to upgrade."""
    version = used_home / "postgres/data/PG_VERSION"
    ours = version.read_text()
    version.write_text("15\n")
    with pytest.raises(ServerNotStarted, match=r"was made by PostgreSQL 15, but this is .* 18\..*: upgrade it with"):
        embedded.server(used_home, fsync=False).__enter__()
    version.write_text(ours)


def test_damaged_directory_is_explained(used_home: Path) -> None:
    """What PostgreSQL itself says stands in the sentence, with the place of its log; leaving no process behind."""
    control = used_home / "postgres/data/global/pg_control"
    control.rename(used_home / "pg_control")
    with pytest.raises(ServerNotStarted, match=r"did not start \(.*could not open file .*its log is .*server\.log"):
        embedded.server(used_home, fsync=False).__enter__()
    assert not is_running(used_home)
    (used_home / "pg_control").rename(control)


def test_open_directory_is_closed(used_home: Path) -> None:
    """A copy with the wrong permissions is given the right ones."""
    for path in (used_home / "postgres", used_home / "postgres/data"):
        path.chmod(0o755)
    with embedded.server(used_home, fsync=False):
        assert stat.S_IMODE((used_home / "postgres").stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["with space", 'it\'s, "odd" \\ %s', "дім", "deep/" * 30 + "home"])
def test_any_path_will_do(used_home: Path, tmp_path: Path, name: str) -> None:
    """Sockets have short names and libpq splits at commas; a home may be where it likes, and be moved."""
    home = tmp_path / name
    home.parent.mkdir(parents=True, exist_ok=True)
    used_home.rename(home)
    with embedded.server(home, fsync=False) as conninfo:
        assert ask(conninfo, "SELECT 1") == "1"
        assert users.said([cluster.binaries() / "psql", "-Atc", "SELECT 2", conninfo]) == "2"
    home.rename(used_home)


def test_environment_of_the_user_does_not_reach_it(used_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's own variables, set for another server, change nothing."""
    for name, value in {"PGPORT": "6543", "PGDATA": "/nowhere", "PGUSER": "x", "PGDATABASE": "x"}.items():
        monkeypatch.setenv(name, value)
    with embedded.server(used_home, fsync=False) as conninfo:
        assert ask(conninfo, "SELECT 1") == "1"


def test_error_of_the_user_passes_through(used_home: Path) -> None:
    """What is raised inside the block is not ours to explain; the server stops all the same."""
    with pytest.raises(ConnectionRefusedError), embedded.server(used_home, fsync=False), socket.socket() as closed:
        closed.connect(("127.0.0.1", 1))
    assert not is_running(used_home)


def test_home_removed_while_it_is_used(tmp_path: Path) -> None:
    """Leaving is no error then, and the server ends all the same."""
    with embedded.server(tmp_path / "home", fsync=False) as conninfo, psycopg.connect(conninfo) as connection:
        connection.execute("SELECT 1")
        server = os.pidfd_open(users.server_process(tmp_path / "home"))
        shutil.rmtree(tmp_path / "home")
    assert select.select([server], [], [], 30)[0]
    os.close(server)


def test_unusable_home_is_explained(tmp_path: Path) -> None:
    """A file where the home should be."""
    (tmp_path / "home").write_text("")
    with pytest.raises(HomeUnusable, match=r"home.* cannot be used \(.*\): set that right, or set TALLYWATCH_HOME"):
        embedded.server(tmp_path / "home").__enter__()


def test_log_is_bounded(tmp_path: Path) -> None:
    """It is put aside when it has grown; two files of one megabyte are the most."""
    line = b"x" * 9_999 + b"\n"
    for _ in range(350):
        keeper.note(tmp_path / "server.log", line)
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert sizes == {"server.log": 500_000, "server.log.1": 1_000_000}
