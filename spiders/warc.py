"""Archives of web pages as files: WARC, gzipped or not, and WACZ; on disk, or streamed from a server.

Domain
    any: files, patterns and http(s) URLs are named on the command line
Role
    that of the source: who speaks, not how it was fetched
Caveats
    `tallywatch backfill --via warc [--dask tcp://SCHEDULER:8786] FILE…`. A page is rejected on its bytes before any
    HTML is parsed; what is left is read by the spider of the source that declares its host. A page of a host that
    nobody declares has no role and no claimant: it is told and not read, unless one source is named by `--source`.
    What was read is known since WARC-Date. Revisit records have no page of their own and are not read. Damage is told
    with its place, and the rest is read. Several files are read at once where the extra `dask` is installed; a
    worker elsewhere needs TALLYWATCH_DATABASE_URL and a way to the files. With the package `google-re2` the search
    for words is ten times as fast.
Documentation
    https://iipc.github.io/warc-specifications/
"""

from __future__ import annotations

import re
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any, Protocol, Self, cast
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from fastwarc.warc import ArchiveIterator, WarcRecord, WarcRecordType

from spiders.base import is_private
from spiders.settings import user_agent

LARGEST = 64 * 1024 * 1024  # bytes of one record; the largest real page has 2 MB
LARGEST_WACZ = 16 * 1024**3  # bytes of one from a server: its table of contents is at its end, so it is copied first
TIMEOUT_S = 60
RESUMES = 3  # of a download that breaks off
CHUNK = 1024 * 1024

_GZIP, _PLAIN = b"\x1f\x8b\x08", b"WARC/1."
_TYPE = b"\r\ncontent-type:"
TEXTS = (
    b"text/",
    b"application/json",
    b"application/xml",
    b"application/xhtml",
    b"application/rss",
    b"application/atom",
    b"application/ld+json",
)
LONGEST_TYPE = 60
_RECORD = (
    b"WARC/1.0\r\nWARC-Type: response\r\nContent-Type: application/http; msgtype=response\r\n"
    b"Content-Length: %d\r\n\r\n"
)


class BrokenOff(Exception):  # noqa: N818 -- it reads as what it is
    """The rest of a file did not come. Raised while it is read from a server."""


class Opener(Protocol):
    """A file of records that can be read from any byte on."""

    def __call__(self, offset: int) -> IO[bytes]:
        """Open it there. Raises OSError."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A page that may be worth reading."""

    url: str
    captured_at: datetime
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes  # decoded from its transfer and content encoding


@dataclass(kw_only=True, slots=True)
class Findings:
    """What there is to say of a file beside its pages."""

    responses: int = 0
    problems: list[str] | None = None

    def tell(self, problem: str) -> None:
        """Note a problem; the rest is read."""
        self.problems = [*(self.problems or []), problem]


def pages(location: str, promising: Callable[[bytes], bool], findings: Findings) -> Iterator[Page]:
    """Yield the pages of a file that are promising. What is damaged is told, and what follows it is read.

    Raises OSError for a file that cannot be opened.
    """
    with _parts(location) as parts:
        for name, opener in parts:
            yield from _pages(name, opener, promising, findings)


def _pages(name: str, opener: Opener, promising: Callable[[bytes], bool], findings: Findings) -> Iterator[Page]:
    """Yield the pages of one file of records, going on behind what is damaged."""
    offset, resumes = 0, 0
    while True:
        last = offset  # where the last response began that was found
        try:
            with opener(offset) as stream:
                for record in _responses(stream):
                    last = offset + record.stream_pos
                    yield from _promising(record, promising, partial(_tell_at, findings, name, last), findings)
            if not _is_whole(opener, last):
                findings.tell(f"{name}: cut off in or after the record at byte {last}")
            return
        except BrokenOff as error:
            resumes += 1
            if resumes > RESUMES:
                raise OSError(f"{name}: {error}") from error
            offset = last  # that record is read again: it is kept once
        except OSError as error:
            if (found := _next(opener, last + 1)) is None:
                findings.tell(f"{name}: damaged after byte {last} ({error}), up to its end")
                return
            if offset < last or not findings.problems:
                findings.tell(f"{name}: damaged after byte {last} ({error}); read on from byte {found}")
            offset = found


