"""`milestone.*`: records and round numbers. News, not errors; never of a number that is in doubt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scheduler.checks.case import Case
    from scheduler.checks.finding import Finding

FEWEST = 56  # days with a change before the largest of them is called a record


@dataclass(slots=True)
class Milestones:
    """The largest change and the last round number of one series."""

    record: int = 0
    days: int = 0
    reached: int = 0  # the largest total

    def check(self, case: Case) -> Iterator[Finding]:
        """Take in a total that nothing speaks against, and say what is new about it."""
        change, total = case.change, case.total
        if change is not None:
            if change > self.record and self.days >= FEWEST:
                text = f"record: {case.said.metric} {change:+,} on {case.said.as_of}, {self.record:+,} until now"
                yield case.finding("milestone.record", text, severity="info", observed=change, expected=self.record)
            self.days += 1
            self.record = max(self.record, change)
        round_number = first_digit_alone(total)
        if change is not None and round_number > self.reached >= first_digit_alone(self.reached) > 0:
            text = f"{case.said.metric} passed {round_number:,} on {case.said.as_of}"
            yield case.finding("milestone.round", text, severity="info", expected=round_number)
        self.reached = max(self.reached, total)


def first_digit_alone(total: int) -> int:
    """Return the largest number of one digit and zeros that is not above a total of three digits or more; else 0."""
    digits = str(total)
    return int(digits[0]) * 10 ** (len(digits) - 1) if len(digits) > 2 else 0  # noqa: PLR2004 - 100 is the first
