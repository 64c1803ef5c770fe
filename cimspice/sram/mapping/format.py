"""How a signed weight lies in the array: words, cut into slices that stand in columns of their own.

A word w of B bits has the value v = 2 w − (2^B − 1), an odd number: offset binary, so that the difference of
both lines' discharges is proportional to it. A slice of b bits is a word of its own in a column of its own;
with slice s of value v_s, v = Σ_s 2^(b s) v_s.
"""

import warnings
from dataclasses import dataclass

import numpy as np

from cimspice.arrays import Array, ClippedWarning, checked_array, checked_count, real_array
from cimspice.errors import MappingError


@dataclass(frozen=True)
class WordFormat:
    """Words of ``slices`` × ``slice_bits`` bits.

    Raises
    ------
    MappingError
        If either is out of range.
    """

    slice_bits: int = 4
    """Rows that a word takes in each of its columns, 1 to 8."""
    slices: int = 2
    """Columns that a word takes, least significant first, 1 to 4."""

    def __post_init__(self) -> None:
        checked_count("slice_bits", self.slice_bits, high=8, place="WordFormat", error=MappingError)
        checked_count("slices", self.slices, high=4, place="WordFormat", error=MappingError)

    @property
    def bits(self) -> int:
        """Of a whole word."""
        return self.slice_bits * self.slices

    @property
    def largest(self) -> int:
        """Largest word; the smallest is 0."""
        return 2**self.bits - 1

    @property
    def weights(self) -> Array:
        """What a slice counts, 2^(b s), shape (slices,)."""
        return 1 << (self.slice_bits * np.arange(self.slices))

    def values(self, words: Array) -> Array:
        """Signed values of words: odd numbers, any shape."""
        return 2 * self.check(words) - self.largest

    def words(self, weights: Array) -> Array:
        """Words nearest to weights from −1 to 1, any shape; what lies beyond gets the outermost word.

        Warns
        -----
        ClippedWarning
            If a weight lies beyond.
        """
        values = checked_array("weights", weights, (...,), error=MappingError)
        level = (values + 1) / 2 * self.largest
        beyond = int(np.count_nonzero(np.abs(values) > 1))
        if beyond:
            warnings.warn(
                f"{beyond} of {values.size} weights are beyond −1 to 1 and get the outermost words; "
                "divide the weights by their largest magnitude",
                ClippedWarning,
                stacklevel=2,
            )
        return np.clip(np.rint(level), 0, self.largest).astype(np.int64)

    def split(self, words: Array) -> Array:
        """Words of the slices, shape (..., slices)."""
        shifts = self.slice_bits * np.arange(self.slices)
        return (self.check(words)[..., None] >> shifts) & (2**self.slice_bits - 1)

    def bits_of(self, words: Array) -> Array:
        """Stored bits, least significant first, shape (..., slices, slice_bits)."""
        return (self.split(words)[..., None] >> np.arange(self.slice_bits)) & 1

    def from_bits(self, stored: Array) -> Array:
        """The inverse of :meth:`bits_of`."""
        shape = (..., self.slices, self.slice_bits)
        bits = checked_array("stored bits", stored, shape, low=0, high=1, whole=True, error=MappingError)
        return (bits @ (1 << np.arange(self.slice_bits))) @ self.weights

    def check(self, words: Array) -> Array:
        """Words as integers.

        Raises
        ------
        MappingError
            If one does not fit.
        """
        values = real_array("words", words, MappingError)
        if values.dtype.kind not in "iu":
            whole = np.isfinite(values) & (values == np.round(values))
            wrong = ~whole | (values < 0) | (values > self.largest)
        else:
            wrong = (values < 0) | (values > self.largest)
        if wrong.any():
            raise MappingError(
                f"word {values[wrong].ravel()[0]} does not fit into {self.bits} bits",
                place="words",
                remedy=f"use whole numbers from 0 to {self.largest}, or more bits",
            )
        return values.astype(np.int64)


def stochastic_rounding(values: Array, generator: np.random.Generator) -> Array:
    """Whole numbers whose mean over many draws is the value itself (Gupta et al., ICML 2015), any shape."""
    given = checked_array("values", values, (...,))
    return np.floor(given + generator.random(given.shape)).astype(np.int64)
