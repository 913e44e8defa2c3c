"""What the commands that tests start find around them."""

from __future__ import annotations

import os
import socket


def environment(**own: object) -> dict[str, str]:
    """Return the environment of a command: ours, without any setting of the project but its `own`, named in full."""
    given = {name: value for name, value in os.environ.items() if not name.startswith(("TALLYWATCH_", "SENTRY_"))}
    return given | {name: str(value) for name, value in own.items()}


def free_port() -> int:
    """Return a port of loopback at which nobody listens now."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])
