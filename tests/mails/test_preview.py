"""Sample mails as files."""

from __future__ import annotations

from pathlib import Path

import pytest

from scheduler.mails.preview import preview
from scheduler.mails.view import Recipient
from tests.mails.snapshots import SENDER, SENT

READER = Recipient(address="desk@example.org", language="uk")


def test_a_preview_opens_in_a_browser_with_its_picture(tmp_path: Path) -> None:
    """The page shows the file beside it, where the mail shows its own part."""
    files = preview("decrease", READER, sender=SENDER, at=SENT, folder=tmp_path / "new")
    assert sorted(file.name for file in files) == [f"decrease.uk.{kind}" for kind in ("eml", "html", "png", "txt")]
    page = (tmp_path / "new" / "decrease.uk.html").read_text("utf-8")
    assert 'src="decrease.uk.png"' in page
    assert "Особовий склад" in page


def test_a_mail_without_a_chart_has_no_picture(tmp_path: Path) -> None:
    """Nothing is drawn that there is no series for."""
    files = preview("missing", READER, sender=SENDER, at=SENT, folder=tmp_path)
    assert {file.suffix for file in files} == {".eml", ".html", ".txt"}


def test_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    """Before anything is written."""
    with pytest.raises(KeyError):
        preview("nonsense", READER, sender=SENDER, at=SENT, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []
