"""Chips: comparators with offsets and cells with currents of their own, drawn for the layers of a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from cimspice.arrays import checked_number
from cimspice.hybrid.emulator.column_read import ColumnReader
from cimspice.hybrid.emulator.columns import Design, Deviations
from cimspice.hybrid.mapping.slices import crossbars
from cimspice.hybrid.model.card import ArrayLines, ColumnModel
from cimspice.hybrid.model.column import LineLaw
from cimspice.hybrid.model.readout import Ideal, Ternary

LayerShape = tuple[Design, int, int]
"""Design, inputs and columns of a layer."""


@dataclass(frozen=True)
class Spread:
    """Standard deviations from which chips are drawn, and noise."""

    offset: float = 0.0
    """Of a comparator (cells, steps of the partial sum): static, the same in all reads of its column."""
    cell: float = 0.0
    """Of a cell (half units). A weight of −1, 0 or 1 is two such cells, one of −1 and 1 alone is one cell of
    a whole unit."""
    noise: float = 0.0
    """Of each single decision (cells)."""
    law: LineLaw | None = None
    """Of the lines, the same on all chips."""
    stored: float = 0.0
    """Of a weight that is not 0, over its mean, where one cell of low resistance makes it."""
    threshold: float = 0.0
    """Of each threshold (cells), where its dummy cells differ."""

    def __post_init__(self) -> None:
        for name in ("offset", "cell", "noise", "stored", "threshold"):
            checked_number(name, getattr(self, name), low=0, place="Spread")

    @classmethod
    def of(cls, model: ColumnModel) -> Spread:
        """That of a card: offset, noise of comparator and lines, cells, and the law of the lines."""
        reader, comparator, lines = ColumnReader.of(model), model.comparator, model.lines
        found = cls(
            offset=comparator.offset_deviation / reader.unit,
            noise=float(np.hypot(comparator.noise, lines.noise)) / reader.unit,
            law=reader.line_law,
        )
        if isinstance(lines, ArrayLines):
            return replace(found, cell=lines.fit.model.variation.current_deviation)
        high = 1 / (lines.law.column.ratio - 1)  # what a cell of high resistance conducts, in units
        return replace(
            found,
            cell=2 * high * lines.high_deviation,
            stored=(1 + high) * lines.low_deviation,
            threshold=float(np.sqrt(model.column.dummies)) / 2 * lines.low_deviation,
        )

    def draw(
        self, layers: Mapping[str, LayerShape], rng: np.random.Generator, chips: tuple[int, ...] = ()
    ) -> dict[str, Deviations]:
        """One chip, or as many as ``chips`` says on leading axes; a layer with ideal sums does not differ.

        One comparator that is strobed twice has one offset in both decisions, two have one each.
        """
        found = {}
        for name, (design, inputs, columns) in layers.items():
            if isinstance(design.readout, Ideal):
                continue
            count, slices = crossbars(inputs, design.rows), design.weights.slices
            comparators = (*chips, count, 1, 1, slices, columns)
            cells = rng.standard_normal((*chips, count, design.rows, slices * columns), np.float32)
            cells *= np.float32(self.cell * (1 if design.weights.odd else np.sqrt(0.5)))
            upper = np.float32(self.offset) * rng.standard_normal(comparators, np.float32)
            lower = upper
            if isinstance(design.readout, Ternary) and design.readout.independent:
                lower = np.float32(self.offset) * rng.standard_normal(comparators, np.float32)
            if self.threshold:
                own = np.float32(self.threshold) * rng.standard_normal((2, *comparators), np.float32)
                upper, lower = upper + own[0], lower + own[1]
            stored = None
            if self.stored:
                stored = np.float32(self.stored) * rng.standard_normal(cells.shape, np.float32)
            drawn = cells if self.cell else None
            found[name] = Deviations(drawn, upper, lower, self.noise, self.law, stored)
        return found
