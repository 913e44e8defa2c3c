"""One file for each source that is polled."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from scrapy.utils.misc import walk_modules_iter
from scrapy.utils.spider import iter_spider_classes

from spiders.base import SourceSpider

if TYPE_CHECKING:
    from collections.abc import Mapping


@cache
def declared() -> Mapping[str, type[SourceSpider]]:
    """Return every declared source by name."""
    return MappingProxyType(
        {
            spider.name: spider
            for module in walk_modules_iter(__name__)
            for spider in iter_spider_classes(module)
            if issubclass(spider, SourceSpider)
        }
    )
