"""The General Staff's channel on Telegram."""

from __future__ import annotations

from datetime import time, timedelta

from spiders.base import Window
from spiders.telegram import TelegramChannel


class TelegramGeneralStaff(TelegramChannel):
    """The report where it appears first: one post each morning, the figures in its text.

    Domain
        t.me (the public preview of GeneralStaffZSU)
    Role
        official
    Caveats
        The preview shows the latest twenty posts; older ones are reached page by page. An edit keeps the time of
        publication and shows only the word "edited". A figure that stands in a picture alone is not read.
        The shape was taken from other channels' previews of 2026.
    Documentation
        https://core.telegram.org/widgets
    """

    name = "telegram_general_staff"
    title = "General Staff of Ukraine on Telegram"
    publisher = "General Staff of the Armed Forces of Ukraine"
    language = "uk"
    # Who speaks there
    role = "official"
    claimant = "general_staff_ukraine"
    # TelegramChannel
    channel = "GeneralStaffZSU"
    # When it is expected
    cadence = timedelta(minutes=5)
    window = Window(opens=time(6), closes=time(10), grace=timedelta(hours=2))
    frozen_after = timedelta(days=3)
