"""Which of the cells that differ are rewritten: all, a random fraction, the weightiest, or by effect."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from cimspice.arrays import checked_count, checked_number
from cimspice.crossbar.programming.bit_slices import MOST_BITS, BitSlices
from cimspice.errors import ParameterError


class WriteChoice(Protocol):
    """Decides the state after a write."""

    def choose(self, state: np.ndarray, target: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Words after the write, from the words held and the words wanted, all (crossbars, rows)."""
        ...


@dataclass(frozen=True)
class Exact:
    """Every cell that differs is rewritten."""

    def choose(self, state: np.ndarray, target: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return target


@dataclass(frozen=True)
class RandomStucking:
    """Bit stucking (Farias and Kung, arXiv 2410.21730): of the cells that differ in the ``columns`` lowest
    columns, each is rewritten with probability ``fraction``; all others that differ are rewritten."""

    columns: int
    fraction: float

    def __post_init__(self) -> None:
        check_stucking(self.columns, self.fraction)

    def choose(self, state: np.ndarray, target: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if not self.columns:
            return target
        draw = rng.random((self.columns, *state.shape), dtype=np.float32)
        shift = np.uint16(1) << np.arange(self.columns, dtype=np.uint16)
        kept = np.tensordot(shift, (draw >= self.fraction).astype(np.uint16), axes=1)
        return target ^ ((state ^ target) & kept)


@dataclass(frozen=True)
class LargestFirst:
    """As many cells as :class:`RandomStucking` rewrites on average, but the weightiest columns first.

    Per crossbar and write, round(fraction · differing low-order cells) are rewritten, from the highest of the
    ``columns`` low-order columns down; within the last column it reaches, a random choice of rows.
    """

    columns: int
    fraction: float

    def __post_init__(self) -> None:
        check_stucking(self.columns, self.fraction)

    def choose(self, state: np.ndarray, target: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if not self.columns:
            return target
        shift = np.arange(self.columns - 1, -1, -1, dtype=np.uint16)
        differs = ((state ^ target)[:, None, :] >> shift[:, None]) & np.uint16(
            1
        )  # (crossbars, columns, rows)
        order = rng.permutation(state.shape[1])  # which rows come first within a column
        ordered = differs[:, :, order].reshape(len(state), -1)
        budget = np.rint(self.fraction * ordered.sum(axis=1, dtype=np.int64))
        beyond = (np.cumsum(ordered, axis=1, dtype=np.int32) > budget[:, None]).reshape(differs.shape)
        kept = np.zeros(state.shape, dtype=np.uint16)
        kept[:, order] = np.sum((differs[:, :, order] & beyond) << shift[:, None], axis=1, dtype=np.uint16)
        return target ^ kept


_MOST_COLUMNS = 12


class NearestValue:
    """The state that costs least: squared error of the weight plus a price per cell written.

    For every weight by itself the state v minimises (value(v) − value(target))² + price · cells(state → v):
    of all ways to use that number of writes the one with the least expected squared output for inputs of
    equal power and zero mean. From 7 to 8, at a price of 1, nothing is written instead of four cells: 7 is
    one level off. A cell that is right already may be rewritten where that saves others. The table of
    all pairs is made once and kept.

    Parameters
    ----------
    slices
        How a weight lies in a row; at most 12 columns.
    price
        Squared error, in levels², that one cell write must save to be done; 0 writes exactly.
    """

    def __init__(self, slices: BitSlices, price: float) -> None:
        checked_number("price", price, low=0)
        if slices.columns > _MOST_COLUMNS:
            raise ParameterError(
                f"{slices.columns} columns make too large a table of states",
                place="bits",
                remedy=f"use at most {_MOST_COLUMNS} columns, or another choice of cells",
            )
        self.slices, self.price = slices, float(price)
        self._table = _nearest(slices, self.price)

    def choose(self, state: np.ndarray, target: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return self._table[state, target]


@lru_cache(maxsize=8)
def _nearest(slices: BitSlices, price: float) -> np.ndarray:
    """The best word for each (state, target).

    Writing exactly costs at most price · columns, so nothing farther off than the root of that is better.
    """
    words = np.arange(1 << slices.columns, dtype=np.uint16)
    values = slices.levels(words, np.zeros(words.shape, dtype=bool))
    by_value = words[np.argsort(values, kind="stable")]
    place = np.empty(words.shape, dtype=np.int64)
    place[by_value] = np.arange(len(words))
    reach = int(np.sqrt(price * slices.columns)) + 1  # one more: zero has two words where the sign is a cell
    ones = np.array([bin(word).count("1") for word in range(len(words))], dtype=np.float32)
    best = np.tile(words, (len(words), 1))
    least = price * ones[words[:, None] ^ words[None, :]]
    for offset in sorted(range(-reach, reach + 1), key=abs):
        candidate = by_value[np.clip(place + offset, 0, len(words) - 1)]
        error = (values[candidate] - values).astype(np.float32) ** 2
        cost = error[None, :] + price * ones[words[:, None] ^ candidate[None, :]]
        better = cost < least
        best[better] = np.broadcast_to(candidate, best.shape)[better]
        least[better] = cost[better]
    best.flags.writeable = False
    return best


def check_stucking(columns: int, fraction: float) -> None:
    """Raise ParameterError unless the stuck columns and the fraction rewritten make sense."""
    checked_count("stuck_columns", columns, low=0, high=MOST_BITS + 1)
    checked_number("fraction", fraction, low=0, high=1)
