"""The data set behind a public counter of losses."""

from __future__ import annotations

from datetime import time, timedelta

from spiders.base import Window
from spiders.records import RecordsSpider


class OrcLosses(RecordsSpider):
    """One file, all days in it, each with the address of the report that it was copied from.

    Domain
        raw.githubusercontent.com
    Role
        mirror
    Caveats
        The name of the branch is unconfirmed; a wrong one is an `http_error`. When a row was written is not told.
    Documentation
        https://github.com/lod-db/orc-losses
    """

    name = "orc_losses"
    title = "Orc losses"
    publisher = "lod-db"
    language = "en"
    # Who speaks there
    claimant = "general_staff_ukraine"
    # Where it is
    home = "https://raw.githubusercontent.com"
    hosts = ("raw.githubusercontent.com",)
    start_paths = ("/lod-db/orc-losses/main/russian-losses.json",)
    # RecordsSpider
    is_whole = True
    # When it is expected
    cadence = timedelta(hours=1)
    window = Window(opens=time(7), closes=time(18), grace=timedelta(hours=18))
    frozen_after = timedelta(days=14)
    unit_months = 0  # all days stand in the same file
