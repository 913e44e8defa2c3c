"""Reports for the store, as a source would have published them: real figures of March 2023."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pipelines.store import Keeper, Place
from scheduler.service import Service
from spiders.items import Document, Exchange

KYIV = ZoneInfo("Europe/Kyiv")

FIGURES = {
    # as_of: personnel, tanks, artillery systems, vehicles and fuel tanks, each with its printed change
    date(2023, 3, 5): ((152190, 820), (3409, 4), (2433, 7), (5293, 4)),
    date(2023, 3, 6): ((153120, 930), (3414, 5), (2456, 23), (5305, 12)),
    date(2023, 3, 7): ((154830, 1710), (3423, 9), (2465, 9), (5317, 12)),
    date(2023, 3, 8): ((155530, 700), (3432, 9), (2475, 10), (5327, 10)),
    date(2023, 3, 9): ((156120, 590), (3441, 9), (2483, 8), (5331, 4)),
    date(2023, 3, 10): ((156990, 870), (3448, 7), (2491, 8), (5342, 11)),
}

FIRST, *_ = FIGURES
PAST = {
    # eight weeks of the same change every day
    FIRST - timedelta(days=back): tuple((total - back * 9, 9) for total, _ in FIGURES[FIRST])
    for back in range(56, 0, -1)
}

TELEGRAM = Place(
    name="telegram_general_staff", role="official", publisher="General Staff", claimant="general_staff_ukraine"
)
MINISTRY = Place(name="mod_gov_ua", role="official", publisher="Ministry", claimant="general_staff_ukraine")
NEWS = Place(name="ukrinform", role="relay", publisher="Ukrinform", claimant=None)


@dataclass(frozen=True, kw_only=True)
class Post:
    """One report of one source."""

    place: Place
    day: date
    changes: tuple[tuple[str, str], ...] = ()  # what is printed otherwise: (right, wrong)
    fetched_at: datetime | None = None
    edited: bool = False

    def document(self) -> Document:
        """Return it as a spider would."""
        text = words(self.day)
        for right, wrong in self.changes:
            assert right in text
            text = text.replace(right, wrong)
        published = datetime.combine(self.day, time(7, 30), KYIV).astimezone(UTC)
        url = f"https://example.org/{self.place.name}/{self.day}"
        body = text.encode()
        return Document(
            source=self.place.name,
            key=url,
            url=url,
            content=body,
            content_type="text/plain; charset=utf-8",
            canonical=body,
            published_at=published,
            edited=self.edited,
            exchange=Exchange(
                url=url,
                status=200,
                headers=(("Content-Type", "text/plain"),),
                body=body,
                fetched_at=self.fetched_at or published + timedelta(hours=1),
            ),
        )


def words(day: date) -> str:
    """Word a report as the General Staff does."""
    labels = (
        "особового складу ‒ близько {} ({:+}) осіб,",
        "танків ‒ {} ({:+}) од,",
        "артилерійських систем – {} ({:+}) од,",
        "автомобільної техніки та автоцистерн – {} ({:+}) од,",
    )
    lines = [label.format(total, daily) for label, (total, daily) in zip(labels, (PAST | FIGURES)[day], strict=True)]
    heading = f"Загальні бойові втрати противника з 24.02.22 по {day:%d.%m.%y} орієнтовно склали:"
    return "\n".join([heading, *lines])


async def keep(service: Service, *posts: Post) -> list[str]:
    """Keep posts as crawls of their sources would; return what each was."""
    kept = []
    for post in posts:
        keeper = await Keeper.begin(service.pool, post.place, service.clock)
        kept.append(await keeper.keep(post.document()))
        await keeper.finish("new", None, {})
    return kept
