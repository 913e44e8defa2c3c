"""The text parts of the sample mails, as files to read. Renew them with `python -m tests.mails.snapshots`."""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

from pipelines.records import KYIV
from scheduler.mails.preview import sample
from scheduler.mails.samples import SAMPLES
from scheduler.mails.view import Language, Recipient

FOLDER = Path(__file__).parent / "snapshots"
LANGUAGES: tuple[Language, ...] = ("en", "uk")
SENDER = "tallywatch@example.org"
SENT = datetime(2023, 3, 7, 9, 15, tzinfo=KYIV)


def mail_of(kind: str, language: Language) -> EmailMessage:
    """Compose a sample."""
    recipient = Recipient(address="desk@example.org", language=language)
    return sample(kind, recipient, sender=SENDER, at=SENT, chart=b"\x89PNG a picture")


def part(mail: EmailMessage, kind: str) -> str:
    """Return the text or the HTML of a mail."""
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def written(kind: str, language: Language) -> str:
    """Return what a snapshot holds: the subject, and the text."""
    mail = mail_of(kind, language)
    return f"Subject: {mail['Subject']}\n\n{part(mail, 'plain')}"


if __name__ == "__main__":
    for a_kind in SAMPLES:
        for a_language in LANGUAGES:
            (FOLDER / f"{a_kind}.{a_language}.txt").write_text(written(a_kind, a_language), "utf-8")
