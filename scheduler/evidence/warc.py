"""Kept responses as a WARC file (ISO 28500, version 1.1), which public tools replay."""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from http.client import responses
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

FRAMING = frozenset({"content-length", "content-encoding", "transfer-encoding"})
"""Headers that speak of the body as it was sent: it is kept decoded, so they are kept under another name."""

CONFORMS_TO = "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"


def record_id(response: Mapping[str, Any]) -> str:
    """Return the identity of a response's record: the same in every pack."""
    name = f"{response['url']} {stamp(response['fetched_at'])} {bytes(response['sha256']).hex()}"
    return f"<urn:uuid:{uuid5(NAMESPACE_URL, name)}>"


def warc(kept: Iterable[Mapping[str, Any]], *, at: datetime, software: str) -> bytes:
    """Return a file with a record of itself and one for each response (rows of `evidence_exchanges`)."""
    fields = f"software: {software}\r\nformat: WARC File Format 1.1\r\nconformsTo: {CONFORMS_TO}\r\n".encode()
    info = {
        "WARC-Type": "warcinfo",
        "WARC-Record-ID": f"<urn:uuid:{uuid5(NAMESPACE_URL, f'{software} {stamp(at)}')}>",
        "WARC-Date": stamp(at),
        "Content-Type": "application/warc-fields",
    }
    return _record(info, fields) + b"".join(map(_response, kept))


def _response(response: Mapping[str, Any]) -> bytes:
    body = zlib.decompress(response["body"])
    headers = {
        "WARC-Type": "response",
        "WARC-Record-ID": record_id(response),
        "WARC-Date": stamp(response["fetched_at"]),
        "WARC-Target-URI": quote(response["url"], safe="%/:=&?~#+!$,;'@()*[]"),
        "WARC-Payload-Digest": digest(body),
        "Content-Type": "application/http;msgtype=response",
    }
    return _record(headers, _head(response, len(body)) + body)


def _head(response: Mapping[str, Any], length: int) -> bytes:
    """Return the status line and the headers as received, but for those that would contradict the body."""
    status = response["status"]
    reason = responses.get(status, "")
    lines = [f"HTTP/1.1 {status} {reason}"]
    for name, value in response["headers"]:
        kept = f"X-Archive-Orig-{name}" if name.lower() in FRAMING else name
        lines.append(f"{_one_line(kept)}: {_one_line(value)}")
    return "\r\n".join([*lines, f"Content-Length: {length}", "", ""]).encode()


def _record(headers: Mapping[str, str], block: bytes) -> bytes:
    whole = {**headers, "WARC-Block-Digest": digest(block), "Content-Length": str(len(block))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in whole.items())
    return b"WARC/1.1\r\n" + lines.encode() + b"\r\n" + block + b"\r\n\r\n"


def digest(content: bytes) -> str:
    """Return a labelled digest as WARC tools write it: base 32."""
    return "sha256:" + base64.b32encode(hashlib.sha256(content).digest()).decode()


def stamp(at: datetime) -> str:
    """Return a time as WARC has it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _one_line(text: str) -> str:
    """Return a header without what would begin another one."""
    return re.sub(r"[\x00-\x1f\x7f]", " ", text)
