"""Reads of columns by comparators, emulated in volts: both line differences, both decisions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cimspice.arrays import Array, checked_array
from cimspice.hybrid.mapping.slices import stored_bits
from cimspice.hybrid.model.card import ColumnModel, PairLines
from cimspice.hybrid.model.column import Column, LineLaw, SecondRead
from cimspice.hybrid.model.rram_column import RramColumn
from cimspice.sram.emulator.read import MultiRowRead
from cimspice.sram.model.bit_line import BitLines


@dataclass(frozen=True, eq=False)
class ColumnReading:
    """What a batch of reads gives."""

    discharge: Array
    """Of the bit line and its complement, or of the negative and the positive column's drain, at the first
    strobe (V), (..., 2)."""
    difference: Array
    """Of the lines at both strobes (V), (..., 2); positive where the second of them is the lower one."""
    codes: Array
    """Ternary, (...,)."""
    outside: Array
    """Whether a read lies beyond the reads that the second difference was fitted to, (...,)."""


@dataclass(frozen=True, eq=False)
class ColumnReader:
    """Columns with one comparator each, strobed twice."""

    column: Column | RramColumn
    law: Callable[[Array, Array], tuple[Array, Array, Array]]
    """Discharge and difference as in a `ColumnReading`, and whether a read lies beyond those that the law was
    fitted to, of cell values and input bits (..., weights)."""

    @classmethod
    def of(cls, model: ColumnModel) -> ColumnReader:
        """That of a card."""
        column, lines = model.column, model.lines
        if isinstance(lines, PairLines):
            return cls(column, lines.law)
        assert isinstance(column, Column)
        return cls(column, ArrayLaw(column, lines.fit.model, lines.second))

    @cached_property
    def unit(self) -> float:
        """Volts of the lines' difference for one unit of the partial sum, about a sum of 0 of 20 open
        weights, or of as many as there are."""
        weights = self.column.weights
        active = np.full(2, min(20, weights))
        reads = self._reads(np.array([1, -1]), active, np.arange(weights))
        high, low = self(*reads).difference[:, 0]
        return float(high - low) / 2

    @cached_property
    def line_law(self) -> LineLaw:
        """Of the lines: sums to twice the threshold and beyond, of 4 to 40 open weights."""
        weights, reach = self.column.weights, int(2 * self.column.threshold) + 1
        numbers = range(4, min(40, weights) + 1, 4)
        pairs = [(s, a) for a in numbers for s in range(-min(reach, a), min(reach, a) + 1)]
        sums, active = np.array(pairs).T
        place = np.random.default_rng(0).permutation(weights)  # along the line
        difference = self(*self._reads(sums, active, place)).difference
        return LineLaw.fit(sums, active, difference, self.column.threshold)

    def _reads(self, sums: Array, active: Array, place: Array) -> tuple[Array, Array]:
        """Cell values and input bits (reads, weights) with these sums and numbers of open weights. Pairs of
        RRAM columns, which cells of low resistance load, have of the other open weights one in eleven of
        either sign, as trained networks do, and of the closed ones one in seven."""
        weights = self.column.weights
        sums, active = sums[:, None], active[:, None]
        inputs, some = (place < active).astype(int), np.abs(sums)
        cells = np.sign(sums) * (place < some)
        if isinstance(self.column, RramColumn):
            for first, number in ((some, (active - some) // 11), (active, (weights - active) // 7)):
                cells = cells + ((first <= place) & (place < first + number))
                cells = cells - ((first + number <= place) & (place < first + 2 * number))
        return cells, inputs

    def __call__(
        self, cells: Array, inputs: Array, *, offset: Array | float = 0.0, noise: Array | float = 0.0
    ) -> ColumnReading:
        """Read.

        Parameters
        ----------
        cells
            Cell values −1, 0, 1, (..., weights).
        inputs
            One bit each, (..., weights); broadcast against ``cells``.
        offset
            Of the comparators (V), added to both differences, (...,).
        noise
            Of each decision (V), (..., 2).

        Raises
        ------
        ParameterError
            For other values.
        """
        column = self.column
        values = checked_array("cell values", cells, (..., column.weights), low=-1, high=1, whole=True)
        given = checked_array("inputs", inputs, (..., column.weights), low=0, high=1, whole=True)
        values, given = np.broadcast_arrays(values, given)
        discharge, difference, outside = self.law(values, given)
        decided = difference + np.asarray(offset)[..., None] + noise > 0
        return ColumnReading(discharge, difference, decided.sum(axis=-1) - 1, outside)


@dataclass(frozen=True, eq=False)
class ArrayLaw:
    """Lines of a column of 6T cells."""

    column: Column
    lines: BitLines
    """With the comparator on them."""
    second: SecondRead

    def __call__(self, cells: Array, inputs: Array) -> tuple[Array, Array, Array]:
        """As of a `ColumnReader`."""
        column, dummies = self.column, (*cells.shape[:-1], self.column.dummies)
        bits = np.concatenate([stored_bits(cells), np.zeros(dummies, int)], axis=-1)
        codes = np.concatenate([np.repeat(inputs, 2, axis=-1), np.ones(dummies, int)], axis=-1)
        rows = np.arange(2 * column.weights + column.dummies)
        discharge = MultiRowRead(self.lines)(codes, bits, positions=column.positions(rows)).discharge
        first = discharge[..., 1] - discharge[..., 0]
        difference = np.stack([first, self.second(discharge)], axis=-1)
        return discharge, difference, self.second.outside(discharge)
