"""A source over TLS, crawled by the real command in what the unit makes of memory. Almost every source is one."""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.conftest import publish
from tests.daemon.conftest import DAYS
from tests.deploy.secure import certified
from tests.ledger.test_kills import post
from tests.spiders.site import serving
from tests.surroundings import environment

UNIT = (Path(__file__).parents[2] / "deploy" / "systemd" / "tallywatch.service").read_text("utf-8")

CONFINED = """
import ctypes, os, sys
refused = ctypes.CDLL(None, use_errno=True).prctl(65, 1, 0, 0, 0)  # PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN
os.execvp(sys.argv[1], sys.argv[1:]) if not refused else sys.exit(3)
"""
"""Runs a command as `MemoryDenyWriteExecute=yes` does."""


def confinement() -> list[str]:
    """Return what to put before a command, so that its memory is as confined as the unit says."""
    if "MemoryDenyWriteExecute=yes" not in UNIT.splitlines():
        return []
    if ctypes.CDLL(None, use_errno=True).prctl(66, 0, 0, 0, 0) < 0:  # PR_GET_MDWE
        pytest.skip("this kernel cannot deny memory that is writable and executable")
    return [sys.executable, "-c", CONFINED]


def test_a_source_over_tls_is_crawled_as_the_unit_confines_it(tmp_path: Path, conninfo: str) -> None:
    """TLS needs memory that is written and executed: a unit that denies it leaves nothing but a MemoryError."""
    _, secret = certified(tmp_path)
    with serving(secret) as channel:
        publish(channel, *(post(day) for day in DAYS))
        config = tmp_path / "tallywatch.toml"
        source = f'[sources.telegram_general_staff]\nenabled = true\nbase_url = "{channel.url}"\n'
        config.write_text('[mail]\nto = ["desk@example.org"]\n' + source, "utf-8")
        given = environment(
            TALLYWATCH_HOME=tmp_path / "home",
            TALLYWATCH_CONFIG=config,
            TALLYWATCH_DATABASE_URL=conninfo,
            TALLYWATCH_NOW="2023-03-08T12:00",
        )
        done = subprocess.run(
            [*confinement(), "tallywatch", "crawl", "--json"],
            env=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert (done.returncode, json.loads(done.stdout)["new"]) == (0, 3), done.stderr
