"""Who is told of what, and when: the readers of the configuration, as the outbox knows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, Literal, Protocol
from zoneinfo import ZoneInfo

from scheduler.checks.finding import Severity
from scheduler.mails.view import CHANNEL, Language
from scheduler.sections.mail import Mail
from scheduler.sections.rules import Rule

Row = Mapping[str, Any]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")
FAILURES = ("operations.*", "coverage.broken")
"""Kinds that are about the machinery and not about the numbers."""

REFUSED = "operations.mail_refused"
"""The kind that says that a reader cannot be reached."""


class Scope(Protocol):
    """Globs of what is meant."""

    @property
    def kinds(self) -> Sequence[str]:
        """As in contradiction.*."""

    @property
    def metrics(self) -> Sequence[str]:
        """As in personnel."""

    @property
    def sources(self) -> Sequence[str]:
        """As in mod_gov_ua*."""

    @property
    def claimants(self) -> Sequence[str]:
        """As in general_staff_ukraine."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """One who is told: an address, or a channel."""

    name: str  # as the outbox has it: desk@example.org, channel:newsroom
    gets: Literal["news", "failures", "all"]
    rule: Rule

    @property
    def language(self) -> Language:
        """In which they are told."""
        return self.rule.language

    @property
    def at_once(self) -> bool:
        """Whether they are told of each report by itself, and not in the digest only."""
        return self.rule.delivery == "immediate"

    def concerns(self, incident: Row) -> bool:
        """Whether an incident is theirs, whatever its severity. Nobody is told by a way that it says to be broken."""
        failure = any(fnmatchcase(incident["kind"], kind) for kind in FAILURES)
        meant = self.gets == "all" or (self.gets == "failures") == failure
        about_them = incident["kind"] == REFUSED and incident["source"] == self.name
        return meant and not about_them and in_scope(self.rule, incident, blank=True)

    def wants(self, incident: Row) -> bool:
        """Whether an incident is theirs and grave enough to be told by itself."""
        grave = SEVERITIES.index(incident["severity"]) >= SEVERITIES.index(self.rule.severity)
        return grave and self.concerns(incident)

    def quiet_until(self, now: datetime) -> datetime | None:
        """Return when the quiet hours end that it is in; None outside of them."""
        if self.rule.quiet_hours is None:
            return None
        begin, end = self.rule.quiet_hours
        zone = ZoneInfo(self.rule.zone)
        today = now.astimezone(zone).date()
        for day in (today - timedelta(days=1), today):
            last = day if begin < end else day + timedelta(days=1)
            starts = datetime.combine(day, begin, zone).astimezone(UTC)
            ends = datetime.combine(last, end, zone).astimezone(UTC)
            if starts <= now < ends:
                return ends
        return None


def in_scope(scope: Scope, incident: Row, *, blank: bool) -> bool:
    """Whether an incident is within some kinds, metrics, sources and claimants; none means any.

    `blank` says whether an incident of a whole report, which has no metric, is meant by one who names metrics.
    """
    return all(
        not patterns or (blank and not incident[name]) or any(fnmatchcase(incident[name], glob) for glob in patterns)
        for name, patterns in (
            ("kind", scope.kinds),
            ("metric", scope.metrics),
            ("source", scope.sources),
            ("claimant", scope.claimants),
        )
    )


def readers(mail: Mail) -> tuple[Reader, ...]:
    """Return everybody who is told: the desk gets the failures too where nobody is there for them."""
    on_duty = {operator.address for operator in mail.operators}
    desk = [
        Reader(name=to.address, gets="news" if on_duty and to.address not in on_duty else "all", rule=to)
        for to in mail.readers
    ]
    known = {reader.name for reader in desk}
    operators = [Reader(name=to.address, gets="failures", rule=to) for to in mail.operators if to.address not in known]
    channels = [Reader(name=CHANNEL + channel.name, gets=channel.gets, rule=channel) for channel in mail.channels]
    return (*desk, *operators, *channels)


def told(incident: Row, everybody: Sequence[Reader]) -> list[Reader]:
    """Return who wants an incident; the desk, when the operators who would are those who cannot be reached."""
    wanting = [reader for reader in everybody if reader.wants(incident)]
    if wanting or incident["kind"] != REFUSED:
        return wanting
    return [reader for reader in everybody if reader.gets == "news" and reader.name != incident["source"]]
