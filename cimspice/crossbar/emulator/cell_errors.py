"""What programming leaves: cells off their targets, and cells that are stuck."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cimspice.arrays import checked_array, checked_number
from cimspice.crossbar.mapping.conductances import ConductanceRange
from cimspice.errors import ParameterError
from cimspice.rram.model.variability import RramVariability


@dataclass(frozen=True, kw_only=True)
class CellErrors:
    """Errors of programmed cells.

    Attributes
    ----------
    tolerance
        A cell that was verified is uniformly within ± this share of its target.
    variability
        Spread of cells that were written without verifying: lognormal, the covariance between cycles and
        between devices together, its standard deviation interpolated over ln G from the low to the high
        state. None for verified cells.
    stuck_low, stuck_high
        Shares of cells that stay at the range's ends.
    """

    tolerance: float = 0.05
    variability: RramVariability | None = None
    stuck_low: float = 0.0
    stuck_high: float = 0.0

    def __post_init__(self) -> None:
        for name in ("tolerance", "stuck_low", "stuck_high"):
            checked_number(name, getattr(self, name), low=0, below=1, place="CellErrors")
        if self.stuck_low + self.stuck_high > 1:
            raise ParameterError(
                f"{self.stuck_low + self.stuck_high:g} of all cells are stuck",
                place="CellErrors",
                remedy="give shares that add up to at most 1",
            )
        if self.variability is not None and self.variability.quantities[:2] != (
            "low_conductance",
            "high_conductance",
        ):
            raise ParameterError(
                f"the variability is that of {', '.join(self.variability.quantities)}",
                place="variability",
                remedy="give one of low_conductance and high_conductance",
            )

    def programmed(
        self, targets: np.ndarray, cells: ConductanceRange, rng: np.random.Generator
    ) -> np.ndarray:
        """Conductances (S) that cells with ``targets`` (S, above 0, any shape) get."""
        targets = checked_array("targets", targets, (...,), low=np.finfo(float).tiny)
        if self.variability is None:
            reached = targets * (1 + self.tolerance * rng.uniform(-1, 1, targets.shape))
        else:
            reached = targets * np.exp(self._deviation(targets) * rng.normal(size=targets.shape))
        stuck = self.stuck(targets.shape, cells, rng)
        return np.where(np.isnan(stuck), reached, stuck)

    def stuck(self, shape: tuple[int, ...], cells: ConductanceRange, rng: np.random.Generator) -> np.ndarray:
        """Conductances (S) of the cells that are stuck, NaN of the others."""
        drawn = rng.uniform(size=shape)
        return np.select(
            [drawn < self.stuck_low, drawn > 1 - self.stuck_high], [cells.low, cells.high], np.nan
        )

    def _deviation(self, targets: np.ndarray) -> np.ndarray:
        law = self.variability
        assert law is not None
        both = np.asarray(law.device_covariance) + np.asarray(law.cycle_covariance)
        ends = np.asarray(law.log_median)[:2]
        return np.interp(np.log(targets), ends, np.sqrt(np.diag(both)[:2]))
