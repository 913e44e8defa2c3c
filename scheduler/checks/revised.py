"""`contradiction.revised`: a value already published was changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scheduler.checks.case import Case
    from scheduler.checks.finding import Finding

KIND = "contradiction.revised"


def check(case: Case) -> Finding | None:
    """Tell of a changed value: news, and a warning where others have already repeated the old one."""
    old = case.earlier.total if case.earlier else None
    if old is None or old == case.total:
        return None
    repeated = [e.said.source for e in case.others if e.total == old]
    spread = f"; still said by {', '.join(sorted(repeated))}" if repeated else ""
    return case.finding(
        KIND,
        f"{case.said.source} changed {case.said.metric} of {case.said.as_of} from {old:,} to {case.total:,}{spread}",
        severity="warning" if repeated and case.said.role == "official" else "info",
        expected=old,
    )
