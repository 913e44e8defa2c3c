"""A pack of evidence: what a newsroom can cite, and anybody can check without us."""

from __future__ import annotations

import io
import json
import subprocess
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fastwarc.warc import ArchiveIterator, WarcRecordType

from pipelines.database import connection
from scheduler.evidence.gather import gather
from scheduler.evidence.pack import Files, files, zipped
from scheduler.exceptions import WrongUse
from scheduler.service import Service
from tests.commands.conftest import channel, config, publish, tallywatch
from tests.evidence.test_deletions import gone, there
from tests.evidence.test_deletions import keep as keep_items
from tests.ledger.conftest import Serve
from tests.ledger.reports import MINISTRY, NEWS, TELEGRAM, Post, keep
from tests.ledger.test_kills import post
from tests.spiders.site import Site

__all__ = ["channel", "config", "tallywatch"]

WRONG = (("154830", "154380"),)
HOSTILE = (("особового складу", "<script>alert(1)</script><img src=https://evil.example/x> особового складу"),)
DAYS = [date(2023, 3, day) for day in (5, 6, 7, 8)]


def packed(serve: Serve, *posts: Post, kind: str = "contradiction.", prepare: Any = None) -> tuple[Files, Files]:
    """Keep and judge posts; pack the first incident of a kind twice, with a poll that changes nothing between."""

    async def work(service: Service) -> tuple[Files, Files]:
        await keep(service, *posts)
        if prepare:
            await prepare(service)
        await service.judge()
        rows = await service.query("incidents", id=None, states=None, claimant=None, as_of=None)
        incident = next(row["id"] for row in rows if row["kind"].startswith(kind))
        packs = []
        for _ in range(2):
            async with connection(service.pool) as conn:
                packs.append(files(await gather(conn, incident)))
            await keep(service, *posts)
        return packs[0], packs[1]

    packs: tuple[Files, Files] = serve(work)
    return packs


@pytest.fixture
def pack(serve: Serve) -> Files:
    """Give the pack of a typo that other sources contradict."""
    reports = [Post(place=TELEGRAM, day=day) for day in DAYS[:2]]
    right = [Post(place=MINISTRY, day=DAYS[2]), Post(place=NEWS, day=DAYS[2])]
    return packed(serve, *reports, Post(place=TELEGRAM, day=DAYS[2], changes=WRONG + HOSTILE), *right)[0]


def test_the_archive_opens_and_its_digests_hold(pack: Files) -> None:
    """FastWARC reads each record, and every digest in it is that of what it holds."""
    kinds = []
    for record in ArchiveIterator(io.BytesIO(pack["responses.warc"]), parse_http=False, func_filter=None):
        kinds.append(record.record_type)
        record.freeze()
        assert record.verify_block_digest()
        if record.record_type == WarcRecordType.response:
            record.parse_http()
            assert record.http_headers.status_code == 200
            assert record.verify_payload_digest()
            assert int(record.http_headers["Content-Length"]) == len(record.reader.read())
    assert kinds[0] == WarcRecordType.warcinfo
    assert kinds.count(WarcRecordType.response) == 2  # two of the three sources sent the same bytes


def test_a_quote_is_the_text_at_its_span(pack: Files) -> None:
    """Each number of each quote stands in its text, which is in the pack, at the span that is given."""
    quotes = json.loads(pack["quotes.json"])
    assert any(quote["raised_it"] for quote in quotes)
    assert {quote["source"] for quote in quotes} == {TELEGRAM.name, MINISTRY.name, NEWS.name}
    for quote in quotes:
        text = pack[quote["text"]].decode()
        start, end = quote["total_span"]
        assert text[start:end].replace(" ", "") == str(quote["total"])
        assert quote["quote"] in text
        assert quote["content"] in pack


def test_a_quote_names_the_record_that_it_came_from(pack: Files) -> None:
    """The response of a quote is a record of the archive, with the hash of its body."""
    ids = {
        record.headers["WARC-Record-ID"]
        for record in ArchiveIterator(io.BytesIO(pack["responses.warc"]), parse_http=False)
    }
    for quote in json.loads(pack["quotes.json"]):
        assert quote["response"]["record"] in ids