def _responses(stream: IO[bytes]) -> Iterator[Any]:
    return iter(ArchiveIterator(cast("Any", stream), record_types=WarcRecordType.response, parse_http=False))


def _tell_at(findings: Findings, name: str, place: int, problem: str) -> None:
    findings.tell(f"{name} at byte {place}: {problem}")


def _promising(
    record: Any, promising: Callable[[bytes], bool], tell: Callable[[str], None], findings: Findings
) -> tuple[Page, ...]:
    """Look at the bytes first. No generator, and nothing else of a record: nearly all are rejected here."""
    findings.responses += 1
    length = record.content_length
    if length > LARGEST:
        tell(f"{length} bytes are more than a page has; not read")
        return ()
    block = record.reader.read()
    if len(block) < length:
        tell("the record is cut off")
        return ()
    body = _body(block, tell)
    if body is None or not promising(body):
        return ()
    url = (record.headers.get("WARC-Target-URI") or "").strip("<>")
    moment = record.record_date
    if moment is None or not url:
        tell("a record without a time or a URL")
        return ()
    head = block[: block.find(b"\r\n\r\n")].decode("latin-1")
    lines = (line.partition(":") for line in head.split("\r\n")[1:])
    headers = tuple((name.strip(), value.strip()) for name, colon, value in lines if colon)
    return (Page(url=url, captured_at=moment, status=200, headers=headers, body=body),)


def _body(block: bytes, tell: Callable[[str], None]) -> bytes | None:
    """Return the body of a response that is a page of text; None for an error, a redirect, a picture."""
    end = block.find(b"\r\n\r\n")
    if end < 0 or block[9:12] != b"200":
        return None
    head = block[: end + 2].lower()
    named = head.find(_TYPE)  # a search for a pattern would cost more than all the rest
    if named >= 0 and not head[named + len(_TYPE) : named + len(_TYPE) + LONGEST_TYPE].lstrip().startswith(TEXTS):
        return None
    body = block[end + 4 :]
    return _decoded(block, body, tell) if b"-encoding:" in head else body


def _decoded(block: bytes, body: bytes, tell: Callable[[str], None]) -> bytes:
    """Undo the encodings that the head names; some writers of archives have undone them already and left the head."""
    record = WarcRecord.from_bytes(_RECORD % len(block) + block + b"\r\n\r\n")
    try:
        record.parse_http(auto_decode="all")
        decoded = record.reader.read(LARGEST + 1)
    except (OSError, ValueError):
        return body
    if len(decoded) > LARGEST:
        tell(f"more than {LARGEST} bytes after decompression; the rest of the page is not looked at")
    return decoded[:LARGEST]


def _is_whole(opener: Opener, offset: int) -> bool:
    """Whether a file ends where a member ends: FastWARC stops in silence where gzip was cut off."""
    unpacking = None
    try:
        with opener(offset) as stream:
            while data := stream.read(CHUNK):
                if unpacking is None and not data.startswith(_GZIP):
                    return True  # the length of a record is known, and looked at
                while data:
                    unpacking = zlib.decompressobj(31) if unpacking is None or unpacking.eof else unpacking
                    unpacking.decompress(data, CHUNK)
                    data = unpacking.unused_data if unpacking.eof else unpacking.unconsumed_tail
        while unpacking is not None and not unpacking.eof and unpacking.decompress(b"", CHUNK):
            pass
    except OSError:  # a server that sends no parts; it told how long the file is
        return True
    except zlib.error:
        return False
    return unpacking is None or unpacking.eof


