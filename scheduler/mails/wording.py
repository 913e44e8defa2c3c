"""What the checks say, for a reader: days and times as the mail writes them, metrics by their names.

Checks speak English for logs and scripts: ISO days, UTC, the keys of metrics. A person should meet none of these.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import cache

from pipelines.metrics import METRICS
from scheduler.mails.catalog import Catalog, catalog

WHEN = re.compile(
    r"\b(?P<day>\d{4}-\d\d-\d\d)(?:[ T](?P<time>\d\d:\d\d)(?::\d\d(?:\.\d+)?)?(?: ?(?:UTC|Z|\+00:00))?)?(?![\d:-])"
)


def readable(text: str, words: Catalog) -> str:
    """Return a check's sentence as a person reads it."""
    named = _metrics(words.language).sub(lambda found: _names(words.language)[found[0]], text)
    return WHEN.sub(lambda found: _moment(found, words), named)


def _moment(found: re.Match[str], words: Catalog) -> str:
    try:
        day = date.fromisoformat(found["day"])
        if found["time"] is None:
            return words.day(day)
        at = datetime.combine(day, datetime.strptime(found["time"], "%H:%M").time(), UTC)  # noqa: DTZ007 - of day
    except ValueError:
        return found[0]
    return words.text("format/kyiv", at=words.moment(at))


@cache
def _names(language: str) -> dict[str, str]:
    """Return what stands for a metric in a check's sentence, key or English name, with its name in a language."""
    names: dict[str, str] = {}
    for key, metric in METRICS.items():
        name = metric.names[catalog(language).language]
        names[metric.names["en"]] = name
        names[key] = name if name[1:2].isupper() else name[:1].lower() + name[1:]
    return names


@cache
def _metrics(language: str) -> re.Pattern[str]:
    longest_first = sorted(_names(language), key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first))})\b")
