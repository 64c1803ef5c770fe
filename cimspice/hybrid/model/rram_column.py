"""A column of 1T1R cells read in pairs: which word lines are what, and the states of its cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cimspice.arrays import Array, checked_count, checked_number
from cimspice.errors import ParameterError
from cimspice.hybrid.model.column import require_threshold
from cimspice.rram.model.skywater import SkywaterReram

PRISTINE = -0.4
"""State of the other cell on a dummy cell's word line: never formed, it conducts nothing."""


@dataclass(frozen=True)
class RramColumn:
    """Word lines of a pair of columns: one for each weight, then dummy cells for either decision.

    A weight of 1 has a cell of low resistance in the positive column, −1 in the negative one; all others are
    of high resistance. ``dummies`` cells of half a unit each open in the negative column with the inputs, and
    in the positive one, in their place, for the second decision.
    """

    weights: int = 64
    dummies: int = 3
    low_state: float = 0.6
    high_state: float = 0.0
    """``low_state``, ``high_state``: of cells of low and of high resistance (0 most resistive, 1 least)."""

    def __post_init__(self) -> None:
        checked_count("weights", self.weights, place="RramColumn")
        require_threshold(self.dummies, "RramColumn.dummies")
        checked_number("high_state", self.high_state, low=0.0, high=1.0, place="RramColumn")
        checked_number("low_state", self.low_state, low=0.0, high=1.0, place="RramColumn")
        if not self.ratio > 4:
            raise ParameterError(
                f"cells of low resistance conduct {self.ratio:.3g} times what those of high resistance do",
                place="RramColumn.low_state, high_state",
                remedy="move the states apart, to a ratio above 4: sums of many rows hide a unit otherwise",
            )

    @property
    def rows(self) -> int:
        """Word lines."""
        return self.weights + 2 * self.dummies

    @property
    def threshold(self) -> float:
        """Of both decisions, plus and minus (units of the partial sum)."""
        return self.dummies / 2

    @property
    def ratio(self) -> float:
        """Of the conductances of both states."""
        low, high = (_conductance(state) for state in (self.low_state, self.high_state))
        return low / high

    @property
    def half_state(self) -> float:
        """In which a cell conducts half of what cells of both states differ by."""
        device = SkywaterReram.published()
        decay = (device.oxide_thickness - device.filament_reference) / device.span
        return float(self.low_state + decay * np.log(0.5 * (1 - 1 / self.ratio)))

    def states(self, cells: Array) -> Array:
        """States of both columns of pairs, (2 pairs, rows), for cell values −1, 0, 1 (pairs, weights)."""
        values = np.repeat(np.asarray(cells), 2, axis=0) * np.tile([[1], [-1]], (len(cells), 1))
        dummies = np.full((2, 2 * self.dummies), PRISTINE)
        dummies[0, self.dummies :] = dummies[1, : self.dummies] = self.half_state
        stored = np.where(values > 0, self.low_state, self.high_state)
        return np.concatenate([stored, np.tile(dummies, (len(cells), 1))], axis=1)

    def opened(self, inputs: Array) -> Array:
        """Which word lines are open in both decisions, (2, rows), for input bits (weights,)."""
        which = np.repeat(np.eye(2, dtype=int), self.dummies, axis=1)
        return np.concatenate([np.tile(inputs, (2, 1)), which], axis=1)


def _conductance(state: float) -> float:
    return float(SkywaterReram.published().slope(0.0, state))
