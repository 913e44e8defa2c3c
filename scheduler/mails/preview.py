"""Sample mails as files, to be looked at before anybody gets one."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from scheduler.charts import series_chart
from scheduler.mails.compose import compose
from scheduler.mails.samples import SAMPLES
from scheduler.mails.view import Recipient


def preview(kind: str, recipient: Recipient, *, sender: str, at: datetime, folder: Path) -> tuple[Path, ...]:
    """Write a sample of a kind (a key of SAMPLES) as mail, text, HTML page and picture; return the files.

    Raises KeyError for a kind that there is no sample of, and OSError when the folder cannot be written.
    """
    thread = SAMPLES[kind]()
    chart = series_chart(thread.series, recipient.language) if thread.series else None
    mail = compose(thread, recipient=recipient, sender=sender, at=at, chart=chart)
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
