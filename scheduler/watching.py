"""Errors are seen by others: logs, and Sentry when it is configured."""

from __future__ import annotations

import logging
import sys
from importlib.metadata import version

from scheduler.config import Config


def log_to_stderr() -> None:
    """Log everything of ours, and only warnings of the libraries."""
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for package in ("spiders", "pipelines", "scheduler"):
        logging.getLogger(package).setLevel(logging.INFO)


def start_sentry(config: Config) -> bool:
    """Send errors to Sentry when a DSN is configured; say whether one is.

    No local variables and no request bodies: they would carry pages and connection strings.
    """
    if config.sentry_dsn is None:
        return False
    import sentry_sdk  # noqa: PLC0415 - most installations have no DSN

    sentry_sdk.init(
        dsn=config.sentry_dsn.get_secret_value(),
        release=f"tallywatch@{version('tallywatch')}",
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
    )
    return True
