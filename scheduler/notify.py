"""Words to the service manager: sd_notify(3) over the socket that systemd names in NOTIFY_SOCKET."""

from __future__ import annotations

import logging
import os
import socket
from time import CLOCK_MONOTONIC, clock_gettime_ns

logger = logging.getLogger(__name__)


def notify(**state: str) -> None:
    """Say something, as in `notify(READY="1", STATUS="leading")`; without a service manager nobody listens."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):  # an abstract socket
        address = "\0" + address[1:]
    words = "\n".join(f"{name}={value}" for name, value in state.items())
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as wire:
            wire.sendto(words.encode(), address)
    except OSError as error:
        logger.warning("The service manager cannot be told %s: %s", " ".join(state), error)


def reloading() -> None:
    """Say that the configuration is being read again; READY=1 ends that."""
    notify(RELOADING="1", MONOTONIC_USEC=str(clock_gettime_ns(CLOCK_MONOTONIC) // 1000))
