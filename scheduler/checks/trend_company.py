"""Joint movement: what the other metrics of the same days say of each one.

The numbers of one report rise and fall together (tanks with armoured vehicles 0.55, artillery with vehicles
0.43), so the others' surprise is regressed out. It sharpens every test of a single metric, and a day on which
everything moves is told less easily than one on which a single metric does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scheduler.checks.trend_tests import Flags, Row

FADE = 0.5 ** (1 / 200)  # of what was learned, a day
RIDGE = 200.0  # days' worth of no connection, before one is believed
CLIP = 3.0  # standard deviations: one wild metric does not drag the others along


class Company:
    """The connection between metrics over sums of some days."""

    def __init__(self, metrics: int) -> None:
        self._moments = np.zeros((metrics, metrics))
        self._weights = np.zeros((metrics, metrics))

    def expects(self, surprise: Row) -> Row:
        """Give the surprise (in standard deviations) that the others' surprise makes likely."""
        expected: Row = self._weights @ surprise
        return expected

    def learn(self, surprise: Row, learned: Flags) -> None:
        """Take in one day."""
        surprise = np.where(learned, surprise, 0.0)
        self._moments *= FADE
        self._moments += np.outer(surprise, surprise)

    def settle(self) -> None:
        """Bring the regression in line with what was learned."""
        precision = np.linalg.inv(self._moments + RIDGE * np.eye(len(self._moments)))
        self._weights = -precision / np.diag(precision)[:, None]
        np.fill_diagonal(self._weights, 0.0)
