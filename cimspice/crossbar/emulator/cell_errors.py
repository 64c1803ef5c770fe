"""What programming leaves: cells off their targets, and cells that are stuck."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cimspice.arrays import checked_array, checked_number
from cimspice.crossbar.mapping.conductances import ConductanceRange
from cimspice.errors import ParameterError
from cimspice.rram.model.programming import SetResponse, Writable, WriteScheme, write_verify
from cimspice.rram.model.variability import RramVariability


@dataclass(frozen=True, eq=False)
class WriteErrors:
    """What write-verify leaves of a cell's targets, by the model of the cell.

    Attributes
    ----------
    targets
        S, ascending.
    errors
        (G - target) / target of each (targets, starts), from states that a cell may have been in.
    tolerance
        That the writing asked for; a cell beyond it was given up.
    """

    targets: np.ndarray
    errors: np.ndarray
    tolerance: float

    @classmethod
    def of(
        cls,
        cell: Writable,
        cells: ConductanceRange,
        scheme: WriteScheme,
        *,
        targets: int = 48,
        starts: int = 4,
        ambient: float = 27.0,
    ) -> WriteErrors:
        """Write-verify of the levels, or of so many targets over the range, each from states that are spread
        over all that there are."""
        if cells.levels is not None and cells.levels <= targets:
            wanted = np.linspace(cells.low, cells.high, cells.levels)
        else:
            wanted = np.geomspace(cells.low, cells.high, targets)
        before = (np.arange(starts) + np.random.default_rng(0).uniform(size=(len(wanted), starts))) / starts
        record = write_verify(
            cell,
            np.repeat(wanted[:, None], starts, axis=1),
            scheme,
            state=before,
            response=SetResponse.of(cell, scheme, ambient, points=33),
            ambient=ambient,
        )
        return cls(wanted, record.error, scheme.tolerance)

    def programmed(self, targets: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Conductances (S) that cells get: each with an error of one of the two nearest targets in ln G, the
        nearer the more often."""
        place = np.interp(np.log(targets), np.log(self.targets), np.arange(len(self.targets), dtype=float))
        row = np.floor(place + rng.uniform(size=targets.shape)).astype(int)
        start = rng.integers(self.errors.shape[1], size=targets.shape)
        return targets * (1 + self.errors[np.minimum(row, len(self.targets) - 1), start])


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
    written
        Instead of ``tolerance``, what write-verify leaves by the model of a cell.
    stuck_low, stuck_high
        Shares of cells that stay at the range's ends.
    """

    tolerance: float = 0.05
    variability: RramVariability | None = None
    written: WriteErrors | None = None
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
        if self.variability is not None and self.written is not None:
            raise ParameterError(
                "cells are verified, and they are not",
                place="CellErrors",
                remedy="give variability or written",
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
        if self.written is not None:
            reached = self.written.programmed(targets, rng)
        elif self.variability is None:
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
