"""Seen from outside: the log, errors and check-ins at Sentry, and a ping that is missed when it stays away."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import socket
import ssl
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from importlib.metadata import version
from typing import Any
from urllib.request import Request, urlopen

from pydantic import SecretStr

from scheduler.config import Config

logger = logging.getLogger(__name__)

PACKAGES = ("spiders", "pipelines", "scheduler")
TAGS = ("job", "source", "run", "document")
"""What a log line may be about: keys of its `extra`, tags of its event."""

_subject: ContextVar[dict[str, object]] = ContextVar("subject")
"""What the job in hand is about. All tasks of a job share it, so that a failure of one is told with what it added."""

_hidden: set[str] = set()
"""What is blotted out, in the log and in what leaves the house: a process has one log."""

UNREACHABLE = frozenset({errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTDOWN, errno.EHOSTUNREACH})

NETWORK_NOISE = ("scrapy.", "twisted", "aiosmtplib", "apscheduler", "uvicorn", "psycopg")
"""Loggers of what the network does to us: our own code says what of it matters, once."""

LONGEST = 1000
"""Characters of a string that leave the house: enough for a sentence, too little for a page."""

LONGEST_WAIT = 40_320
"""Minutes, four weeks: Sentry refuses a monitor that is to wait longer, with its check-in."""

HIDDEN = "[secret]"
PING_S = 10.0


class Discreet(logging.Formatter):
    """A log line with every secret blotted out: for people on a terminal, as one JSON object elsewhere."""

    def __init__(self, secrets: Collection[str], *, machine: bool) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self.secrets = secrets
        self.machine = machine

    def format(self, record: logging.LogRecord) -> str:
        """Write a line."""
        return blotted(self._json(record) if self.machine else super().format(record), self.secrets)

    def _json(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **subject_of(vars(record)),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


@contextmanager
def about(**subject: object) -> Iterator[None]:
    """Say what everything within the block is about."""
    token = _subject.set(subject)
    try:
        yield
    finally:
        _subject.reset(token)


def also_about(**subject: object) -> None:
    """Add to what the job in hand is about, if there is one."""
    _subject.get({}).update(subject)


def subject_of(own: Mapping[str, object]) -> dict[str, object]:
    """Return what a log line is about: by its own `extra`, else by the job in hand."""
    known = _subject.get({}) | {name: own[name] for name in TAGS if own.get(name) is not None}
    return {name: value for name in TAGS if (value := known.get(name)) is not None}


def log_to_stderr(config: Config) -> None:
    """Log everything of ours, and only warnings of the libraries."""
    handler = logging.StreamHandler(sys.stderr)
    hide(config)
    handler.setFormatter(Discreet(_hidden, machine=not sys.stderr.isatty()))
    logging.basicConfig(handlers=[handler])
    for package in PACKAGES:
        logging.getLogger(package).setLevel(logging.INFO)


def secrets_of(config: Config) -> set[str]:
    """Return every secret of the configuration, and the password inside of it."""
    whole = [value.get_secret_value() for value in dict(config).values() if isinstance(value, SecretStr)]
    inside = [part.rpartition("@")[0].rpartition(":")[2] for part in whole]
    ping_url = [config.watch.ping_url] if config.watch.ping_url else []
    return {part for part in (*whole, *inside, *ping_url) if len(part) >= 4}  # noqa: PLR2004 - shorter ones would blot out words


def hide(config: Config) -> None:
    """Blot out the secrets of a configuration from now on, beside those of the ones before it."""
    _hidden.update(secrets_of(config))


def blotted(text: str, secrets: Collection[str]) -> str:
    """Replace every secret in a text, the longest first: a password stands in its URL."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def start_sentry(config: Config) -> Outside:
    """Send errors to Sentry when a DSN is configured.

    No local variables and no request bodies: they would carry pages and connection strings. Nothing personal, which is
    the default of the library. What is sent is cut and blotted out once more on its way.
    """
    if config.sentry_dsn is None:
        return Outside(active=False)
    import sentry_sdk  # noqa: PLC0415 - most installations have no DSN

    hide(config)

    def before_send(event: Any, hint: Mapping[str, Any]) -> Any:
        return None if is_noise(event, hint) else scrubbed(tagged(event), _hidden)

    sentry_sdk.init(
        dsn=config.sentry_dsn.get_secret_value(),
        release=f"tallywatch@{version('tallywatch')}",
        environment=config.watch.environment,
        include_local_variables=False,
        max_request_body_size="never",
        auto_enabling_integrations=False,
        max_breadcrumbs=20,
        before_send=before_send,
    )
    return Outside(active=True)


