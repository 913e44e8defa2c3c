"""WARC files of our own making."""

from __future__ import annotations

import gzip
from pathlib import Path
from uuid import uuid4

HTML = "text/html; charset=utf-8"
ARTICLE = """<html><head><meta property="article:published_time" content="{published}"><title>{title}</title></head>
<body><article><h1>{title}</h1><p>{text}</p></article></body></html>"""
REPORT = (
    "Russia has lost 155,530 troops in Ukraine since February 24, 2022, the General Staff of the Armed Forces of"
    " Ukraine said. This number includes 700 casualties over the past day. Russia has also lost 3,458 tanks."
)


def article(title: str = "Russia's losses as of March 8", text: str = REPORT, day: str = "2023-03-08") -> bytes:
    """Lay out an article."""
    return ARTICLE.format(title=title, text=text, published=f"{day}T07:35:00+00:00").encode()


def record(url: str, body: bytes, *, at: str = "2023-03-09T06:00:00Z", head: str = f"Content-Type: {HTML}") -> bytes:
    """Return a response as a record."""
    block = f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + body
    lines = ["WARC/1.0", "WARC-Type: response", f"WARC-Target-URI: {url}", f"WARC-Date: {at}"]
    lines += [f"WARC-Record-ID: <urn:uuid:{uuid4()}>", "Content-Type: application/http; msgtype=response"]
    return "\r\n".join([*lines, f"Content-Length: {len(block)}", "", ""]).encode() + block + b"\r\n\r\n"


def packed(*records: bytes) -> bytes:
    """Return records as a .warc.gz: a member for each."""
    return b"".join(gzip.compress(each) for each in records)


def put(folder: Path, name: str, *records: bytes) -> str:
    """Write a file and return its path."""
    path = folder / name
    path.write_bytes(packed(*records) if name.endswith(".gz") else b"".join(records))
    return str(path)


UKRINFORM = "https://www.ukrinform.net/rubric-ato/{}-losses.html"
