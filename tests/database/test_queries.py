"""Queries by name: the file's form, and that PostgreSQL accepts every one of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pipelines import database, queries
from pipelines.exceptions import QueryFileMalformed

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """-- What a file says of itself.

-- name: first
-- What it does,
-- in one sentence.
SELECT 100 %% 7,
       ';' -- a comment; and a semicolon
WHERE %(day)s::date IS NULL;

-- name: second
-- The other.
SELECT 2;
"""


def test_a_file_is_read(tmp_path: Path) -> None:
    """Name, sentence and statement are taken apart."""
    (tmp_path / "q.sql").write_text(GOOD)
    read = queries.load(tmp_path / "q.sql")
    assert list(read) == ["first", "second"]
    assert read["first"].doc == "What it does, in one sentence."
    assert read["first"].sql.startswith("SELECT 100 %% 7")
    assert read["second"].sql == "SELECT 2"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SELECT 1;\n" + GOOD, "a statement before the first name"),
        (GOOD + "-- name: first\n-- Again.\nSELECT 3;", "a second query of the name 'first'"),
        ("-- name: No Good\n-- Says it.\nSELECT 1;", "a name is made of a-z, 0-9 and _"),
        ("-- name: x\nSELECT 1;", "say below the name"),
        ("-- name: x\n-- Says it.\n", "it must be one statement"),
        ("-- name: x\n-- Says it.\nSELECT 1", "it must be one statement"),
        ("-- name: x\n-- Says it.\nSELECT 1;\nSELECT 2;", "it must be one statement"),
        ("-- name: x\n-- Says it.\nSELECT %s;", r"write a parameter as %\(name\)s"),
        ("-- name: x\n-- Says it.\nSELECT 5 % 2;", "a percent sign as %%"),
    ],
)
def test_malformed_file_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """The file ships with the program: a mistake must stop the start, and say where it is."""
    (tmp_path / "q.sql").write_text(text)
    with pytest.raises(QueryFileMalformed, match=said):
        queries.load(tmp_path / "q.sql")


def test_postgresql_accepts_every_query(conninfo: str) -> None:
    """Tables, columns and the types of all parameters are known to it before any data is there."""
    refused = []
    with database.connect(conninfo) as connection:
        for name, query in queries.QUERIES.items():
            try:
                connection.execute(f"PREPARE {name} AS {numbered(query.sql)}")  # type: ignore[call-overload]
            except database.psycopg.Error as error:
                refused.append(f"{name}: {error}")
    assert refused == []


def numbered(sql: str) -> str:
    """Write %(name)s as $1 and so on, as psycopg does when it sends a query."""
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)[sbt]", sql)))
    return re.sub(r"%\((\w+)\)[sbt]", lambda match: f"${names.index(match[1]) + 1}", sql).replace("%%", "%")
