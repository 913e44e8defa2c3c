"""Reports and other texts put into the words of an outlet."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import jinja2

from pipelines.records import KYIV
from scheduler.demo.press import DAY, FIRST_DAY, LAST_DAY, Report

if TYPE_CHECKING:
    from collections.abc import Mapping

CHATTER_FROM = FIRST_DAY - 5 * DAY  # the outlets existed before: the first crawl has something to page past


@dataclass(frozen=True, kw_only=True, slots=True)
class Style:
    """How one outlet words its report."""

    thousands: str  # between groups of three digits
    lines: Mapping[str, str]  # metric -> line with {total} and {daily}
    heading: str
    closing: str
    opening: str = ""
    lead: str = ""

    def line(self, report: Report, metric: str) -> str:
        """Print one cell."""
        cell = report.cells[metric]
        return self.lines[metric].format(total=self.number(cell.total), daily=self.signed(cell.daily))

    def body(self, report: Report) -> list[str]:
        """Print every cell, in the order of the outlet."""
        return [self.line(report, metric) for metric in self.lines]

    def sentence(self, template: str, report: Report) -> str:
        """Fill in the day and the personnel figures."""
        personnel = report.cells["personnel"]
        return template.format(
            day=report.as_of,
            personnel=self.number(personnel.total),
            personnel_daily=self.number(personnel.daily),
        )

    def number(self, value: int) -> str:
        """Print a number with the outlet's thousands."""
        return f"{value:,}".replace(",", self.thousands)

    def signed(self, value: int) -> str:
        """Print a change."""
        return f"{value:+,}".replace(",", self.thousands)


@dataclass(frozen=True, kw_only=True, slots=True)
class Chat:
    """Something that is no report: a post or an article."""

    moment: datetime
    number: int  # how many days the outlet has been going: rotates the texts
    title: str
    text: str
    form: str  # how it is laid out
    section: str


@cache
def styles() -> Mapping[str, Style]:
    """Read wording.toml."""
    return MappingProxyType({name: Style(**row) for name, row in _table("wording.toml").items()})


def chatter(outlet: str, now: datetime) -> list[Chat]:
    """Give what else the outlet has published by now, oldest first."""
    days = (CHATTER_FROM + number * DAY for number in range((LAST_DAY - CHATTER_FROM).days + 1))
    found = (_chat(row, day) for day in days for row in _table("chatter.toml")[outlet])
    return [chat for chat in found if chat.moment <= now]


def _chat(row: dict[str, Any], day: date) -> Chat:
    number = (day - CHATTER_FROM).days
    values = {"day": day, "a": 9 + number * 5 % 17, "b": 3 + number * 7 % 5, "c": 24 + number * 11 % 60}
    titles = row.get("titles", [""])
    moment = datetime.combine(day, time(row["hour"]), KYIV) + timedelta(minutes=number * 13 % 40)
    return Chat(
        moment=moment,
        number=number,
        title=titles[number % len(titles)].format(**values),
        text=row["texts"][number % len(row["texts"])].format(**values),
        form=row.get("form", "article"),
        section=row.get("section", ""),
    )


@cache
def _table(name: str) -> dict[str, Any]:
    return tomllib.loads((files("scheduler.demo") / name).read_text("utf-8"))


@cache
def template(name: str) -> jinja2.Template:
    """Load one page of the mirror."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("scheduler.demo"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)
