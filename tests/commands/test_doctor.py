from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines import migrations
from scheduler.commands.doctor import sentry_place
from scheduler.exceptions import TallywatchError
from tests.commands.conftest import Tallywatch
from tests.spiders.site import Site


def looks(tallywatch: Tallywatch, **environment: str) -> dict[str, dict[str, Any]]:
    """Return what each look of the doctor found."""
    done = tallywatch("doctor", "--json", **environment)
    assert "Traceback" not in done.stderr, done.stderr
    return {row["check"]: row for row in map(json.loads, done.stdout.splitlines())}


def tables(conninfo: str) -> set[str]:
    """Return what a database has."""
    with psycopg.connect(conninfo) as conn:
        return {str(row[0]) for row in conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}


def test_a_ledger_that_is_up_to_date_is_left_as_it_is(tallywatch: Tallywatch, conninfo: str) -> None:
    """Not even what signs the links is made."""
    found = looks(tallywatch)["database"]
    newest = migrations.load(migrations.FOLDER)[-1].name
    assert (found["ok"], found["said"].endswith(f"schema up to date at {newest}")) == (True, True), found
    with psycopg.connect(conninfo) as conn:
        assert conn.execute("SELECT count(*) FROM signing").fetchone() == (0,)


def test_an_empty_database_stays_empty(tallywatch: Tallywatch, empty_conninfo: str) -> None:
    """The daemon makes the tables: whoever looks may be of another release."""
    found = looks(tallywatch, TALLYWATCH_DATABASE_URL=empty_conninfo)["database"]
    assert found["ok"], found
    assert "no tables yet: the daemon makes them when it starts" in found["said"]
    assert tables(empty_conninfo) == set()


def test_a_ledger_that_is_behind_is_told_and_not_migrated(tallywatch: Tallywatch, conninfo: str) -> None:
    """Migrating is the daemon's: until then its old release can still be gone back to."""
    newest = migrations.load(migrations.FOLDER)[-1]
    with psycopg.connect(conninfo) as conn:
        conn.execute("DELETE FROM migrations WHERE number = %s", [newest.number])
    found = looks(tallywatch)["database"]
    assert not found["ok"]
    assert f"behind {newest.name}" in found["said"]
    assert "start the daemon, which migrates" in found["said"]
    with psycopg.connect(conninfo) as conn:
        assert conn.execute("SELECT max(number) FROM migrations").fetchone() == (newest.number - 1,)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("INSERT INTO migrations (number, name, sha256) VALUES (9999, '9999_later', 'x')", ("9999_later", "newer")),
        ("UPDATE migrations SET sha256 = 'x' WHERE number = 1", ("0001_ledger",)),
    ],
    ids=["of a newer release", "as many, and yet others"],
)
def test_migrations_that_are_not_ours_are_told(
    tallywatch: Tallywatch, conninfo: str, change: str, named: tuple[str, ...]
) -> None:
    """This release would refuse to start on them."""
    with psycopg.connect(conninfo) as conn:
        conn.execute(change.encode())
    found = looks(tallywatch)["database"]
    assert not found["ok"]
    for words in named:
        assert words in found["said"]


def test_looking_makes_no_folders(tallywatch: Tallywatch, tmp_path: Path) -> None:
    """Whoever looks may be root: the daemon could not write into what it made."""
    found = looks(tallywatch)
    home = tmp_path / "a home"
    assert (found["disk"]["ok"], found["mail"]["ok"]) == (True, True)
    assert str(home / "Maildir") in found["mail"]["said"]
    assert not home.exists()


def test_a_maildir_that_cannot_be_written_is_told(tallywatch: Tallywatch, tmp_path: Path) -> None:
    """Something stands in its way."""
    home = tmp_path / "a home"
    home.mkdir()
    (home / "Maildir").write_text("in the way", "utf-8")
    found = looks(tallywatch)["mail"]
    assert not found["ok"]
    assert f"{home / 'Maildir'} cannot be written" in found["said"]


@pytest.mark.parametrize(
    ("dsn", "place"),
    [
        ("https://key@o1.ingest.sentry.io/42", "https://o1.ingest.sentry.io/"),
        ("https://key@errors.example.org/prefix/42", "https://errors.example.org/"),
        ("https://key:old@errors.example.org:9000/a/b/42", "https://errors.example.org:9000/"),
        ("http://key@errors.example.org/42", "http://errors.example.org/"),
        ("http://key@[::1]:8000/42", "http://[::1]:8000/"),
    ],
)
def test_a_dsn_leads_to_its_host(dsn: str, place: str) -> None:
    """At its port, or at that of its scheme, whatever stands before the number of the project."""
    assert sentry_place(dsn) == place


@pytest.mark.parametrize(
    "dsn",
    [
        "https://errors.example.org/42",
        "https://key@errors.example.org/",
        "https://key@errors.example.org/project",
        "https://key@errors.example.org:port/42",
        "ftp://key@errors.example.org/42",
        "key@errors.example.org/42",
    ],
)
def test_a_dsn_that_leads_nowhere_is_refused(dsn: str) -> None:
    """Each lacks a part, or has a wrong one; the sentence does not repeat it."""
    with pytest.raises(TallywatchError, match="SENTRY_DSN is malformed") as caught:
        sentry_place(dsn)
    assert "key" not in str(caught.value).lower().replace("client keys", "")


def test_sentry_behind_a_prefix_is_asked(tallywatch: Tallywatch, channel: Site) -> None:
    """A server of one's own often stands in a folder of another."""
    place = channel.url.removeprefix("http://")
    found = looks(tallywatch, SENTRY_DSN=f"http://key@{place}/prefix/42")["sentry"]
    assert found["ok"], found
