"""The data set of Petro Ivaniuk, the one most people use."""

from __future__ import annotations

from datetime import time, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from spiders.base import Reader, Window
from spiders.records import RecordsSpider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FILES = {"equipment": "russia_losses_equipment.json", "personnel": "russia_losses_personnel.json"}


class PetroIvaniuk(RecordsSpider):
    """Two files, typed by hand, all days in each.

    Domain
        raw.githubusercontent.com
    Role
        mirror
    Caveats
        A file is asked for conditionally and read whole, because errors are corrected in rows months old. When a
        row was written is not told. The file of corrections is not read: it repeats what the publisher's own
        changes show.
    Documentation
        https://github.com/PetroIvaniuk/2022-Ukraine-Russia-War-Dataset
    """

    name = "petroivaniuk"
    title = "2022 Ukraine Russia War Dataset"
    publisher = "Petro Ivaniuk"
    language = "en"
    # Who speaks there
    claimant = "general_staff_ukraine"
    # Where it is
    home = "https://raw.githubusercontent.com"
    hosts = ("raw.githubusercontent.com",)
    start_paths = tuple(f"/PetroIvaniuk/2022-Ukraine-Russia-War-Dataset/main/data/{name}" for name in FILES.values())
    # RecordsSpider
    is_whole = True
    # When it is expected
    cadence = timedelta(hours=1)
    window = Window(opens=time(7), closes=time(18), grace=timedelta(hours=18))
    frozen_after = timedelta(days=14)
    unit_months = 0  # all days stand in the same file

    def reader(self, url: str) -> Reader | None:
        """Return the reader of the file that a URL is."""
        for prefix, path in zip(FILES, self.start_paths, strict=True):
            if self._is_at_home(url) and urlsplit(url).path == path:
                return partial(self.parse, prefix=f"{prefix}/")
        return None

    async def start(self) -> AsyncIterator[Any]:
        """Ask for both files; the keys of their rows begin with what they count."""
        for prefix, path in zip(FILES, self.start_paths, strict=True):
            yield self.get(path, self.parse, prefix=f"{prefix}/")
