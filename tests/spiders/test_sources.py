"""What every declared source owes: to people, to the runner and to the servers it asks."""

from __future__ import annotations

import inspect
import re
from datetime import timedelta
from typing import TYPE_CHECKING, get_args

import pytest

from spiders.items import Role
from spiders.sources import declared

if TYPE_CHECKING:
    from spiders.base import SourceSpider

SOURCES = sorted(declared().items())
TERMS = ["Domain", "Role", "Caveats", "Documentation"]


@pytest.mark.parametrize(("name", "source"), SOURCES)
def test_the_docstring_is_data(name: str, source: type[SourceSpider]) -> None:
    """The same terms in the same order, each with something to say; the role is the declared one."""
    text = inspect.cleandoc(source.__doc__ or "")
    found = dict(re.findall(r"^(\w+)\n((?:    .*\n?)+)", text, re.MULTILINE))
    assert list(found) == TERMS, name
    assert found["Role"].strip() == source.role


@pytest.mark.parametrize(("name", "source"), SOURCES)
def test_the_declaration_is_whole(name: str, source: type[SourceSpider]) -> None:
    """Everything that is read of a source is declared, and makes sense together."""
    assert source.name == name == name.lower()
    assert source.title
    assert source.publisher
    assert re.fullmatch(r"[a-z]{2}", source.language)
    assert source.role in get_args(Role)
    assert source.claimant is not None or source.role == "relay", "who speaks for itself or copies one says whom"
    assert timedelta(minutes=1) <= source.cadence <= timedelta(days=1)
    assert source(base_url=None).owns(source.home), "its home is one of its hosts"
    assert source.home.startswith("https://")
