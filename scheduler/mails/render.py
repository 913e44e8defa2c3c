"""The two templates of a mail."""

from __future__ import annotations

import re

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from scheduler.mails.page import Page
from scheduler.mails.plain import FILTERS


def environment() -> Environment:
    """Return the templates of the package: HTML escapes whatever it is given, a wrong name is an error."""
    templates = Environment(
        loader=PackageLoader("scheduler", "templates"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(FILTERS)
    return templates


def render_text(page: Page, templates: Environment) -> str:
    """Render the text part."""
    rendered = templates.get_template("mail.txt.j2").render(page=page)
    return re.sub(r"\n{3,}", "\n\n", rendered).strip() + "\n"


def render_html(page: Page, chart_cid: str, templates: Environment) -> str:
    """Render the HTML part; `chart_cid` is "" when there is no chart to show."""
    rendered = templates.get_template("mail.html.j2").render(page=page, chart_cid=chart_cid)
    return re.sub(r"\n{2,}", "\n", rendered).strip() + "\n"
