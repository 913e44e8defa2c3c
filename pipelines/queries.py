"""SQL by name.

A file of queries reads like this, beside the comments that stand before the first name:

-- name: keep_version
-- One sentence on what it does.
INSERT INTO … VALUES (%(sha256)s, …);
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from pipelines.exceptions import QueryFileMalformed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SQL = Path(__file__).parent / "sql"

NAME = re.compile(r"^-- name: *(.*?) *$", re.MULTILINE)
PLACEHOLDER = re.compile(r"%\([a-z_][a-z0-9_]*\)[sbt]|%%")


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """One statement; its parameters are named, as in %(day)s."""

    name: str
    doc: str  # what it does, one sentence
    sql: str  # without the final semicolon


def load(*paths: Path) -> Mapping[str, Query]:
    """Read files of queries: a name stands once in all of them."""
    queries: dict[str, Query] = {}
    for path in paths:
        for query in _read(path):
            if query.name in queries:
                raise QueryFileMalformed(f"{path.name} has a second query of the name {query.name!r}: rename one")
            queries[query.name] = query
    return MappingProxyType(queries)


def _read(path: Path) -> Iterator[Query]:
    head, *parts = NAME.split(path.read_text("utf-8"))
    if any(line and not line.startswith("--") for line in head.splitlines()):
        raise QueryFileMalformed(f"{path.name} has a statement before the first name: write `-- name: …` above it")
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        yield _query(f"{path.name}, query {name!r}", name, body)


def _query(place: str, name: str, body: str) -> Query:
    lines = body.strip().splitlines()
    comments = next((n for n, line in enumerate(lines) if not line.startswith("--")), len(lines))
    doc = " ".join(line.removeprefix("--").strip() for line in lines[:comments])
    sql = "\n".join(lines[comments:]).strip()
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise QueryFileMalformed(f"{place}: a name is made of a-z, 0-9 and _")
    if not doc:
        raise QueryFileMalformed(f"{place}: say below the name, in a comment, what it does")
    if not sql.endswith(";") or any(line.rstrip().endswith(";") for line in sql.splitlines()[:-1]):
        raise QueryFileMalformed(f"{place}: it must be one statement, ended by a semicolon")
    if "%" in PLACEHOLDER.sub("", sql):
        raise QueryFileMalformed(f"{place}: write a parameter as %(name)s and a percent sign as %%")
    return Query(name=name, doc=doc, sql=sql.removesuffix(";"))


QUERIES: Mapping[str, Query] = load(*sorted((SQL / "queries").glob("*.sql")))
