"""Archives of web pages as files: what is read, what is damaged, and whose a page is."""

from __future__ import annotations

import gzip
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import brotli
import pytest

from pipelines.database import connection, opened
from pipelines.reading.traces import promising
from scheduler.crawling import Source
from scheduler.exceptions import WrongUse
from scheduler.scanning import Order, Scan, Scanned
from scheduler.scanning_farm import expanded
from spiders import warc
from spiders.sources import declared
from spiders.warc import Findings, Page, pages
from tests.archive.files import HTML, UKRINFORM, article, packed, put, record
from tests.spiders.site import Page as Answer
from tests.spiders.site import serving

if TYPE_CHECKING:
    from tests.reactor import Run
    from tests.spiders.site import Site

OTHER = b"<html><body><p>Stir the soup for ten minutes and season it.</p></body></html>"
ALL = tuple(Source(name=name) for name in declared())


def read(location: str) -> tuple[list[Page], Findings]:
    """Return the promising pages of a file, and what is told of it."""
    findings = Findings()
    return list(pages(location, promising, findings)), findings


def urls(location: str) -> list[str]:
    """Return their URLs."""
    return [page.url for page in read(location)[0]]


def test_pages_are_rejected_on_their_bytes(tmp_path: Path) -> None:
    """Only what can hold a tally comes out, with the time of its capture; redirects, errors and pictures do not."""
    error = record(UKRINFORM.format(3), article()).replace(b"HTTP/1.1 200 OK", b"HTTP/1.1 404 XX")
    picture = record(UKRINFORM.format(4), article(), head="Content-Type: image/png")
    file = put(
        tmp_path,
        "a.warc.gz",
        record("http://x.example/", OTHER),
        record(UKRINFORM.format(1), article()),
        error,
        picture,
    )
    [page], findings = read(file)
    assert (page.url, page.captured_at) == (UKRINFORM.format(1), datetime(2023, 3, 9, 6, tzinfo=UTC))
    assert page.body == article()
    assert (findings.responses, findings.problems) == (4, None)


