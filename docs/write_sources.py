"""Write what is made from the sources' own declarations: the table of the README and the pages of docs/sources.

With --check nothing is written, and the exit code says whether everything is up to date.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

from spiders import warc
from spiders.base import SourceSpider
from spiders.sources import declared
from spiders.wayback import FromArchive

ROOT = Path(__file__).parent.parent
BEGIN, END = "<!-- sources: written by `make docs` -->\n", "<!-- /sources -->"


def pages() -> dict[Path, str]:
    """Return every page that is made from declarations, by its path."""
    readme = (ROOT / "README.md").read_text("utf-8")
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    own = {ROOT / "docs" / "sources" / f"{name}.md": page(name, spider) for name, spider in declared().items()}
    own |= {ROOT / "docs" / "sources" / f"{name}.md": way_page(name, *way) for name, way in WAYS.items()}
    return {ROOT / "README.md": f"{before}{BEGIN}{table()}{END}{after}", **own}


def way_page(name: str, title: str, text: str) -> str:
    """Return the page of a way to fetch, which is no source: it has no cadence and is never polled."""
    return "\n".join([f"# `{name}`: {title}", "", *_lines(text)]).replace("\n\n\n", "\n\n") + "\n"


def _lines(text: str) -> list[str]:
    return [f"\n## {line}\n" if line in TERMS else line.strip() for line in inspect.cleandoc(text).splitlines()]


WAYS = {
    "wayback": ("the Wayback Machine, a way to fetch the past of any source", FromArchive.__doc__ or ""),
    "warc": ("archives of web pages, a way to fetch the past of any source", warc.__doc__ or ""),
}


def table() -> str:
    """Return the table of sources."""
    order = sorted(declared().items(), key=lambda item: (ROLES.index(item[1].role), item[0]))
    rows = (
        f"| [`{name}`](docs/sources/{name}.md) | {spider.title} | {spider.role} | {expected(spider)} |"
        for name, spider in order
    )
    return "\n".join(["| source | who | role | expected (Kyiv) |", "|---|---|---|---|", *rows]) + "\n"


ROLES = ("official", "relay", "mirror", "rival")


def expected(spider: type[SourceSpider]) -> str:
    """Say when a source is expected to report."""
    window = spider.window
    if window is None:
        return ""
    days = "" if window.every == 1 else f", every {window.every} days"
    return f"{window.opens:%H:%M}–{window.closes:%H:%M}{days}"


def page(name: str, spider: type[SourceSpider]) -> str:
    """Return the page of one source: its docstring, and what it declares."""
    lines = [f"# `{name}`: {spider.title}", ""]
    lines += _lines(spider.__doc__ or "")
    minutes = round(spider.cadence.total_seconds() / 60)
    lines += ["", "## Declared", "", f"- publisher: {spider.publisher}", f"- language: {spider.language}"]
    lines += [f"- fetched from: {spider.home}", f"- polled every {minutes} minutes"]
    if spider.window is not None:
        grace = round(spider.window.grace.total_seconds() / 60)
        lines.append(f"- expected {expected(spider)} Kyiv time, told as late {grace} minutes after")
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


TERMS = ("Domain", "Role", "Caveats", "Documentation")


def main() -> int:
    """Write the pages, or check them."""
    wanted = pages()
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]
    gone = [path for path in (ROOT / "docs" / "sources").glob("*.md") if path not in wanted]
    if "--check" in sys.argv:
        for path in stale + gone:
            print(f"{path.relative_to(ROOT)} is not up to date: run `make docs`")
        return bool(stale or gone)
    (ROOT / "docs" / "sources").mkdir(exist_ok=True)
    for path in stale:
        path.write_text(wanted[path], "utf-8")
    for path in gone:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
