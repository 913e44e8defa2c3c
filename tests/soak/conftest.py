from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the soak first: it takes as long as all other proofs together."""
    items.sort(key=lambda item: item.path.parent != HERE)