def is_noise(event: Mapping[str, Any], hint: Mapping[str, Any]) -> bool:
    """Whether an event is what networks do: it is expected, and told where it matters. A full disk is not."""
    error = hint.get("exc_info", (None, None, None))[1]
    if isinstance(error, ConnectionError | TimeoutError | socket.gaierror | ssl.SSLError | asyncio.CancelledError):
        return True
    unreachable = isinstance(error, OSError) and error.errno in UNREACHABLE
    return unreachable or str(event.get("logger", "")).startswith(NETWORK_NOISE)


def tagged(event: Any) -> Any:
    """Make tags of what a log line is about."""
    extra = event.get("extra") or {}
    event.setdefault("tags", {}).update({name: str(value) for name, value in subject_of(extra).items()})
    for name in TAGS:
        extra.pop(name, None)
    return event


def scrubbed(value: Any, secrets: Collection[str]) -> Any:
    """Cut every string of an event, and blot out the secrets in it."""
    if isinstance(value, str):
        clean = blotted(value, secrets)
        return clean if len(clean) <= LONGEST else f"{clean[: LONGEST - 1]}…"
    if isinstance(value, Mapping):
        return {name: scrubbed(part, secrets) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [scrubbed(part, secrets) for part in value]
    return value


class Outside:
    """Check-ins of the jobs: who watches from outside learns that one failed, is late or never came."""

    def __init__(self, *, active: bool) -> None:
        self.active = active

    def began(self, job: str, every: timedelta, limit_s: float) -> str | None:
        """Say that a job begins; return its ticket, if anybody listens."""
        minutes = max(round(every.total_seconds() / 60), 1)
        monitor = {
            "schedule": {"type": "interval", "value": minutes, "unit": "minute"},
            "checkin_margin": min(max(minutes // 2, 5), LONGEST_WAIT),
            "max_runtime": min(max(round(limit_s / 60), 1), LONGEST_WAIT),
        }
        return self._check_in(job, "in_progress", monitor_config=monitor)

    def ended(self, job: str, ticket: str | None, seconds: float, *, ok: bool) -> None:
        """Say how a job ended."""
        if ticket is not None:
            self._check_in(job, "ok" if ok else "error", check_in_id=ticket, duration=seconds)

    def _check_in(self, job: str, status: Any, **fields: Any) -> str | None:
        if not self.active:
            return None
        from sentry_sdk.crons import capture_checkin  # noqa: PLC0415 - as above

        return capture_checkin(job.replace(" ", "-").replace("_", "-"), status=status, **fields)


async def ping(url: str, seconds: float = PING_S) -> None:
    """Ask for a URL, so that whoever listens there knows that we work. A failure is their alarm, and a line here."""
    try:
        async with asyncio.timeout(seconds):  # for the whole: the one below is for each address and each read
            await asyncio.to_thread(_get, url)
    except (OSError, HTTPException) as error:
        why = f"no answer within {seconds:g} s" if isinstance(error, TimeoutError) else error
        logger.warning("The ping of the dead man's switch failed: %s", why)


def _get(url: str) -> None:
    agent = {"User-Agent": f"tallywatch/{version('tallywatch')}"}
    with urlopen(Request(url, headers=agent), timeout=PING_S) as answer:  # noqa: S310 - the configuration accepts http and https only
        answer.read(1)
