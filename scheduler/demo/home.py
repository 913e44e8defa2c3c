"""The demo's own home directory: made anew at each run, and never mistaken for one that holds something."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from scheduler.exceptions import WrongUse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MARK = "this-is-a-demo"
"""A file that says that everything beside it may be removed."""

FILE = """\
# Written by `tallywatch demo`, so that other commands find their way in its home.
# The mirror that it polled is gone by now.
[mail]
from = "{sender}"
to = ["{reader}"]
"""


def remake(home: Path) -> None:
    """Empty the home of an earlier demo, or make a new one.

    Raises WrongUse for a directory that holds anything else, or that we may not remove.
    """
    try:
        if home.exists():
            _check_ours(home)
            shutil.rmtree(home)
        home.mkdir(parents=True)
        (home / MARK).write_text("Everything in this directory was made by `tallywatch demo` and may be removed.\n")
    except OSError as error:  # another user's, a full disk, a file where a directory should be
        raise WrongUse(f"{home} cannot be made anew: {error.strerror}; name another one with --home") from error


def _check_ours(home: Path) -> None:
    if not home.is_dir() or (any(home.iterdir()) and not (home / MARK).exists()):
        raise WrongUse(f"{home} is not the home of a demo: name another one with --home")


def write_config(home: Path, *, sender: str, reader: str, sources: Mapping[str, str]) -> None:
    """Leave a configuration behind: who got the mails, and where the sources were fetched from."""
    tables = [f'\n[sources.{name}]\nenabled = true\nbase_url = "{url}"\n' for name, url in sources.items()]
    (home / "tallywatch.toml").write_text(FILE.format(sender=sender, reader=reader) + "".join(tables), "utf-8")
