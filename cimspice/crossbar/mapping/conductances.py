"""Conductances, which have one sign, for weights of both: how columns hold them; differential pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from cimspice.arrays import checked_array, checked_count, checked_number, kept_array, real_array
from cimspice.errors import MappingError

Kind = Literal["pairs", "reference", "single"]


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


@dataclass(frozen=True)
class Columns:
    """How the columns of tiles hold outputs.

    Attributes
    ----------
    kind
        ``"pairs"``: 2 k and 2 k + 1 are G⁺ and G⁻ of output k, neighbours, so that both lie at nearly the
        same wires. ``"reference"``: each is an output, less the last column of its tile. ``"single"``: each
        is an output.
    width
        Columns of a tile, which say where reference columns are.
    """

    kind: Kind = "pairs"
    width: int = 64

    def check(self, tile_columns: int) -> None:
        """MappingError for tiles that hold no output, or part of one."""
        if self.kind == "pairs" and tile_columns % 2:
            raise MappingError(
                f"tiles of {tile_columns} columns part the two columns of an output",
                place="tile_columns",
                remedy="give an even number",
            )
        if self.kind == "reference" and tile_columns < 2:
            raise MappingError(
                "tiles of 1 column have none beside the reference",
                place="tile_columns",
                remedy="give 2 or more",
            )

    def outputs(self, columns: slice) -> slice:
        """Those that a tile at these columns holds."""
        ends = columns.start, columns.stop
        if self.kind == "pairs":
            return slice(ends[0] // 2, ends[1] // 2)
        if self.kind == "single":
            return columns
        return slice(*(end - -(-end // self.width) for end in ends))

    def count(self, columns: int) -> int:
        """Outputs of so many columns of a matrix, from the first."""
        return self.outputs(slice(0, columns)).stop

    def sums(self, columns: np.ndarray) -> np.ndarray:
        """What outputs (..., outputs) are, of what the columns of a matrix or tile are (..., columns)."""
        if self.kind == "pairs":
            return difference(columns)
        if self.kind == "single":
            return columns
        numbers = np.arange(columns.shape[-1])
        reference = np.minimum(numbers - numbers % self.width + self.width, len(numbers)) - 1
        own = numbers != reference
        return columns[..., own] - columns[..., reference[own]]

    def spread(self, outputs: np.ndarray, zero: float) -> np.ndarray:
        """Columns (inputs, columns) of outputs (inputs, outputs), with ``zero`` in reference columns."""
        if self.kind != "reference":
            return outputs
        starts = np.arange(self.width - 1, outputs.shape[1] + self.width - 1, self.width - 1)
        return np.insert(outputs, np.minimum(starts, outputs.shape[1]), zero, axis=1)


PAIRS = Columns()


@dataclass(frozen=True, eq=False)
class MappedWeights:
    """A weight matrix as conductances.

    Attributes
    ----------
    conductances
        (inputs, columns), S.
    unit
        Weight per siemens of an output's sum: one number, or one for each output.
    columns
        How they hold outputs; pairs as default.
    """

    conductances: np.ndarray
    unit: float | np.ndarray
    columns: Columns = PAIRS

    def __post_init__(self) -> None:
        kept = kept_array("conductances", self.conductances, ("inputs", "columns"), low=0, error=MappingError)
        if not kept.size or (self.columns.kind == "pairs" and kept.shape[1] % 2):
            raise MappingError(
                f"conductances have shape {kept.shape}",
                place="MappedWeights",
                remedy="give (inputs, 2 outputs), G⁺ and G⁻ of each output, not empty",
            )
        object.__setattr__(self, "conductances", kept)
        outputs = self.columns.count(kept.shape[1])
        unit = kept_array("unit", np.broadcast_to(self.unit, outputs), (outputs,), error=MappingError)
        if (unit <= 0).any() and (self.columns.kind != "single" or not unit.all()):
            raise MappingError(
                f"unit is {unit.min():g}", place="MappedWeights", remedy="give a number above 0"
            )
        if np.ndim(self.unit):
            object.__setattr__(self, "unit", unit)

    @property
    def weights(self) -> np.ndarray:
        """Realised weights (outputs, inputs)."""
        return (self.unit * self.columns.sums(self.conductances)).T


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
    share, largest = shares_of(weights, full_scale)
    conductances = np.empty((len(share), 2 * share.shape[1]))
    conductances[:, 0::2] = cells.low + cells.span * np.maximum(share, 0.0)
    conductances[:, 1::2] = cells.low + cells.span * np.maximum(-share, 0.0)
    return MappedWeights(cells.nearest(conductances), largest / cells.span)


def shares_of(
    weights: np.ndarray, full_scale: float | np.ndarray | None
) -> tuple[np.ndarray, float | np.ndarray]:
    """Weights (inputs, outputs) over the magnitude of the whole range, and this; see `map_weights`."""
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
    return w.T / largest, largest


def difference(columns: np.ndarray) -> np.ndarray:
    """G⁺ - G⁻, or I⁺ - I⁻: (..., 2 outputs) to (..., outputs)."""
    return columns[..., 0::2] - columns[..., 1::2]


def spread(differences: np.ndarray) -> np.ndarray:
    """The transpose of :func:`difference`: (..., outputs) to (..., 2 outputs), plus and minus."""
    both = np.stack([differences, -differences], axis=-1)
    return both.reshape(*differences.shape[:-1], -1)
