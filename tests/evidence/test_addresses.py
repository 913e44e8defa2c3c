"""What a mail's quote says of its words: in which language they are, and where the kept copy is."""

from __future__ import annotations

from datetime import date
from typing import Any

from scheduler.gathering import quote
from scheduler.service import Service
from tests.ledger.conftest import Serve
from tests.ledger.reports import TELEGRAM, Post, keep


def claim_of(serve: Serve) -> dict[str, Any]:
    """Keep a report and return its first claim as a mail's writer gets it."""

    async def work(service: Service) -> list[dict[str, Any]]:
        await keep(service, Post(place=TELEGRAM, day=date(2023, 3, 7)))
        return await service.query("claims_with_words", claims=[1])

    claims: list[dict[str, Any]] = serve(work)
    return claims[0]


def test_a_quote_says_its_language_and_where_its_copy_is(serve: Serve) -> None:
    """The language is the one that the reader took it for; the copy's address ends in the hash of the content."""
    claim = claim_of(serve)
    shown = quote(claim, "total", "https://watch.example.org/")
    assert shown.language == "uk"
    assert shown.archived == f"https://watch.example.org/documents/{claim['version']}-{claim['sha256']}"


def test_a_quote_names_no_copy_that_nobody_can_reach(serve: Serve) -> None:
    """Without a public address of ours a mail has no link to a copy."""
    assert quote(claim_of(serve), "total", None).archived == ""
