"""Weights of both signs as differential pairs of conductances, and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cimspice.arrays import checked_array, checked_count, checked_number, kept_array, real_array
from cimspice.errors import MappingError


@dataclass(frozen=True)
class ConductanceRange:
    """Conductances that a cell can be programmed to.

    Attributes
    ----------
    low, high
        Smallest and largest (S), 0 < low < high.
    levels
        Equidistant values from ``low`` to ``high``, at least 2; None for a continuous range.

    Raises
    ------
    MappingError
        For a range that is empty, not positive or not finite, and for fewer than 2 levels.
    """

    low: float = 2e-6
    high: float = 80e-6
    levels: int | None = None

    def __post_init__(self) -> None:
        low, high = (
            checked_number(name, getattr(self, name), infinite=True, error=MappingError)
            for name in ("low", "high")
        )
        if not 0 < low < high < np.inf:
            raise MappingError(
                f"conductances from {low:g} to {high:g} S are no range",
                place="ConductanceRange",
                remedy="give siemens with 0 < low < high, such as 2e-6 and 80e-6",
            )
        if self.levels is not None:
            checked_count("levels", self.levels, low=2, error=MappingError)

    @property
    def span(self) -> float:
        """high - low (S)."""
        return self.high - self.low

    def nearest(self, conductances: np.ndarray) -> np.ndarray:
        """Each conductance (S) clipped into the range, and moved to the nearest level."""
        given = checked_array("conductances", conductances, (...,), infinite=True, error=MappingError)
        clipped = np.clip(given, self.low, self.high)
        if self.levels is None:
            return clipped
        step = self.span / (self.levels - 1)
        return self.low + step * np.round((clipped - self.low) / step)


@dataclass(frozen=True, eq=False)
class MappedWeights:
    """A weight matrix as conductances.

    Attributes
    ----------
    conductances
        (inputs, 2 outputs), S. Columns 2 k and 2 k + 1 are G⁺ and G⁻ of output k: neighbours, so that both
        lie at nearly the same wires.
    unit
        Weight per siemens of G⁺ - G⁻: one number, or one for each output.
    """

    conductances: np.ndarray
    unit: float | np.ndarray

    def __post_init__(self) -> None:
        kept = kept_array("conductances", self.conductances, ("inputs", "columns"), low=0, error=MappingError)
        if kept.shape[1] % 2 or not kept.size:
            raise MappingError(
                f"conductances have shape {kept.shape}",
                place="MappedWeights",
                remedy="give (inputs, 2 outputs), G⁺ and G⁻ of each output, not empty",
            )
        object.__setattr__(self, "conductances", kept)
        if np.ndim(self.unit):
            least = np.finfo(float).tiny
            unit = kept_array("unit", self.unit, (kept.shape[1] // 2,), low=least, error=MappingError)
            object.__setattr__(self, "unit", unit)
        else:
            checked_number("unit", self.unit, above=0, place="MappedWeights", error=MappingError)

    @property
    def weights(self) -> np.ndarray:
        """Realised weights (outputs, inputs)."""
        return (self.unit * difference(self.conductances)).T


def map_weights(
    weights: np.ndarray, cells: ConductanceRange, full_scale: float | np.ndarray | None = None
) -> MappedWeights:
    """Conductances of weights (outputs, inputs) as differential pairs.

    A weight of zero is two cells at ``cells.low``; of every pair, one cell is.

    Parameters
    ----------
    weights
        As trained.
    cells
        What a cell can conduct.
    full_scale
        The magnitude that takes the whole range, above 0: one, or one for each output. Larger weights are
        limited to it. By default the largest of all.

    Raises
    ------
    MappingError
        For weights that are not a matrix of finite numbers, and for those that are all zero.
    """
    w = np.asarray(real_array("weights", weights, MappingError), dtype=float)
    if w.ndim != 2 or w.size == 0:
        raise MappingError(
            f"weights have shape {w.shape}", place="weights", remedy="give a matrix (outputs, inputs)"
        )
    if not np.isfinite(w).all():
        output, number = np.argwhere(~np.isfinite(w))[0]
        raise MappingError(
            f"the weight from input {number} to output {output} is {w[output, number]}",
            place="weights",
            remedy="give finite weights: did the training diverge?",
        )
    largest = float(np.abs(w).max()) if full_scale is None else full_scale
    if full_scale is None and largest == 0:
        raise MappingError("all weights are zero", place="weights", remedy="give at least one other")
    share = w.T / largest
    conductances = np.empty((w.shape[1], 2 * w.shape[0]))
    conductances[:, 0::2] = cells.low + cells.span * np.maximum(share, 0.0)
    conductances[:, 1::2] = cells.low + cells.span * np.maximum(-share, 0.0)
    return MappedWeights(cells.nearest(conductances), largest / cells.span)


def difference(columns: np.ndarray) -> np.ndarray:
    """G⁺ - G⁻, or I⁺ - I⁻: (..., 2 outputs) to (..., outputs)."""
    return columns[..., 0::2] - columns[..., 1::2]


def spread(differences: np.ndarray) -> np.ndarray:
    """The transpose of :func:`difference`: (..., outputs) to (..., 2 outputs), plus and minus."""
    both = np.stack([differences, -differences], axis=-1)
    return both.reshape(*differences.shape[:-1], -1)
