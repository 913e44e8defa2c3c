from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_pages_made_from_declarations_are_up_to_date() -> None:
    """The README's table and the pages of sources say what the spiders declare."""
    done = subprocess.run(
        [sys.executable, "docs/write_sources.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_readme_names_every_variable_of_the_configuration() -> None:
    """A variable that nobody can find is not configuration."""
    readme = (ROOT / "README.md").read_text("utf-8")
    for name in ("TALLYWATCH_DATABASE_URL", "TALLYWATCH_SMTP_URL", "SENTRY_DSN", "TALLYWATCH_HOME", "TALLYWATCH_NOW"):
        assert f"`{name}`" in readme
