"""Reads of columns of 6T cells by comparators, emulated in volts: both line differences, both decisions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cimspice.arrays import Array, checked_array
from cimspice.hybrid.mapping.slices import stored_bits
from cimspice.hybrid.model.card import ColumnModel
from cimspice.hybrid.model.column import Column, LineLaw, SecondRead
from cimspice.sram.emulator.read import MultiRowRead
from cimspice.sram.model.bit_line import BitLines


@dataclass(frozen=True, eq=False)
class ColumnReading:
    """What a batch of reads gives."""

    discharge: Array
    """Of the bit line and its complement at the first strobe (V), (..., 2)."""
    difference: Array
    """Of the lines at both strobes (V), (..., 2); positive where the bit line is the higher one."""
    codes: Array
    """Ternary, (...,)."""
    outside: Array
    """Whether a read lies beyond the reads that the second difference was fitted to, (...,)."""


@dataclass(frozen=True, eq=False)
class ColumnReader:
    """Columns with one comparator each, strobed twice."""

    column: Column
    lines: BitLines
    """With the comparator on them."""
    second: SecondRead

    @classmethod
    def of(cls, model: ColumnModel) -> ColumnReader:
        """That of a card."""
        return cls(model.column, model.fit.model, model.second)

    @cached_property
    def unit(self) -> float:
        """Volts of the lines' difference for one unit of the partial sum, about a sum of 0 of 20 open
        weights, or of as many as there are."""
        cells, inputs = np.zeros((2, 2, self.column.weights), int)
        inputs[:, :20] = 1
        cells[:, 0] = 1, -1
        high, low = self(cells, inputs).difference[:, 0]
        return float(high - low) / 2

    @cached_property
    def law(self) -> LineLaw:
        """Of the lines: sums to twice the threshold and beyond, of 4 to 40 open weights."""
        weights, reach = self.column.weights, int(2 * self.column.threshold) + 1
        numbers = range(4, min(40, weights) + 1, 4)
        pairs = [(s, a) for a in numbers for s in range(-min(reach, a), min(reach, a) + 1)]
        sums, active = np.array(pairs).T
        place = np.random.default_rng(0).permutation(weights)  # along the line
        inputs = (place < active[:, None]).astype(int)
        cells = np.sign(sums)[:, None] * (place < np.abs(sums)[:, None])
        return LineLaw.fit(sums, active, self(cells, inputs).difference, self.column.threshold)

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
        dummies = (*values.shape[:-1], column.dummies)
        bits = np.concatenate([stored_bits(values), np.zeros(dummies, int)], axis=-1)
        codes = np.concatenate([np.repeat(given, 2, axis=-1), np.ones(dummies, int)], axis=-1)
        rows = np.arange(2 * column.weights + column.dummies)
        reading = MultiRowRead(self.lines)(codes, bits, positions=column.positions(rows))
        first = reading.discharge[..., 1] - reading.discharge[..., 0]
        difference = np.stack([first, self.second(reading.discharge)], axis=-1)
        decided = difference + np.asarray(offset)[..., None] + noise > 0
        return ColumnReading(
            reading.discharge, difference, decided.sum(axis=-1) - 1, self.second.outside(reading.discharge)
        )