def _next(opener: Opener, offset: int) -> int | None:
    """Return where the next record may begin, from a byte on."""
    with opener(0) as stream:
        magic = _GZIP if stream.read(3) == _GZIP else _PLAIN
    with opener(offset) as stream:
        before, at = b"", offset
        while data := stream.read(CHUNK):
            found = (before + data).find(magic)
            if found >= 0:
                return at - len(before) + found
            at += len(data)
            before = (before + data)[-len(magic) + 1 :]
    return None


@contextmanager
def _parts(location: str) -> Iterator[list[tuple[str, Opener]]]:
    """Give the files of records that a location holds: itself, or those inside a WACZ."""
    remote = location.startswith(("http://", "https://"))
    if not urlsplit(location).path.endswith(".wacz"):
        yield [(location, _remote(location) if remote else _local(location))]
        return
    with tempfile.TemporaryFile() as copy:
        if remote:
            _spool(location, copy)
        with zipfile.ZipFile(copy if remote else location) as packed:
            names = [name for name in packed.namelist() if re.search(r"\.warc(\.gz)?$", name)]
            yield [(f"{location}!{name}", _member(packed, name)) for name in names]


def _local(path: str) -> Opener:
    def opener(offset: int) -> IO[bytes]:
        file = Path(path).open("rb")  # noqa: SIM115 -- the caller closes it
        file.seek(offset)
        return file

    return opener


def _remote(url: str) -> Opener:
    def opener(offset: int) -> IO[bytes]:
        return cast("IO[bytes]", _Download(url, offset))

    return opener


def _member(packed: zipfile.ZipFile, name: str) -> Opener:
    def opener(offset: int) -> IO[bytes]:
        file = packed.open(name)
        file.seek(offset)
        return file

    return opener


def _spool(url: str, copy: IO[bytes]) -> None:
    with _Download(url, 0) as stream:
        while piece := stream.read(CHUNK):
            copy.write(piece)
            if copy.tell() > LARGEST_WACZ:
                raise OSError(f"{url}: larger than {LARGEST_WACZ} bytes")


class _PublicRedirects(HTTPRedirectHandler):
    """A public server leads nobody into our own network."""

    def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: str) -> Request | None:  # noqa: PLR0917 -- the stdlib's signature
        """Follow, or raise OSError."""
        if is_private(newurl) and not is_private(req.full_url):
            raise OSError(f"{req.full_url} leads to {newurl}, which is not a public address")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetch(url: str, offset: int = 0) -> Any:
    """Ask a server for a file from a byte on. Raises OSError."""
    headers = {"User-Agent": user_agent(None), "Accept-Encoding": "identity"} | (
        {"Range": f"bytes={offset}-"} if offset else {}
    )
    request = Request(url, headers=headers)  # noqa: S310 -- http and https only: see _parts
    answer = build_opener(_PublicRedirects).open(request, timeout=TIMEOUT_S)
    if offset and answer.status != 206:  # noqa: PLR2004 -- HTTP: partial content
        raise OSError(f"{url}: the server cannot send a part of it")
    return answer


class _Download:
    """A file on a server, read as it comes. FastWARC takes what it needs of a file: this one cannot be wound back."""

    def __init__(self, url: str, offset: int) -> None:
        self.answer = fetch(url, offset)
        length = self.answer.headers.get("Content-Length")
        self.length = int(length) if length else None
        self.at = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes. Raises BrokenOff."""
        try:
            data = cast("bytes", self.answer.read(size if size >= 0 else CHUNK))
        except (OSError, HTTPException) as error:
            raise BrokenOff(f"the download broke off: {error}") from error
        self.at += len(data)
        if self.length is not None and size != 0 and not data and self.at < self.length:
            raise BrokenOff(f"the download broke off {self.length - self.at} bytes before its end")
        return data

    def tell(self) -> int:
        """Return how much was read."""
        return self.at

    def close(self) -> None:
        """Close the connection."""
        self.answer.close()
