"""The page of a pack that a person reads first."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from scheduler.evidence.gather import Evidence, Row, moment
from scheduler.mails.catalog import catalog
from scheduler.mails.quoting import clean, excerpt, one_line, web_address
from scheduler.mails.render import environment
from scheduler.output import words

LINE = 400


def summary(evidence: Evidence, names: Sequence[str]) -> str:
    """Write the page. Whatever a publisher said is text in it: nothing runs, nothing is loaded."""
    row = evidence.incident
    english = catalog("en")
    likely = row["suggestion"] or {}
    subject = english.metric(row["metric"]) if row["metric"] else "The whole report"
    facts = [
        ("What", one_line(row["message"], LINE)),
        ("Kind", row["kind"]),
        ("Series", english.claimant(row["claimant"])),
        ("Metric", subject),
        ("Report day", words(row["as_of"])),
        ("Source", one_line(row["source"], LINE)),
        ("Stated", words(row["observed"])),
        ("Measured against", words(row["expected"])),
        ("Probably", " · ".join(str(likely[part]) for part in ("diagnosis", "value", "evidence") if likely.get(part))),
        ("Said of it", row["verdict"] or ""),
        ("State", f"{row['state']}, {row['severity']}"),
    ]
    return (
        environment()
        .get_template("evidence.html.j2")
        .render(
            title=f"Incident {row['id']}: {subject.lower()}, {words(row['as_of'])}",
            facts=[(name, value) for name, value in facts if value],
            until=_utc(evidence.until),
            quotes=[_quote(claim, row["source"]) for claim in evidence.claims],
            deletions=[_deletion(gone) for gone in evidence.deletions],
            troubles=[(_utc(t["at"]), t["cause"], one_line(t["detail"], LINE)) for t in evidence.troubles],
            figures=list(csv.DictReader(io.StringIO(evidence.figures_csv.decode()))),
            history=list(_history(row["history"])),
            responses=[_response(response) for response in evidence.responses],
            names=names,
        )
    )


def _quote(claim: Row, blamed: str) -> dict[str, Any]:
    marked = "total" if claim["total_start"] is not None else "daily"
    span = (claim[f"{marked}_start"], claim[f"{marked}_end"])
    return {
        "source": one_line(claim["source"], LINE),
        "metric": catalog("en").metric(claim["metric"]),
        "as_of": words(claim["as_of"]),
        "number": words(claim["total"]) + ("" if claim["daily"] is None else f" ({claim['daily']:+,})"),
        "words": excerpt(claim["text"], None if span[0] is None else span),
        "known_at": _utc(claim["known_at"]),
        "url": web_address(claim["url"]),
        "span": f"characters {span[0]} to {span[1]} of texts/{claim['version']}.txt",
        "blamed": claim["source"] == blamed,
    }


def _deletion(row: Row) -> str:
    name = one_line(row["document"], LINE)
    return f"{row['source']} deleted {name}: noticed {_utc(row['known_at'])}, last seen {_utc(row['last_there'])}"


def _history(steps: Iterable[Row]) -> Iterable[tuple[str, str, str, str]]:
    for step in steps:
        yield (
            f"{moment(step['at']):%Y-%m-%d %H:%M}",
            one_line(step["by"], LINE),
            step["what"],
            clean(step["note"] or ""),
        )


def _response(row: Row) -> tuple[str, str, int, str]:
    return _utc(row["fetched_at"]), one_line(row["url"], LINE), row["status"], bytes(row["sha256"]).hex()


def _utc(at: Any) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
