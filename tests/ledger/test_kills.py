from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from html import escape
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.conftest import fresh_database
from tests.ledger.dump import DUMPS
from tests.ledger.reports import words
from tests.spiders.site import Site, serving

DAYS = (date(2023, 3, 6), date(2023, 3, 7), date(2023, 3, 8))
COMMITS = 16
"""Commits of one undisturbed walk; a test below fails when that changes, so that none goes untried."""


@pytest.fixture(scope="module")
def channel() -> Iterator[Site]:
    """Serve a channel with three reports, the last with two digits swapped."""
    posts = "".join(post(day) for day in DAYS).replace("155530", "155350")
    with serving() as site:
        history = f'<section class="tgme_channel_history">{posts}</section>'
        site.put("/s/GeneralStaffZSU", f'<html><body><main class="tgme_main">{history}</main></body></html>')
        yield site


def post(day: date) -> str:
    """Return a post as the channel's preview shows it."""
    text = "<br/>".join(escape(line) for line in words(day).splitlines())
    return f"""
    <div class="tgme_widget_message_wrap js-widget_message_wrap">
     <div class="tgme_widget_message text_not_supported_wrap js-widget_message" data-post="GeneralStaffZSU/{day:%m%d}">
      <div class="tgme_widget_message_text js-message_text" dir="auto">{text}</div>
      <span class="tgme_widget_message_views">12K</span>
      <span class="tgme_widget_message_meta"><a class="tgme_widget_message_date" href="https://t.me/GeneralStaffZSU/{day:%m%d}">
       <time datetime="{day}T05:30:00+00:00" class="time">07:30</time></a></span>
     </div></div>"""


def walk(home: Path, conninfo: str, site: Site, at: int = 0, when: str = "after") -> subprocess.CompletedProcess[str]:
    """Run one walk in a process of its own."""
    command = [sys.executable, "-m", "tests.ledger.walk", str(home), conninfo, site.url, str(at), when]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def contents(conninfo: str, home: Path) -> dict[str, Any]:
    """Return everything that a walk leaves: the ledger and the mails as a reader has them."""
    with psycopg.connect(conninfo, row_factory=dict_row) as conn:
        ledger = {name: conn.execute(query).fetchall() for name, query in DUMPS.items()}  # type: ignore[call-overload]
    return {**ledger, "read": sorted(path.name for path in (home / "Maildir" / "new").glob("*"))}


@pytest.fixture(scope="module")
def undisturbed(
    database_server: str, template: str, channel: Site, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Return what a walk leaves that nobody killed, with how often it committed."""
    home = tmp_path_factory.mktemp("undisturbed")
    with fresh_database(database_server, template=template) as (_, conninfo):
        done = walk(home, conninfo, channel)
        assert done.returncode == 0, done.stderr
        return {**contents(conninfo, home), "commits": int(done.stdout)}


def test_the_walk_tells_of_the_swapped_digits(undisturbed: dict[str, Any]) -> None:
    """Three posts, twelve claims, one incident, one mail; and every commit of it is tried below."""
    assert len(undisturbed["versions"]) == 3
    assert len(undisturbed["claims"]) == 12
    assert [row["metric"] for row in undisturbed["incidents"] if row["severity"] != "info"] == ["personnel"]
    assert len(undisturbed["mails"]) == len(undisturbed["read"]) == 1
    assert undisturbed["commits"] == COMMITS


def killed_and_run_again(at: int, when: str, home: Path, conninfo: str, channel: Site) -> dict[str, Any]:
    """Kill a walk at a commit, run it again, and return what there is."""
    killed = walk(home, conninfo, channel, at, when)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    again = walk(home, conninfo, channel)
    assert again.returncode == 0, again.stderr
    return contents(conninfo, home)


@pytest.mark.parametrize("at", range(1, COMMITS + 1, 4))
def test_killed_before_a_commit(
    at: int, conninfo: str, tmp_path: Path, channel: Site, undisturbed: dict[str, Any]
) -> None:
    """Killed and run again, the walk ends as if nothing had happened: nothing lost, nothing doubled, one mail."""
    left = killed_and_run_again(at, "before", tmp_path, conninfo, channel)
    assert left == {name: undisturbed[name] for name in left}


@pytest.mark.proof
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(1, COMMITS + 1))
def test_killed_at_every_commit(
    at: int, when: str, conninfo: str, tmp_path: Path, channel: Site, undisturbed: dict[str, Any]
) -> None:
    """The same at every commit, before and after it."""
    left = killed_and_run_again(at, when, tmp_path, conninfo, channel)
    assert left == {name: undisturbed[name] for name in left}
