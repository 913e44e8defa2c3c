"""Keeping documents: what a page brought, in a few statements however many documents it holds."""

from __future__ import annotations

import asyncio
import hashlib
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg.types.json import Jsonb

from pipelines.absences import settle
from pipelines.database import Connection, many, run
from pipelines.readings import keep_readings, read, storable
from pipelines.records import Reading
from spiders.items import Document, Exchange


@dataclass(frozen=True, kw_only=True, slots=True)
class Crawl:
    """What is the same for all documents of one crawl."""

    source: str
    claimant: str | None  # who speaks there, when it is always the same
    run: int
    at: datetime


Sort = Literal["new", "changed", "unchanged"]


async def keep_documents(conn: Connection, crawl: Crawl, items: Sequence[Document]) -> list[Sort]:
    """Keep documents with what is read from them; say what each was."""
    sorts: list[Sort] = []
    for part in _distinct(items):
        kept = await _keep(conn, crawl, part)
        sorts += [kept[item.key] for item in part]
    return sorts


def _distinct(items: Iterable[Document]) -> Iterator[list[Document]]:
    """Cut into runs without a key that comes twice: what a statement inserts it cannot meet."""
    part: dict[str, Document] = {}
    for item in items:
        if item.key in part:
            yield list(part.values())
            part = {}
        part[item.key] = item
    yield list(part.values())


async def _keep(conn: Connection, crawl: Crawl, items: Sequence[Document]) -> dict[str, Sort]:
    """Keep documents of different keys; say what each was."""
    ordered = sorted(items, key=lambda item: item.key)
    fields = {"keys": [i.key for i in ordered], "urls": [i.url for i in ordered], "seen": [seen(i) for i in ordered]}
    rows = {row["key"]: row for row in await many(conn, "keep_documents", source=crawl.source, **fields)}
    pairs = [(rows[item.key], item) for item in ordered]
    touched = {row["document"]: row["redate"] for row in await _touch(conn, pairs)}
    versions = await _keep_versions(conn, crawl, [pair for pair in pairs if pair[0]["id"] not in touched])
    moved = [row for row in rows.values() if row["id"] in versions or row["missed"] or touched.get(row["id"])]
    await _order_versions(conn, moved)
    return {
        key: "unchanged" if row["id"] not in versions else "new" if row["new"] else "changed"
        for key, row in rows.items()
    }


def seen(item: Document) -> datetime:
    """Return when a document was seen: an archive's copy, when it was captured."""
    return item.captured_at or item.exchange.fetched_at


def identity(item: Document) -> bytes:
    """Return what makes a content another version."""
    return hashlib.sha256(item.canonical).digest()


Pairs = Sequence[tuple[Mapping[str, Any], Document]]
"""Rows of documents, each with what was found of it."""


async def _touch(conn: Connection, pairs: Pairs) -> list[dict[str, Any]]:
    known = [(row, item) for row, item in pairs if not row["new"]]
    if not known:
        return []
    return await many(
        conn,
        "touch_versions",
        documents=[row["id"] for row, _ in known],
        sha256s=[identity(item) for _, item in known],
        seen=[seen(item) for _, item in known],
    )


async def _keep_versions(conn: Connection, crawl: Crawl, pairs: Pairs) -> set[int]:
    """Keep new contents and read them; return the ids of their documents, but where another process was quicker."""
    if not pairs:
        return set()
    items = [item for _, item in pairs]
    rows = await many(
        conn,
        "keep_versions",
        run=crawl.run,
        documents=[row["id"] for row, _ in pairs],
        sha256s=[identity(item) for item in items],
        contents=[zlib.compress(item.content) for item in items],
        content_types=[item.content_type for item in items],
        exchanges=await _keep_exchanges(conn, [item.exchange for item in items]),
        published=[item.published_at for item in items],
        edited=[item.edited for item in items],
        known=[min(item.known_at, seen(item)) for item in items],
        seen=[seen(item) for item in items],
    )
    versions = {row["document"]: row["id"] for row in rows}
    made = []
    for row, item in pairs:
        if row["id"] in versions:
            await asyncio.sleep(0)  # reading is work: the pages that come meanwhile are taken in
            made.append((versions[row["id"]], _read(item, crawl.claimant)))
    await keep_readings(conn, made, crawl.at)
    return set(versions)


def _read(item: Document, speaker: str | None) -> Reading:
    return read(
        item.content,
        content_type=item.content_type,
        url=item.url,
        published_at=item.published_at,
        speaker=speaker,
    )


async def _keep_exchanges(conn: Connection, exchanges: Sequence[Exchange]) -> list[bytes]:
    """Keep responses, of which one may have brought many documents; return the hash of each."""
    once = {id(exchange): exchange for exchange in exchanges}
    hashes = {key: hashlib.sha256(exchange.body).digest() for key, exchange in once.items()}
    for key in sorted(once, key=lambda key: hashes[key]):  # in one order: see the query keep_documents
        await keep_exchange(conn, once[key])
    return [hashes[id(exchange)] for exchange in exchanges]


async def keep_exchange(conn: Connection, exchange: Exchange) -> bytes:
    """Keep a response once; return its hash."""
    sha256 = hashlib.sha256(exchange.body).digest()
    await run(
        conn,
        "keep_exchange",
        sha256=sha256,
        url=storable(exchange.url),
        status=exchange.status,
        headers=Jsonb([[storable(name), storable(value)] for name, value in exchange.headers]),
        body=zlib.compress(exchange.body),
        fetched_at=exchange.fetched_at,
    )
    return sha256


async def _order_versions(conn: Connection, documents: Iterable[Mapping[str, Any]]) -> None:
    """Date the versions of documents anew and note what came back; whatever moved is judged again.

    The first content of a document was dated when it was kept.
    """
    rows = list(documents)
    known = [row["id"] for row in rows if not row["new"]]
    if known:
        await run(conn, "date_versions", documents=known)
        returned = await many(conn, "note_returns", documents=known)
        if returned:
            await run(conn, "unjudge", versions=[row["version"] for row in returned])
    missed = [row["id"] for row in rows if row["missed"]]
    if missed:
        await settle(conn, missed)
