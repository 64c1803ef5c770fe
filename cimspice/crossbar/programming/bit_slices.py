"""Bit slices: a weight is a row of a crossbar, a power of two a column; a cell per bit, one for the sign.

The word of a weight packs its row of cells: bit k is the cell of the column 2^k, and where the sign is held
in the array, the bit above the highest magnitude is 1 for a negative weight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from cimspice.arrays import checked_array, checked_count, real_array
from cimspice.errors import MappingError, ParameterError

MOST_BITS = 15
"""Bits of a magnitude, so that a word with its sign fits 16 bits."""

SignPlace = Literal["column", "periphery"]


@dataclass(frozen=True)
class BitSlices:
    """How a quantised weight lies in a row of cells.

    Parameters
    ----------
    bits
        Columns of powers of two, 1 to 15: magnitudes go from 0 to 2^bits − 1.
    sign
        ``"column"``: one more cell per row holds the sign. ``"periphery"``: the sign stands with the index
        that restores the order, in digital memory, and turns the polarity of the input; no cell holds it.
    """

    bits: int = 8
    sign: SignPlace = "column"

    def __post_init__(self) -> None:
        checked_count("bits", self.bits, high=MOST_BITS)
        if self.sign not in get_args(SignPlace):
            raise ParameterError(
                f"sign is {self.sign!r}", place="sign", remedy=f"choose from {', '.join(get_args(SignPlace))}"
            )

    @property
    def columns(self) -> int:
        """Cells of a row."""
        return self.bits + (self.sign == "column")

    def words(self, levels: ArrayLike) -> np.ndarray:
        """Words (uint16, any shape) of signed levels in −(2^bits − 1) … 2^bits − 1."""
        levels = checked_array("levels", levels, (...,), whole=True, error=MappingError)
        magnitude = np.abs(levels)
        if magnitude.size and magnitude.max() >= 1 << self.bits:
            raise MappingError(
                f"level {int(magnitude.max())} does not fit {self.bits} bits",
                place="levels",
                remedy="quantise first",
            )
        words = magnitude.astype(np.uint16)
        if self.sign == "column":
            words |= (levels < 0).astype(np.uint16) << np.uint16(self.bits)
        return words

    def levels(self, words: ArrayLike, negative: ArrayLike | None = None) -> np.ndarray:
        """Signed levels (int32) that rows of cells hold.

        ``negative`` says whose sign is negative where the periphery holds the signs; the array's own sign
        column, where there is one, is what counts.
        """
        words = _words(words, self.columns)
        magnitude = (words & np.uint16((1 << self.bits) - 1)).astype(np.int32)
        if self.sign == "column":
            negative = (words >> np.uint16(self.bits)) & np.uint16(1)
        elif negative is None:
            raise MappingError(
                "signs are held in the periphery and were not given",
                place="negative",
                remedy="give the signs",
            )
        return np.where(np.asarray(negative, dtype=bool), -magnitude, magnitude)


def quantise(weights: ArrayLike, bits: int) -> tuple[np.ndarray, float]:
    """Signed levels (int32, the weights' shape) and the weight of one level.

    The largest magnitude becomes 2^bits − 1; rounding is to the nearest level. Weights that are all zero have
    a step of zero.

    Raises
    ------
    MappingError
        If a weight is not finite.
    """
    checked_count("bits", bits, high=MOST_BITS)
    weights = real_array("weights", weights, MappingError)
    finite = np.isfinite(weights)
    if not finite.all():
        place = tuple(int(axis[0]) for axis in np.nonzero(~finite))
        raise MappingError(
            f"the weight at {place} is {weights[place]}", place="weights", remedy="give finite weights only"
        )
    step = float(np.max(np.abs(weights), initial=0.0)) / ((1 << bits) - 1)
    if step == 0.0:
        return np.zeros(weights.shape, dtype=np.int32), 0.0
    limit = (1 << bits) - 1  # the division of the largest may round to beyond it
    return np.clip(np.rint(weights / step), -limit, limit).astype(np.int32), step


def _words(words: ArrayLike, columns: int) -> np.ndarray:
    given, largest = real_array("words", words, MappingError), (1 << columns) - 1
    if given.dtype == np.uint16 and given.max(initial=0) <= largest:
        return given
    checked = checked_array("words", given, (...,), low=0, high=largest, whole=True, error=MappingError)
    return checked.astype(np.uint16)


def gray_rank(words: ArrayLike, columns: int, *, turned: int = 0) -> np.ndarray:
    """Place of each word in the reflected Gray sequence over ``columns`` bits: neighbours differ in one cell.

    ``turned`` rotates the columns first, which chooses whose cell changes most often. F. Gray, US patent
    2,632,058; the rank is the running exclusive-or of the bits from the highest down.
    """
    checked_count("columns", columns, high=MOST_BITS + 1)
    words = _words(words, columns).astype(np.uint32)
    turned %= columns
    if turned:
        words = ((words << turned) | (words >> (columns - turned))) & ((1 << columns) - 1)
    rank = words.copy()
    for shift in (1, 2, 4, 8):
        rank ^= rank >> shift
    return rank.astype(np.uint16)