def test_the_hashes_check_without_us(pack: Files, tmp_path: Path) -> None:
    """`sha256sum -c SHA256SUMS` accepts the unpacked files, and every one of them is listed."""
    with zipfile.ZipFile(io.BytesIO(zipped(pack))) as archive:
        archive.extractall(tmp_path)
    done = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(": OK") == len(pack) - 1


def test_the_sql_prints_the_figures(serve: Serve) -> None:
    """The statement of the pack, run against the ledger, gives figures.csv byte for byte."""

    async def work(service: Service) -> tuple[bytes, bytes]:
        await keep(service, *(Post(place=TELEGRAM, day=day) for day in DAYS[:2]))
        await keep(service, Post(place=TELEGRAM, day=DAYS[2], changes=WRONG), Post(place=MINISTRY, day=DAYS[2]))
        await service.judge()
        async with connection(service.pool) as conn:
            pack = files(await gather(conn, 1))
            zone, statement = pack["figures.sql"].decode().split(";\n", 1)
            await conn.execute(zone.encode())
            async with conn.cursor() as cursor, cursor.copy(statement.rstrip(";\n").encode()) as copy:
                return pack["figures.csv"], b"".join([bytes(piece) async for piece in copy])

    shipped, printed = serve(work)
    assert shipped == printed
    assert b"154380" in shipped


def test_the_same_state_is_the_same_pack(serve: Serve) -> None:
    """Made again after polls that changed nothing, a pack is the same to the last byte."""
    posts = [Post(place=TELEGRAM, day=day) for day in DAYS[:2]]
    one, two = packed(serve, *posts, Post(place=TELEGRAM, day=DAYS[2], changes=WRONG), Post(place=NEWS, day=DAYS[2]))
    assert zipped(one) == zipped(two)


def test_what_a_publisher_wrote_is_text_in_the_page(pack: Files) -> None:
    """A script in a post is shown, not run; the page loads nothing from anywhere."""
    page = pack["index.html"].decode()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert " src=" not in page.replace("&lt;img src=", "")
    assert "<link" not in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert not any(name.endswith((".html", ".htm", ".svg")) for name in pack if name != "index.html")


def test_a_deletion_comes_with_the_page_that_lacks_it(serve: Serve) -> None:
    """The pack of a deleted post has its words, and the response that shows its neighbours and not it."""

    async def delete(service: Service) -> None:
        await keep_items(service, there(0), gone(5), gone(10))

    pack, _ = packed(serve, kind="contradiction.revised", prepare=delete)
    [deletion] = json.loads(pack["deletions.json"])
    assert deletion["last_there"] == "2023-03-07T06:00:00+00:00"
    assert b"neighbours 10" in pack["responses.warc"]
    assert "last seen 2023-03-07 06:00 UTC" in pack["index.html"].decode()


def test_an_unknown_incident_is_one_sentence(serve: Serve) -> None:
    """There is no incident of every number."""

    async def work(service: Service) -> None:
        async with connection(service.pool) as conn:
            await gather(conn, 4711)

    with pytest.raises(WrongUse, match="there is no incident 4711"):
        serve(work)


def test_the_command_says_so_with_exit_2(tallywatch: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """Wrong use, on stderr, without a traceback and without a file."""
    done = tallywatch("evidence", "4711")
    assert (done.returncode, done.stderr) == (2, "tallywatch: there is no incident 4711\n")


@pytest.mark.proof  # a real daemon or command, for ten seconds
def test_the_command_writes_a_file(
    tallywatch: Callable[..., subprocess.CompletedProcess[str]], channel: Site, tmp_path: Path
) -> None:
    """One file, the same twice; with --json its name, its contents and the hash of its hashes."""
    right = [post(date(2023, 3, day)) for day in (6, 7)]
    publish(channel, *right, post(date(2023, 3, 8)).replace("155530", "153530"))
    tallywatch("crawl")
    done = tallywatch("evidence", "1", "--json", "-o", "one.zip")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["incident"], said["output"]) == (1, "one.zip")
    assert "responses.warc" in said["files"]
    tallywatch("evidence", "1", "-o", "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    assert tallywatch("evidence", "1", "-o", "folder").returncode == 0
    assert (tmp_path / "folder" / "index.html").is_file()
    assert tallywatch("evidence", "1", "-o", "folder").returncode == 2
