from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from typing import Any

import pyarrow.parquet as pq
import pytest

from scheduler.exceptions import WrongUse
from scheduler.exporting import by_loss_day, encoded, renamed, wide
from scheduler.service import Service
from tests.ledger.conftest import Serve
from tests.ledger.reports import FIGURES, TELEGRAM, Post, keep

EVERYTHING: dict[str, Any] = dict.fromkeys(("from", "to", "metric", "claimant", "known_at"))
EDITED = Post(
    place=TELEGRAM,
    day=date(2023, 3, 7),
    changes=(("2465 (+9)", "2456 (+0)"),),
    edited=True,
    fetched_at=datetime(2023, 3, 9, 12, 0, tzinfo=UTC),
)


@pytest.fixture
def rows(serve: Serve) -> dict[str, list[dict[str, Any]]]:
    """Give what the export asks for, of a ledger with one revision."""

    async def work(service: Service) -> dict[str, list[dict[str, Any]]]:
        await keep(service, *[Post(place=TELEGRAM, day=day) for day in FIGURES], EDITED)
        await service.court.judge(tell=False)
        return {name: await service.query(name, **EVERYTHING) for name in ("figures", "first_figures", "revisions")}

    return serve(work)  # type: ignore[no-any-return]


def test_a_revision_can_be_applied_or_ignored(rows: dict[str, list[dict[str, Any]]]) -> None:
    """The revision says from what to what and since when; both values can be had."""
    (revision,) = rows["revisions"]
    assert (revision["metric"], revision["as_of"], revision["before"], revision["after"]) == (
        "artillery_systems",
        date(2023, 3, 7),
        2465,
        2456,
    )
    values = {
        name: next(
            row["total"] for row in rows[name] if (row["metric"], row["as_of"]) == ("artillery_systems", EDITED.day)
        )
        for name in ("figures", "first_figures")
    }
    assert values == {"figures": 2456, "first_figures": 2465}


def test_wide_under_a_mirrors_names(rows: dict[str, list[dict[str, Any]]]) -> None:
    """One row a day, the mirror's own columns, the right totals."""
    shown = wide(renamed(rows["figures"], "petroivaniuk"))
    read = list(csv.DictReader(io.StringIO(encoded(shown, "csv").decode())))
    assert len(read) == len(FIGURES)
    assert (read[2]["as_of"], read[2]["tank"], read[2]["field artillery"]) == ("2023-03-07", "3423", "2456")


def test_by_the_day_of_the_loss(rows: dict[str, list[dict[str, Any]]]) -> None:
    """A report counts the day before it."""
    assert {row["as_of"] for row in by_loss_day(rows["revisions"])} == {date(2023, 3, 6)}


def test_parquet_holds_the_same(rows: dict[str, list[dict[str, Any]]]) -> None:
    """What Parquet gives back is what was asked for."""
    table = pq.read_table(io.BytesIO(encoded(wide(rows["figures"]), "parquet")))
    assert table.to_pylist() == wide(rows["figures"])


def test_wrong_names_are_refused() -> None:
    """A naming or form that does not exist is told with those that do."""
    with pytest.raises(WrongUse, match="petroivaniuk"):
        renamed([], "nobody")
    with pytest.raises(WrongUse, match="parquet"):
        encoded([], "xls")
