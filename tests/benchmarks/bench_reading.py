"""How fast the reader is on one core, and how much slower than the least that anybody could do.

Three loads, each beside its baseline in the same run:
  lists     official reports of a hundred days; baseline: fourteen plain compiled expressions over the same text
  articles  news already reduced to text; no baseline, its cost is in the words
  rejects   text without any tally; baseline: one search for any of the words that a tally cannot do without
Medians of several rounds. Every text of a round differs in its figures, so nothing but vocabulary is remembered.
"""

from __future__ import annotations

import random
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from pipelines.reading import read
from pipelines.reading.vocabulary import trigger
from tests.reading.rendering import HEADINGS, UKRAINIAN, number
from tests.reading.test_prose import SAID

ROUNDS = 7
POSTS = 400
FIRST = date(2023, 10, 1)

PLAIN = [
    re.compile(
        rf"{re.escape(label)}\s*[‒–—-]\s*(?:близько\s*)?(\d[\d\s,.]*)\s*(?:\(\s*([+-]?\d[\d\s]*)?[^)]*\))?",
        re.IGNORECASE,
    )
    for label in UKRAINIAN.values()
]  # what such a scraper is usually made of: one expression a category


def posts(rng: random.Random) -> list[str]:
    """Render reports with figures of their own."""
    found = []
    for at in range(POSTS):
        lines = [
            f"{label} ‒ {number(rng.randint(100, 999_999), rng.choice(('', ' ')))} (+{rng.randint(0, 1500)}) од,"
            for label in UKRAINIAN.values()
        ]
        found.append("\n".join([HEADINGS["uk"].format(d=FIRST + timedelta(days=at % 100)), *lines]))
    return found


def articles(rng: random.Random) -> list[str]:
    """Render articles: what is said of the day in eighteen languages, with figures of their own."""
    background = (
        "The front line has hardly moved, and talks about a pause in the fighting go on without a result. " * 8
    )
    return [
        re.sub(r"\b1[ .,]?140\b", str(rng.randint(300, 1900)), said) + "\n\n" + background
        for said in list(SAID.values()) * 6
    ]


def rejects(rng: random.Random) -> list[str]:
    """Render text that has digits and nothing of ours."""
    return [
        f"On Friday {rng.randint(10, 99)} mayors of {rng.randint(2, 9)} towns met about schools, roads and weather. "
        * 30
        for _ in range(300)
    ]


def seconds(texts: list[str], work: Callable[[str], object]) -> float:
    """Return the median time of a round over all texts."""
    rounds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for text in texts:
            work(text)
        rounds.append(time.perf_counter() - started)
    return statistics.median(rounds)


def plain(text: str) -> None:
    """Search for each category by itself."""
    for expression in PLAIN:
        expression.search(text)


def line(name: str, texts: list[str], took: float, baseline: float | None, aim: str) -> None:
    """Print one row."""
    size = sum(len(text.encode()) for text in texts) / 1e6
    ratio = f"{took / baseline:6.2f}x" if baseline else "      -"
    print(f"{name:9} {len(texts) / took:9.0f} texts/s {size / took:8.2f} MB/s {ratio} of the baseline   {aim}")


def importing() -> float:
    """Return the median time that a fresh interpreter needs to import the reader, in milliseconds."""
    code = "import time; t = time.perf_counter(); import pipelines.reading; print(time.perf_counter() - t)"
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(5)]
    return 1000 * statistics.median(float(run.stdout) for run in runs)


def main() -> None:
    """Measure and print."""
    rng = random.Random(7)  # noqa: S311 - the same figures in each run
    published = datetime(2024, 1, 10, 6, tzinfo=UTC)
    lists, news, nothing = posts(rng), articles(rng), rejects(rng)
    search = re.compile(trigger().pattern, re.IGNORECASE)
    for text in (lists[0], *news, nothing[0]):
        read(text, published_at=published)
    line(
        "lists",
        lists,
        seconds(lists, lambda t: read(t, published_at=published)),
        seconds(lists, plain),
        "aim: 2000 texts/s, 4x",
    )
    line("articles", news, seconds(news, lambda t: read(t, published_at=published)), None, "")
    line("rejects", nothing, seconds(nothing, read), seconds(nothing, search.search), "aim: 1.5x")
    digits = ["1234567890 " * 500_000]
    line("5 MB", digits, seconds(digits, read), seconds(digits, search.search), "of digits; aim: 1 text/s")
    print(f"import    {importing():9.0f} ms                                       aim: 150 ms")


if __name__ == "__main__":
    main()