def _chunked(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


@pytest.mark.parametrize(
    ("head", "encode"),
    [
        ("Content-Encoding: gzip", gzip.compress),
        ("Content-Encoding: br", brotli.compress),
        ("Transfer-Encoding: chunked", _chunked),
        ("Content-Encoding: gzip", bytes),  # undone by whoever wrote the archive, and its head left as it was
        ("Content-Encoding: identity", bytes),
    ],
)
def test_encoded_pages_are_decoded(tmp_path: Path, head: str, encode: Any) -> None:
    """As servers send them, and as archives keep them."""
    file = put(
        tmp_path, "a.warc.gz", record(UKRINFORM.format(1), encode(article()), head=f"Content-Type: {HTML}\r\n{head}")
    )
    [page], _ = read(file)
    assert page.body == article()


RECORDS = [record(UKRINFORM.format(number), article() + b"%d" % number * 50) for number in range(6)]
EVERY = [UKRINFORM.format(number) for number in range(6)]


@pytest.mark.parametrize("name", ["a.warc", "a.warc.gz"])
def test_plain_and_gzipped(tmp_path: Path, name: str) -> None:
    """Both are read."""
    assert urls(put(tmp_path, name, *RECORDS)) == EVERY


@pytest.mark.parametrize("spoil", ["magic", "middle", "checksum", "garbage"])
def test_behind_a_damaged_record_the_rest_is_read(tmp_path: Path, spoil: str) -> None:
    """What is lost is told with its place; everything else comes out, once."""
    members = [bytearray(gzip.compress(each)) for each in RECORDS]
    match spoil:
        case "magic":
            members[2][0:3] = b"abc"
        case "middle":
            members[2][60:80] = bytes(20)
        case "checksum":
            members[2][-6] ^= 1
        case "garbage":
            members[2] = bytearray(gzip.compress(b"no record\r\n\r\n"))
    path = tmp_path / "a.warc.gz"
    path.write_bytes(b"".join(members))
    found, findings = read(str(path))
    assert [page.url for page in found] == EVERY[:2] + EVERY[3:]
    assert findings.problems is not None
    assert len(findings.problems) == 1
    assert "damaged after byte" in findings.problems[0]


def test_a_file_that_is_cut_off_is_told(tmp_path: Path) -> None:
    """FastWARC ends there in silence."""
    path = tmp_path / "a.warc.gz"
    path.write_bytes(packed(*RECORDS)[:-40])
    found, findings = read(str(path))
    assert [page.url for page in found][:5] == EVERY[:5]
    assert findings.problems is not None
    assert "cut off" in findings.problems[0]


def test_a_wacz_is_the_files_in_it(tmp_path: Path) -> None:
    """Every WARC of the package is read."""
    path = tmp_path / "a.wacz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("datapackage.json", "{}")
        archive.writestr("archive/one.warc.gz", packed(*RECORDS[:3]))
        archive.writestr("archive/two.warc.gz", packed(*RECORDS[3:]))
    assert urls(str(path)) == EVERY


def test_by_url(site: Site) -> None:
    """Streamed from a server; a pattern is what the server's list of the folder has of it."""
    site.put("/w/a.warc.gz", packed(*RECORDS[:3]), headers={"Content-Type": "application/octet-stream"})
    site.put("/w/b.warc.gz", packed(*RECORDS[3:]), headers={"Content-Type": "application/octet-stream"})
    site.put("/w/", '<a href="../">up</a><a href="a.warc.gz">a</a> <a href="b.warc.gz">b</a><a href="c.txt">c</a>')
    found = expanded([f"{site.url}/w/*.warc.gz"])
    assert found == [f"{site.url}/w/a.warc.gz", f"{site.url}/w/b.warc.gz"]
    assert [url for location in found for url in urls(location)] == EVERY


def _serve_parts(site: Site, file: bytes, breaks: list[int]) -> None:
    """Answer with a file from the byte asked for on; each answer of `breaks` ends early, after so many bytes."""

    def answer(path: str) -> Answer:
        asked = site.headers[path].get("Range", "bytes=0-")
        rest = file[int(asked[6:-1]) :]
        sent = rest[: breaks.pop(0)] if breaks else rest
        short = {"Content-Length": str(len(rest))} if sent != rest else {}
        return Answer(body=sent, status=200 if asked == "bytes=0-" else 206, headers=short, announced=not short)

    site.find = answer


def test_a_download_that_breaks_off_goes_on_where_it_ended(site: Site) -> None:
    """From the last record on, which may come twice: it is kept once."""
    _serve_parts(site, packed(*RECORDS), [1000, 900])
    found, findings = read(f"{site.url}/a.warc.gz")
    assert sorted({page.url for page in found}) == EVERY
    assert findings.problems is None
    assert len(site.asked) >= 3


def test_a_download_that_always_breaks_off_has_failed(site: Site) -> None:
    """It is given up after a few times, and said so."""
    _serve_parts(site, packed(*RECORDS), [10] * 20)
    with pytest.raises(OSError, match="broke off"):
        read(f"{site.url}/a.warc.gz")
    assert len(site.asked) == 4


def test_patterns_and_what_they_miss(tmp_path: Path) -> None:
    """A pattern in quotes is expanded here; one that matches nothing is wrong use."""
    file = put(tmp_path, "a.warc.gz", *RECORDS)
    assert expanded([str(tmp_path / "*.warc.gz"), file]) == [file]
    with pytest.raises(WrongUse, match="no file matches"):
        expanded([str(tmp_path / "*.wacz")])


@pytest.fixture
def scanned(conninfo: str, run: Run[Any], tmp_path: Path) -> Any:
    """Read files into a ledger; return what came of each, and the rows of a query."""

    def scanned(*files: str, sql: str = "SELECT 1", **order: Any) -> tuple[list[Scanned], list[dict[str, Any]]]:
        async def main() -> tuple[list[Scanned], list[dict[str, Any]]]:
            async with opened(conninfo, tmp_path) as pool:
                wanted = Order(**{"sources": ALL, **order})
                done = [await Scan(wanted, pool).run(file) for file in files]
                async with connection(pool) as conn:
                    return done, await (await conn.execute(sql)).fetchall()

        return run(main())  # type: ignore[no-any-return]

    return scanned


CLAIMS = """SELECT d.source, d.key, c.metric, c.total, v.first_seen FROM claims c JOIN readings r ON r.id = c.reading
    JOIN versions v ON v.id = r.version JOIN documents d ON d.id = v.document ORDER BY d.key, c.metric"""


def test_a_page_is_its_hosts(scanned: Any, tmp_path: Path) -> None:
    """It is read by its source's own spider, known since its capture, and kept once however often it is read."""
    file = put(tmp_path, "a.warc.gz", record("http://ukrinform.net:80/rubric-ato/1-losses.html", article()))
    [first, again], rows = scanned(file, file, sql=CLAIMS)
    assert (first.counts["new"], again.counts["new"], again.counts["unchanged"]) == (1, 0, 1)
    assert [(row["source"], row["key"], row["metric"], row["total"]) for row in rows] == [
        ("ukrinform", UKRINFORM.format(1), "personnel", 155_530),
        ("ukrinform", UKRINFORM.format(1), "tanks", 3_458),
    ]
    assert rows[0]["first_seen"] == datetime(2023, 3, 9, 6, tzinfo=UTC)


def test_a_page_of_nobody_is_told_and_not_read(scanned: Any, tmp_path: Path) -> None:
    """A host that no source declares has no role and no claimant; with one source named it is that one's."""
    file = put(tmp_path, "a.warc.gz", record("https://news.example/1.html", article()))
    [done], _ = scanned(file)
    assert (dict(done.strangers), sum(done.counts.values())) == ({"news.example": 1}, 0)
    [done], rows = scanned(file, sources=(Source(name="ukrinform"),), alone=True, sql=CLAIMS)
    assert not done.strangers
    assert {(row["source"], row["key"]) for row in rows} == {("ukrinform", "https://news.example/1.html")}


def test_a_page_that_its_spider_cannot_use_is_a_problem(scanned: Any, tmp_path: Path) -> None:
    """A list of articles, a wall: recorded with its cause, and the next page is read."""
    wall = b"<html><body>Russia tank <input type=password></body></html>"
    file = put(tmp_path, "a.warc.gz", record(UKRINFORM.format(1), wall), record(UKRINFORM.format(2), article()))
    [done], rows = scanned(file, sql="SELECT cause, url FROM troubles")
    assert (done.counts["new"], done.counts["problem"]) == (1, 1)
    assert [(row["cause"], row["url"]) for row in rows] == [("login_wall", UKRINFORM.format(1))]


def test_a_file_that_cannot_be_read_is_told(scanned: Any, tmp_path: Path) -> None:
    """It has failed; nothing is raised, for others are waiting."""
    broken = tmp_path / "a.wacz"
    broken.write_bytes(b"no package")
    [done], _ = scanned(str(broken))
    assert done.failed
    assert "cannot be read" in done.problems[0]


def test_a_wacz_from_a_server_is_not_copied_beyond_its_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its copy ends at the limit: a server that never stops sending does not fill the disk."""
    monkeypatch.setattr(warc, "LARGEST_WACZ", 100_000)
    monkeypatch.setattr(warc, "CHUNK", 1000)
    with serving() as site, (tmp_path / "copy").open("wb") as copy:
        site.put("/a.wacz", b"x" * 500_000)
        with pytest.raises(OSError, match="larger than 100000 bytes"):
            warc._spool(f"{site.url}/a.wacz", copy)  # noqa: SLF001 - what opens it needs a whole one
        assert copy.tell() <= 101_000
