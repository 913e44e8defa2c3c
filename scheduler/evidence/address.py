"""Where the kept copy of a document is shown."""

from __future__ import annotations


def address(public_url: str | None, version: int, sha256: str) -> str:
    """Return the URL of a kept copy; "" when nothing of ours can be reached.

    The hash of the content stands in it: whoever was not given the address cannot ask for a copy by counting, and
    who was given it can see that the copy is the one that was meant.
    """
    return f"{public_url.rstrip('/')}/documents/{version}-{sha256}" if public_url else ""
