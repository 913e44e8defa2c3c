"""The real command, in a process of its own, on a home and a channel of the test's own."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from tests.ledger.test_kills import post
from tests.spiders.site import Site, serving
from tests.surroundings import environment

Tallywatch = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def channel() -> Iterator[Site]:
    """Serve a channel with three right reports."""
    days = (date(2023, 3, 6), date(2023, 3, 7), date(2023, 3, 8))
    with serving() as site:
        publish(site, *(post(day) for day in days))
        yield site


def publish(site: Site, *posts: str) -> None:
    """Publish posts as the channel's preview."""
    history = f'<section class="tgme_channel_history">{"".join(posts)}</section>'
    site.put("/s/GeneralStaffZSU", f'<html><body><main class="tgme_main">{history}</main></body></html>')


@pytest.fixture
def config(tmp_path: Path, channel: Site) -> Path:
    """Give a configuration that polls the channel alone."""
    file = tmp_path / "tallywatch.toml"
    source = f'[sources.telegram_general_staff]\nenabled = true\nbase_url = "{channel.url}"\n'
    file.write_text('[mail]\nto = ["desk@example.org"]\n' + source, "utf-8")
    return file


@pytest.fixture
def tallywatch(tmp_path: Path, conninfo: str, config: Path) -> Tallywatch:
    """Run the command on the empty ledger, on 8 March 2023 at noon in Kyiv."""

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        given = environment(
            TALLYWATCH_HOME=tmp_path / "a home",
            TALLYWATCH_CONFIG=config,
            TALLYWATCH_DATABASE_URL=conninfo,
            TALLYWATCH_NOW="2023-03-08T12:00",
            COLUMNS=200,
        )
        return subprocess.run(
            ["tallywatch", *arguments],
            env=given | more,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run
