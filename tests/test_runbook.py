"""The runbook, held against the code: what can be mailed or logged stands in it, so that it cannot drift."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text("utf-8")
PACKAGES = ("spiders", "pipelines", "scheduler")
INVENTED = {"scheduler/mails/samples.py"}
"""Made up, to look at mails: of a kind that there is not, too."""

LEVELS = {"warning", "error", "exception", "critical"}
KIND = re.compile(r"(?:contradiction|coverage|milestone|operations|trend)\.[a-z_]+")
PLACEHOLDER = re.compile(r"%[-#0 +]*[\d.]*[a-z]")


def trees() -> Iterator[tuple[str, ast.AST]]:
    """Give the syntax of each module, under its path."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text("utf-8"))


def is_logged(node: ast.AST) -> bool:
    """Whether a call logs something that a person may have to act on."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS):
        return False
    return ast.unparse(node.func.value).rpartition(".")[2] == "logger"


def templates() -> dict[str, str]:
    """Return what is logged as a warning or worse, and where."""
    return {
        ast.literal_eval(node.args[0]): path
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and is_logged(node)
    }


def kinds() -> set[str]:
    """Return the kinds of incidents that the code names."""
    return {
        node.value
        for path, tree in trees()
        if path not in INVENTED
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and KIND.fullmatch(node.value)
    }


def rows(section: str) -> list[str]:
    """Return the first cells of a table of the runbook."""
    (words,) = [part for part in re.split(r"^## ", RUNBOOK, flags=re.MULTILINE) if part.startswith(section + "\n")]
    return re.findall(r"^\| (`[^|]*?) \|", words, re.MULTILINE)


def fixed(template: str) -> list[str]:
    """Return the words of a line that are always the same, up to those that the code takes from elsewhere."""
    parts = PLACEHOLDER.split(template.partition("\n")[0])
    return [part.strip(" :;,(") for part in parts if re.search("[A-Za-z]", part)]


LOGGED = templates()


@pytest.mark.parametrize("template", [template for template in LOGGED if fixed(template)])
def test_a_line_that_asks_for_somebody_is_explained(template: str) -> None:
    """Its words stand in the table of lines, in their order."""
    words = "`" + ".*".join(re.escape(part) for part in fixed(template))
    assert any(re.match(words, row) for row in rows("A line of the log")), LOGGED[template]


def test_only_the_bringing_back_of_a_server_logs_a_sentence_of_others() -> None:
    """What has no words of its own cannot be looked up by them: the runbook speaks of it in another way."""
    assert {path for template, path in LOGGED.items() if not fixed(template)} == {"scheduler/leader.py"}
    assert len(LOGGED) > 25


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_a_kind_that_is_mailed_is_explained(kind: str) -> None:
    """By its name, or by its family's."""
    known = [name for row in rows("A mail") for name in re.findall("`([^`]+)`", row)]
    assert any(fnmatch(kind, name) for name in known)
