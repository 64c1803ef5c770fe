"""Integer weights as slices of cells, integer inputs as bits, and the crossbars that they fill.

A weight is Σ_k 2^k w_k with a cell value w_k per slice, an input Σ_j 2^j x_j with one bit per pulse
(bit-serial, least significant bit first); crossbar t, slice k and bit j give each column the partial sum
Σ_r x_j w_k over the rows of t.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cimspice.arrays import Array, checked_array, checked_count
from cimspice.errors import ParameterError


@dataclass(frozen=True)
class WeightFormat:
    """Integers that a weight can be, and their slices.

    Cell values are −1, 0 and 1: sign and magnitude, slice k of a weight is its sign times bit k of its
    magnitude. Odd weights have −1 and 1 alone, so that one 6T cell holds a slice.
    """

    low: int
    high: int
    slices: int
    odd: bool = False

    def rounded(self, values: Array) -> Array:
        """The nearest weights to real ``values``, as floats."""
        nearest = 2 * np.rint((values - 1) / 2) + 1 if self.odd else np.rint(values)
        return np.clip(nearest, self.low, self.high)

    def sliced(self, weights: Array) -> Array:
        """Cell values (slices, ...) of integer weights (...).

        Raises
        ------
        ParameterError
            For a weight that the format does not have.
        """
        whole = checked_array("weights", weights, (...,), low=self.low, high=self.high, whole=True)
        if self.odd and not (whole % 2).all():
            raise ParameterError(
                f"{int((whole % 2 == 0).sum())} even weights in cells of −1 and 1",
                place="weights",
                remedy=f"give odd weights from {self.low} to {self.high}",
            )
        return self.cells_of(whole)

    def cells_of(self, weights: Array) -> Array:
        """As :meth:`sliced`, of integers known to fit."""
        place = np.arange(self.slices).reshape(-1, *(1,) * weights.ndim)
        if self.odd:
            return 2 * ((weights + self.high) // 2 >> place & 1) - 1
        return np.sign(weights) * (np.abs(weights) >> place & 1)


FORMATS = {
    "-4..3": WeightFormat(-4, 3, 3),
    "-3..3": WeightFormat(-3, 3, 2),
    "odd": WeightFormat(-7, 7, 3, odd=True),
}
"""Weights by name: 3 bits of two's complement on three slices, symmetric ones on two, and odd ones on three
slices of single 6T cells."""


def input_bits(codes: Array, bits: int) -> Array:
    """Bits (bits, ...) of integer inputs (...), the least significant first."""
    return codes >> np.arange(bits).reshape(-1, *(1,) * codes.ndim) & 1


def crossbars(inputs: int, rows: int) -> int:
    """How many crossbars of so many rows the inputs of a layer fill; the last may be filled in part."""
    return -(-checked_count("inputs", inputs) // checked_count("rows", rows))


def scale_factors(inputs: int, outputs: int, *, rows: int, weight_slices: int, input_bits: int) -> int:
    """Scale factors of a layer with one for each crossbar, column, weight slice and input bit; a
    convolution has kernel area times channels as inputs."""
    return crossbars(inputs, rows) * outputs * weight_slices * input_bits


def stored_bits(cells: Array) -> Array:
    """What two 6T cells per value store, (..., 2 · rows) of cell values −1, 0, 1 (..., rows): 1 and 1 for
    +1, 0 and 0 for −1, 0 and 1 for 0, which pulls both lines alike. Rows 2r and 2r + 1 open together.

    Raises
    ------
    ParameterError
        For other values.
    """
    values = checked_array("cell values", cells, (..., "rows"), low=-1, high=1, whole=True)
    pair = np.stack([values > 0, values >= 0], axis=-1)
    return pair.reshape(*values.shape[:-1], -1).astype(int)
