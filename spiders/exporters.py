"""Items as the files that `scrapy crawl NAME -o FILE` writes: for people, not the store."""

from __future__ import annotations

import base64
from dataclasses import fields
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from scrapy.exporters import (
    BaseItemExporter,
    CsvItemExporter,
    JsonItemExporter,
    JsonLinesItemExporter,
    XmlItemExporter,
)

from spiders.items import Exchange

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scrapy import Field


def plain(value: Any) -> Any:
    """Return what JSON can hold.

    Bytes are text where they are UTF-8, else base64 that says so. An exchange is its line of evidence: its body
    stands in the documents cut out of it, or is too long to be looked at.
    """
    match value:
        case bytes():
            return _text(value)
        case datetime():
            return value.isoformat()
        case Exchange():
            kept = {field.name: plain(getattr(value, field.name)) for field in fields(value) if field.name != "body"}
            return {**kept, "sha256": sha256(value.body).hexdigest(), "bytes": len(value.body)}
        case _:
            return value


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(value).decode()


class _Plain(BaseItemExporter):
    def serialize_field(self, field: Mapping[str, Any] | Field, name: str, value: Any) -> Any:
        return plain(super().serialize_field(field, name, value))


class JsonLines(_Plain, JsonLinesItemExporter):
    """One item a line."""


class Json(_Plain, JsonItemExporter):
    """One array."""


class Csv(_Plain, CsvItemExporter):
    """One item a row; give the fields with FEED_EXPORT_FIELDS when kinds of items are mixed."""


class Xml(_Plain, XmlItemExporter):
    """One element an item."""
