"""A pack: the files that let anybody check an incident without us and without a network."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any

from scheduler.evidence.gather import Evidence, Row, moment
from scheduler.evidence.summary import summary
from scheduler.evidence.warc import record_id, warc
from scheduler.output import plain

Files = dict[str, bytes]

SQL_HEAD = """\
-- Prints figures.csv, byte for byte, from the ledger that it came from:
--     psql -q -X -f figures.sql "$TALLYWATCH_DATABASE_URL" > again.csv && cmp figures.csv again.csv
SET TIME ZONE 'UTC';
"""


def files(evidence: Evidence) -> Files:
    """Return the files of a pack by name. The same state of an incident gives the same bytes."""
    packed: Files = {
        "incident.json": _json(incident(evidence.incident)),
        "quotes.json": _json([quote(claim, evidence) for claim in evidence.claims]),
        "deletions.json": _json([deletion(row, evidence) for row in evidence.deletions]),
        "troubles.json": _json([trouble(row, evidence) for row in evidence.troubles]),
        "figures.sql": f"{SQL_HEAD}{evidence.figures_sql};\n".encode(),
        "figures.csv": evidence.figures_csv,
        "responses.warc": warc(evidence.responses, at=evidence.until, software=f"tallywatch/{version('tallywatch')}"),
    }
    for claim in evidence.claims:
        packed[text_name(claim)] = claim["text"].encode()
        packed[content_name(claim)] = zlib.decompress(claim["content"])
    packed["index.html"] = summary(evidence, names=sorted(packed)).encode()
    packed["SHA256SUMS"] = "".join(sums(packed)).encode()
    return packed


def zipped(packed: Files) -> bytes:
    """Return the files as one, without the time and the place of its making."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in sorted(packed):
            entry = zipfile.ZipInfo(name)  # of 1 January 1980
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, packed[name])
    return made.getvalue()


def sums(packed: Mapping[str, bytes]) -> Iterator[str]:
    """Return the lines that `sha256sum -c` reads."""
    for name in sorted(packed):
        yield f"{hashlib.sha256(packed[name]).hexdigest()}  {name}\n"


def incident(row: Row) -> dict[str, Any]:
    """Return the incident with its history; times in UTC, whatever the server's zone."""
    names = (
        *("id", "kind", "claimant", "metric", "as_of", "episode", "state", "severity", "source", "message"),
        *("observed", "expected", "suggestion", "verdict", "known_at", "opened_at", "closed_at", "claims"),
    )
    history = [step | {"at": moment(step["at"])} for step in row["history"]]
    return {name: row[name] for name in names} | {"history": history}


def quote(claim: Row, evidence: Evidence) -> dict[str, Any]:
    """Return a claim with the words it was read from, and where these came from."""
    names = (
        *("id", "source", "claimant", "metric", "as_of", "total", "daily", "hedge", "note", "quote"),
        *(
            "document",
            "url",
            "published_at",
            "edited",
            "known_at",
            "first_seen",
            "extractor",
            "reader",
            "content_type",
        ),
    )
    spans = {
        f"{field}_span": None if claim[f"{field}_start"] is None else [claim[f"{field}_start"], claim[f"{field}_end"]]
        for field in ("total", "daily")
    }
    kept = {"text": text_name(claim), "content": content_name(claim), **_response(claim, evidence)}
    raised = claim["id"] in evidence.incident["claims"]
    return {name: claim[name] for name in names} | spans | kept | {"raised_it": raised}


def deletion(row: Row, evidence: Evidence) -> dict[str, Any]:
    """Return when a document was taken back, with the page that no longer shows it."""
    names = ("source", "document", "known_at", "last_there")
    return {name: row[name] for name in names} | _response(row, evidence)


def trouble(row: Row, evidence: Evidence) -> dict[str, Any]:
    """Return what a source did to us."""
    return {name: row[name] for name in ("source", "url", "cause", "detail", "at")} | _response(row, evidence)


def text_name(claim: Row) -> str:
    """Name the file of the text that a claim's spans index, in characters."""
    return f"texts/{claim['version']}.txt"


def content_name(claim: Row) -> str:
    """Name the file of what the publisher sent of the document: never one that a browser would run."""
    return f"contents/{claim['version']}.txt"


def _response(row: Row, evidence: Evidence) -> dict[str, Any]:
    """Name the record of the response in responses.warc, with the hash of its body."""
    found = next((one for one in evidence.responses if one["sha256"] == row["exchange"]), None)
    if found is None:
        return {"response": None}
    at = {"fetched_at": found["fetched_at"], "url": found["url"], "sha256": bytes(found["sha256"]).hex()}
    return {"response": {"record": record_id(found), **at}}


def _json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2, default=plain) + "\n").encode("utf-8", "replace")
