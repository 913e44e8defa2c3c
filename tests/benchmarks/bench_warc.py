"""How fast an archive of web pages is scanned, against what it cannot do without.

Baselines in the same run, over the same file: FastWARC alone, which only goes from record to record (idle), and a loop
that reads each record and looks for the same pieces of words (plain). Then one and two Dask workers over the files,
into a ledger. The machine should be quiet. Medians of REPEATS.
"""

from __future__ import annotations

import gzip
import multiprocessing
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from distributed import Client, LocalCluster, wait
from fastwarc.warc import ArchiveIterator, WarcRecordType

from pipelines import embedded
from pipelines.database import connect
from pipelines.migrations import migrate
from pipelines.reading import traces
from pipelines.reading.traces import promising
from scheduler.crawling import Source
from scheduler.scanning import Order
from scheduler.scanning_farm import scan
from spiders.warc import Findings, pages
from tests.archive.files import ARTICLE, record

REPEATS = 3
FILES = 4
BYTES = 220_000_000  # unpacked, of all files
SELDOM = 5000  # one page in so many is about the tally
WORDS = {
    "en": "city street today sport culture work time person life hand place face eye door house side open case end",
    "es": "ciudad calle hoy deporte cultura trabajo tiempo persona vida mano lugar cara ojo puerta casa lado fin",
    "fr": "ville rue hier culture travail temps personne vie main lieu visage porte maison monde fin jour nuit",
    "ru": "город улица новости сегодня погода спорт культура работа время дело жизнь рука место лицо вопрос дом",
    "tr": "şehir sokak bugün spor kültür zaman hayat yer yüz kapı ev taraf dünya son gün gece haber hava",
}
REPORTS = (
    "Russia has lost 155,530 troops in Ukraine, the General Staff said, and 3,458 tanks.",
    "Загальні бойові втрати противника: особового складу близько 155530 (+700) осіб, танків 3458 (+8)",
    "Rusia ha perdido 155.530 militares y 3.458 tanques, según el Estado Mayor de Ucrania.",
    "Russland hat laut ukrainischem Generalstab 155.530 Soldaten und 3.458 Panzer verloren.",
    "Россия потеряла 155 530 солдат и 3458 танков, сообщил генштаб Украины.",
)
ENCODINGS: tuple[tuple[str, Callable[[str], bytes]], ...] = (
    ("utf-8", str.encode),
    ("windows-1251", lambda text: text.encode("windows-1251", "xmlcharrefreplace")),
    ("utf-8", lambda text: text.encode("ascii", "xmlcharrefreplace")),
)


def written(folder: Path) -> tuple[list[Path], int, int]:
    """Write the archive; return its files, how many pages it has, and how many are about the tally."""
    dice, size, number, about = random.Random(5), 0, 0, 0  # noqa: S311 - the same pages each time
    files = [folder / f"{index}.warc.gz" for index in range(FILES)]
    for file in files:
        until = size + BYTES // FILES
        with file.open("wb") as out:
            while size < until:
                number += 1
                relevant = number % SELDOM == SELDOM // 2
                made = _report(about) if relevant else _page(dice, number)
                about += relevant
                size += len(made)
                out.write(gzip.compress(made, 4))
    return files, number, about


def _page(dice: random.Random, number: int) -> bytes:
    words = dice.choice(list(WORDS.values())).split()
    rows = (f'<div class="c-item__wrap"><p>{" ".join(dice.choices(words, k=14))}</p></div>' for _ in range(40))
    return record(f"https://site{number % 97}.example/{number}", "\n".join(["<!doctype html><html>", *rows]).encode())


def _report(number: int) -> bytes:
    charset, encode = ENCODINGS[number % len(ENCODINGS)]
    published = "2023-03-08T07:35:00+00:00"
    page = ARTICLE.format(published=published, title=f"{number}", text=REPORTS[number % len(REPORTS)])
    head = f"Content-Type: text/html; charset={charset}"
    return record(f"https://www.ukrinform.net/rubric-ato/{number}-losses.html", encode(page), head=head)


def idle(file: Path) -> int:
    """Go from record to record."""
    return sum(1 for _ in _records(file))


def plain(file: Path) -> int:
    """Read each record, and look for the same pieces of words."""
    return sum(1 for found in _records(file) if promising(found.reader.read()))


def _records(file: Path) -> Iterator[Any]:
    return iter(ArchiveIterator(str(file), record_types=WarcRecordType.response, parse_http=False))


def scanned(file: Path) -> int:
    """Do it the way the command does, but for what is kept of the pages that come out."""
    return sum(1 for _ in pages(str(file), promising, Findings()))


def seconds(work: Callable[[Path], int], files: list[Path]) -> tuple[float, int]:
    """Return how long a piece of work takes over all files, and what it counts."""
    began = time.perf_counter()
    count = sum(work(file) for file in files)
    return time.perf_counter() - began, count


def farmed(files: list[Path], workers: int, conninfo: str) -> tuple[float, int]:
    """Return how long so many workers take with all files, ready and waiting; and how many pages they found."""
    order = Order(sources=(Source(name="ukrinform"),), alone=True)
    cluster: Any = LocalCluster
    with cluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as here:
        client: Any = Client(here)  # type: ignore[no-untyped-call]
        wait(client.map(_ready, range(workers * 4), pure=False))  # type: ignore[no-untyped-call]
        began = time.perf_counter()
        futures = [client.submit(scan, str(file), order, conninfo, pure=False) for file in files]
        done = client.gather(futures)
        taken = time.perf_counter() - began
        client.close()
    return taken, sum(scanned.promising for scanned in done)


def _ready(number: int) -> int:
    traces.finders()
    time.sleep(0.2)  # so that each worker gets one
    return number


def rss() -> float:
    """Return the most memory that this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        files, number, about = written(Path(name))
        packed = sum(file.stat().st_size for file in files)
        print(f"{number} pages, {BYTES / 1e6:.0f} MB, {packed / 1e6:.0f} MB packed, {about} about the tally")
        kinds = {"idle": idle, "plain": plain, "scan": scanned}
        scanned(files[0])
        before = rss()
        taken: dict[str, list[float]] = {kind: [] for kind in kinds}
        for _ in range(REPEATS):
            for kind, work in kinds.items():
                spent, count = seconds(work, files)
                taken[kind].append(spent)
                if kind == "scan" and count != about:
                    raise SystemExit(f"{count} pages found, {about} are there")
        median = {kind: statistics.median(values) for kind, values in taken.items()}
        for kind, spent in median.items():
            print(f"{kind:6} {spent:6.2f} s  {BYTES / spent / 1e6:6.0f} MB/s")
        print(f"scan against plain  {median['plain'] / median['scan']:.2f} of its speed (target 0.90)")
        print(f"scan against idle   {median['idle'] / median['scan']:.2f} of its speed")
        print(
            f"every relevant page found; memory {before:.0f} MB after one file, {rss():.0f} MB after {REPEATS} rounds"
        )
        with embedded.server(Path(name) / "home") as conninfo:
            with connect(conninfo) as plain_connection:
                migrate(plain_connection)
            one, two = ([farmed(files, workers, conninfo) for _ in range(REPEATS)] for workers in (1, 2))
    if {count for _, count in one + two} != {about}:
        raise SystemExit("the workers did not find every page")
    alone, together = (statistics.median(spent for spent, _ in runs) for runs in (one, two))
    print(f"one worker {alone:.2f} s, two {together:.2f} s: {alone / together:.2f} times as fast (target 1.5)")


if __name__ == "__main__":
    multiprocessing.freeze_support()
    main()
