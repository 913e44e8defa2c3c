"""deploy/install.sh, run as the Dockerfile and a host run it: from a clean clone, into a folder of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_a_host_is_installed_and_upgraded_and_can_go_back(tmp_path: Path) -> None:
    """What was installed runs the whole demo; an upgrade keeps the release before it for a rollback."""
    source = tmp_path / "a checkout"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(source)], check=True)
    target = tmp_path / "opt" / "tallywatch"
    install = [str(source / "deploy" / "install.sh"), str(target)]

    subprocess.run(install, check=True)
    first = target.resolve()
    # Whoever runs it cannot write there, and would compile matplotlib again for each chart.
    compiled = "import matplotlib as m, scheduler as s, os; print(*map(os.path.exists, (m.__cached__, s.__cached__)))"
    python = [str(target / "bin" / "python"), "-B", "-c", compiled]
    assert subprocess.check_output(python, cwd=tmp_path, text=True) == "True True\n"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TALLYWATCH_")}
    demo = subprocess.run(
        [str(target / "bin" / "tallywatch"), "demo"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert demo.returncode == 0, demo.stderr

    subprocess.run(install, check=True)
    assert target.resolve() != first
    assert target.with_name("tallywatch.previous").resolve() == first
    subprocess.run([str(target / "bin" / "tallywatch"), "--help"], check=True, capture_output=True, env=environment)
    assert list(tmp_path.glob("opt/.tallywatch.*")) == [], "nothing is left of the work"


def test_a_wrong_call_says_how(tmp_path: Path) -> None:
    """Without a target nothing happens."""
    done = subprocess.run(
        [str(ROOT / "deploy" / "install.sh")], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "deploy/install.sh TARGET" in done.stderr
