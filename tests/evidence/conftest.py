"""A service on an empty ledger, as the tests of the ledger have it."""

from __future__ import annotations

from tests.ledger.conftest import home, loop, run, serve

__all__ = ["home", "loop", "run", "serve"]
