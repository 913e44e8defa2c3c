"""Sample mails as files, to be looked at before anybody gets one."""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

from scheduler.charts import series_chart
from scheduler.mails.compose import compose, envelop, plain
from scheduler.mails.samples import SAMPLES
from scheduler.mails.view import Recipient, Thread

FALLBACK = "fallback"
"""The kind that no template makes."""


def sample(kind: str, recipient: Recipient, *, sender: str, at: datetime, chart: bytes | None = None) -> EmailMessage:
    """Compose the sample of a kind, with a chart that is drawn unless one is given. Raises KeyError."""
    told = SAMPLES[kind]()
    if kind == FALLBACK:
        return envelop(plain(told), told, recipient=recipient, sender=sender, at=at)
    series = told.series if isinstance(told, Thread) else None
    drawn = series_chart(series, recipient.language) if series and chart is None else chart
    return compose(told, recipient=recipient, sender=sender, at=at, chart=drawn)


def preview(kind: str, recipient: Recipient, *, sender: str, at: datetime, folder: Path) -> tuple[Path, ...]:
    """Write a sample of a kind (a key of SAMPLES) as mail, text, HTML page and picture; return the files.

    Raises KeyError for a kind that there is no sample of, and OSError when the folder cannot be written.
    """
    mail = sample(kind, recipient, sender=sender, at=at)
    name = f"{kind}.{recipient.language}"
    contents = {f"{name}.eml": mail.as_bytes()}
    for part in mail.walk():
        payload = part.get_payload(decode=True)
        match part.get_content_type(), payload:
            case "text/plain", bytes():
                contents[f"{name}.txt"] = payload.replace(b"\r\n", b"\n")
            case "text/html", bytes():
                contents[f"{name}.html"] = payload.replace(b"\r\n", b"\n")
            case "image/png", bytes():
                contents[f"{name}.png"] = payload
                html = contents[f"{name}.html"]
                address = f"cid:{part['Content-ID'].strip('<>')}".encode()
                contents[f"{name}.html"] = html.replace(address, f"{name}.png".encode())
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in contents.items():
        (folder / file).write_bytes(content)
    return tuple(folder / file for file in contents)
