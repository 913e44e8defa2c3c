"""The channel's web preview, in the form of `t.me/s/CHANNEL`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from scheduler.demo.press import Press, Report
from scheduler.demo.wording import Chat, chatter, styles, template

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CHANNEL = "GeneralStaffZSU"
PAGE = 20  # posts on one page of the preview
FIRST_ID = 5101
SUNDAY = 6
ROTATION = ("text", "photo", "link", "video", "forward", "reply", "silent_photo")


@dataclass(frozen=True, kw_only=True, slots=True)
class Post:
    """One post, as it is laid out now."""

    number: int  # id in the channel
    moment: datetime  # UTC
    edited: bool
    form: str  # one of ROTATION, or "album"
    html: Markup

    @property
    def clock(self) -> str:
        """What is printed: the browser's zone, which for a crawler is that of the server."""
        return self.moment.strftime("%H:%M")


def posts(press: Press, now: datetime) -> list[Post]:
    """Give what the channel shows at this moment, oldest first.

    A number belongs to its post for good: nothing is ever published before something older.
    """
    reports = [(report.published_at, report) for report in press.reports("telegram", now)]
    chats = [(chat.moment, chat) for chat in chatter("telegram", now)]
    items: Iterable[tuple[datetime, Report | Chat]] = sorted([*reports, *chats], key=lambda item: item[0])
    return [_post(FIRST_ID + position, item) for position, (_, item) in enumerate(items)]


def page(everything: Sequence[Post], *, before: int | None, after: int | None, views: int) -> str:
    """Lay out one page; `views` is what the counters have grown by."""
    if after is not None:
        shown = [post for post in everything if post.number > after][:PAGE]
    else:
        shown = [post for post in everything if before is None or post.number < before][-PAGE:]
    older = bool(shown) and shown[0].number > everything[0].number
    newer = bool(shown) and shown[-1].number < everything[-1].number
    return template("telegram.html").render(
        channel=CHANNEL,
        posts=shown,
        older=shown[0].number if older else None,
        newer=shown[-1].number if newer else None,
        views=views,
    )


def _post(number: int, item: Report | Chat) -> Post:
    if isinstance(item, Report):
        return _report_post(number, item)
    form = ROTATION[item.number % len(ROTATION)] if item.form == "rotate" else item.form
    return Post(number=number, moment=item.moment.astimezone(UTC), edited=False, form=form, html=_lines(item.text))


def _report_post(number: int, report: Report) -> Post:
    style = styles()["telegram_ukrainian" if report.as_of.weekday() == SUNDAY else "telegram_bilingual"]
    text = "\n".join([style.sentence(style.heading, report), "", *style.body(report), "", style.closing])
    return Post(
        number=number,
        moment=report.published_at.astimezone(UTC),
        edited=report.edited_at is not None,
        form=("photo", "text", "album")[report.as_of.toordinal() % 3],
        html=_emoji("🔥") + _lines(text),
    )


def _lines(text: str) -> Markup:
    html = str(escape(text)).replace("\n", "<br/>")
    return Markup(html.replace("#втрати", '<a href="?q=%23%D0%B2%D1%82%D1%80%D0%B0%D1%82%D0%B8">#втрати</a>'))  # noqa: S704 - escaped above


def _emoji(sign: str) -> Markup:
    return Markup(
        '<i class="emoji" style="background-image:url(\'//telegram.org/img/emoji/40/F09F94A5.png\')"><b>{}</b></i>'
    ).format(sign)
