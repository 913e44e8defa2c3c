"""Scrapy's own command line on this project, as any Scrapy user expects it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from spiders.sources import declared
from tests.spiders.telegram_pages import CHANNEL, page, post

if TYPE_CHECKING:
    from tests.spiders.site import Site

CHECKOUT = Path(__file__).parents[2]
REPORT = "<b>танків</b> ‒ 3441 (+18) од"


def scrapy(*arguments: str) -> str:
    """Run the command in the checkout, where scrapy.cfg is; return what it prints."""
    command = [sys.executable, "-m", "scrapy", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True, timeout=60).stdout


def test_list_names_every_source() -> None:
    """`scrapy list` shows what is declared."""
    assert scrapy("list").split() == sorted(declared())


def test_crawl_writes_what_it_found(site: Site, tmp_path: Path) -> None:
    """`scrapy crawl NAME -a since=… -a until=… -o FILE` writes documents that people and programs can read."""
    site.put(
        f"/s/{CHANNEL}",
        page(post(1, "учора", "2023-03-07T06:00:00+00:00"), post(2, REPORT, "2023-03-08T06:00:00+00:00")),
    )
    out = tmp_path / "out.jsonl"
    days = ["-a", "since=2023-03-08", "-a", "until=2023-03-08"]
    scrapy("crawl", "telegram_general_staff", *days, "-a", f"base_url={site.url}", "-o", str(out))
    [line] = out.read_text("utf-8").splitlines()
    found = json.loads(line)
    assert found["key"] == f"{CHANNEL}/2"
    assert found["published_at"] == "2023-03-08T06:00:00+00:00"
    assert REPORT in found["content"]
    assert found["exchange"]["status"] == 200
    assert len(found["exchange"]["sha256"]) == 64
    assert "body" not in found["exchange"]


def test_trouble_is_written_too(site: Site, tmp_path: Path) -> None:
    """A page that is gone is a line of the file, in any format."""
    out = tmp_path / "out.csv"
    scrapy("crawl", "telegram_general_staff", "-a", f"base_url={site.url}", "-o", str(out))
    assert "http_error" in out.read_text("utf-8")
