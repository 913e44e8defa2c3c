"""Pages in the shape of t.me/s/CHANNEL, written for these tests."""

from __future__ import annotations

PAGE = """<!DOCTYPE html><html><head><meta charset="utf-8">{prev}</head>
<body class="widget_frame_base tgme_webpreview"><main class="tgme_main">
<section class="tgme_channel_history js-message_history">
{more}{posts}</section></main></body></html>"""
MORE = (
    '<div class="tgme_widget_message_centered js-messages_more_wrap"><a href="/s/{channel}?before={before}"'
    ' class="tme_messages_more js-messages_more" data-before="{before}"></a></div>'
)
POST = """<div class="tgme_widget_message_wrap js-widget_message_wrap"><div
 class="tgme_widget_message text_not_supported_wrap js-widget_message" data-post="{channel}/{number}">
<div class="tgme_widget_message_bubble">{before}{text}{after}<div class="tgme_widget_message_footer">
<span class="tgme_widget_message_views">{views}</span><span class="tgme_widget_message_meta">{mark}<a
 class="tgme_widget_message_date" href="https://t.me/{channel}/{number}"><time
 datetime="{at}" class="time">08:05</time></a></span>
</div></div></div></div>"""
TEXT = '<div class="tgme_widget_message_text js-message_text" dir="auto">{}</div>'
CHANNEL = "GeneralStaffZSU"


def post(number: int, text: str, at: str, **parts: object) -> str:
    """Lay out one post; `parts` replace what stands around its text, `html` the element of the text itself."""
    html = parts.pop("html", TEXT.format(text))
    fields = {"before": "", "after": "", "views": "31.2K", "mark": "", "text": html, **parts}
    return POST.format(channel=CHANNEL, number=number, at=at, **fields)


def page(*posts: str, before: int | None = None) -> str:
    """Lay out a page; `before` is the id that its link to older posts names."""
    more = "" if before is None else MORE.format(channel=CHANNEL, before=before)
    prev = "" if before is None else f'<link rel="prev" href="/s/{CHANNEL}?before={before}">'
    return PAGE.format(posts="\n".join(posts), more=more, prev=prev)
