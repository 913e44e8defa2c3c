"""Every kind of mail in a real browser: on a phone and on a desk, by day and by night."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from scheduler.mails.preview import FALLBACK, preview
from scheduler.mails.samples import SAMPLES
from scheduler.mails.view import Language, Recipient
from tests.mails.snapshots import LANGUAGES, SENDER, SENT

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SHOTS = Path(".tools/mails")
"""Where the pictures are, to be looked at."""

PROBE = """<script>addEventListener("load", () => {
  const frame = document.createElement("p");
  frame.id = "probe";
  frame.textContent = [document.documentElement.scrollWidth, innerWidth,
    [...document.images].every((image) => image.alt && image.naturalWidth > 0),
    getComputedStyle(document.body).backgroundColor].join("|");
  document.body.append(frame);
});</script>"""


def browse(page: Path, width: int, *, dark: bool, shot: Path) -> str:
    """Show a page in a frame of a width (a window cannot be as narrow as a phone), and return its HTML then."""
    given = [
        *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--allow-file-access-from-files"),
        *("--virtual-time-budget=3000", f"--user-data-dir={page.parent / 'profile'}"),
        *(["--force-dark-mode", "--blink-settings=preferredColorScheme=0"] if dark else []),
    ]
    url = page.as_uri()
    size = f"--window-size={max(width, 500)},2600"
    assert BROWSER
    pictured = framed(page, width)
    subprocess.run(
        [BROWSER, *given, size, f"--screenshot={shot}", pictured.as_uri()], check=True, capture_output=True, timeout=60
    )
    if width < 500:
        url = pictured.as_uri()
    done = subprocess.run(
        [BROWSER, *given, size, "--dump-dom", url], check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout


def framed(page: Path, width: int) -> Path:
    """Write a page that shows another one in a frame and copies its probe."""
    frame = page.with_suffix(f".{width}.frame.html")
    frame.write_text(
        f'<!DOCTYPE html><meta name="color-scheme" content="light dark"><body style="margin:0">'
        f'<iframe src="{page.as_uri()}" style="border:0;width:{width}px;height:2600px"></iframe><script>'
        'addEventListener("load", () => setTimeout(() => document.body.append('
        'frames[0].document.getElementById("probe").cloneNode(true)), 100));</script>'
    )
    return frame


@pytest.mark.proof
@pytest.mark.skipif(BROWSER is None, reason="no browser on this machine")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", [kind for kind in SAMPLES if kind != FALLBACK])
def test_nothing_overflows_and_every_picture_has_its_words(kind: str, language: Language, tmp_path: Path) -> None:
    """At 390 and 1200 pixels, light and dark; the dark one is dark."""
    reader = Recipient(address="desk@example.org", language=language)
    files = preview(kind, reader, sender=SENDER, at=SENT, folder=tmp_path)
    page = next(file for file in files if file.suffix == ".html")
    page.write_text(page.read_text("utf-8").replace("</head>", PROBE + "</head>"), "utf-8")
    SHOTS.mkdir(parents=True, exist_ok=True)
    for width in (390, 1200):
        for dark in (False, True):
            shot = SHOTS.absolute() / f"{kind}.{language}.{width}.{'dark' if dark else 'light'}.png"
            found = re.findall(r'<p id="probe">([^<]*)</p>', browse(page, width, dark=dark, shot=shot))
            assert found, (width, dark)
            needed, given, pictures, paper = found[-1].split("|")
            assert int(needed) <= int(given) == width
            assert pictures == "true"
            assert paper == ("rgb(20, 23, 27)" if dark else "rgb(255, 255, 255)")
