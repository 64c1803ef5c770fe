"""Reads of all columns of a layer: partial sums, decisions, and what the scale factors make of them.

Axes of a read are (..., crossbars, input bits, samples, weight slices, columns); ``...`` may be chips.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from cimspice.arrays import Array, checked_count
from cimspice.errors import ParameterError
from cimspice.hybrid.mapping.slices import FORMATS, WeightFormat, crossbars, input_bits
from cimspice.hybrid.model.column import LineLaw
from cimspice.hybrid.model.readout import Converter, Ideal, ReadOut, Ternary

Shared = Literal["column", "slice", "layer"]
SHARED: tuple[Shared, ...] = ("column", "slice", "layer")
"""One scale factor for each column of each crossbar, slice and input bit; for each slice and bit; for all."""


@dataclass(frozen=True)
class Design:
    """How layers are cut into crossbars and how the columns are read."""

    readout: ReadOut = field(default_factory=Ideal)
    rows: int = 64
    """Weights that a column adds up."""
    weights: WeightFormat = FORMATS["-4..3"]
    bits: int = 3
    """Of an input, unsigned."""
    shared: Shared = "column"
    scale_bits: int | None = None
    """Of a scale factor; None leaves it real."""

    def __post_init__(self) -> None:
        checked_count("rows", self.rows, high=1024, place="Design")
        checked_count("bits", self.bits, high=8, place="Design")
        if self.scale_bits is not None:
            checked_count("scale_bits", self.scale_bits, low=2, high=16, place="Design")
        if self.shared not in SHARED:
            raise ParameterError(
                f"scale factors per {self.shared!r}"[:200],
                place="Design",
                remedy=f"use one of {', '.join(SHARED)}",
            )

    @cached_property
    def places(self) -> Array:
        """2^(j + k) of input bit j and weight slice k, shape (bits, 1, slices, 1)."""
        of_bits, of_slices = 2.0 ** np.arange(self.bits), 2.0 ** np.arange(self.weights.slices)
        return (of_bits[:, None] * of_slices)[:, None, :, None].astype(np.float32)

    def scale_shape(self, inputs: int, outputs: int) -> tuple[int, ...]:
        """Of a layer's scale factors, to be broadcast over a read."""
        if self.shared == "layer":
            return (1, 1, 1, 1, 1)
        pair = (self.bits, 1, self.weights.slices)
        return (1, *pair, 1) if self.shared == "slice" else (crossbars(inputs, self.rows), *pair, outputs)


@dataclass(frozen=True, eq=False)
class Deviations:
    """How one chip, or several on a leading axis, differs from the design in one layer."""

    cells: Array | None = None
    """Added to the cell values, (..., crossbars, rows, slices · columns)."""
    upper: Array | None = None
    lower: Array | None = None
    """``upper``, ``lower``: offset in cells that is added to the sum in the decision against the upper
    threshold and the lower one, (..., crossbars, 1, 1, slices, columns)."""
    noise: float = 0.0
    """Standard deviation (cells) of each single decision."""
    law: LineLaw | None = None
    """Of the lines, in ternary decisions; None where they add up exactly."""
    stored: Array | None = None
    """Share by which cell values differ, of the shape of ``cells``."""

    def of(self, cells: Array) -> Array:
        """Cell values of the chip for those of the design (crossbars, rows, slices · columns)."""
        cells = cells if self.stored is None else cells * (1 + self.stored)
        return cells if self.cells is None else cells + self.cells


NOMINAL = Deviations()


def cell_values(weights: Array, design: Design) -> Array:
    """Cells (crossbars, rows, slices · columns) of integer weights (columns, inputs); rows without a
    weight have none and are 0."""
    columns, inputs = weights.shape
    count = crossbars(inputs, design.rows)
    cells = np.zeros((design.weights.slices, columns, count * design.rows), np.float32)
    cells[:, :, :inputs] = design.weights.cells_of(weights.astype(np.int32))
    cells = cells.reshape(design.weights.slices, columns, count, design.rows)
    return np.ascontiguousarray(cells.transpose(2, 3, 0, 1)).reshape(count, design.rows, -1)


def pulses(codes: Array, design: Design) -> Array:
    """Which rows are open, (..., crossbars, bits · samples, rows), for input codes (..., samples, inputs)."""
    *lead, samples, inputs = codes.shape
    count = crossbars(inputs, design.rows)
    bits = np.zeros((design.bits, *lead, samples, count * design.rows), np.float32)
    bits[..., :inputs] = input_bits(codes.astype(np.int32), design.bits)
    bits = bits.reshape(design.bits, *lead, samples, count, design.rows)
    return np.moveaxis(bits, (-2, 0), (-4, -3)).reshape(*lead, count, design.bits * samples, design.rows)


def partial_sums(open_rows: Array, cells: Array, design: Design) -> Array:
    """Sums (..., crossbars, bits, samples, slices, columns) of pulses and cells as above."""
    sums = open_rows @ cells
    samples, slices = sums.shape[-2] // design.bits, design.weights.slices
    return sums.reshape(*sums.shape[:-2], design.bits, samples, slices, -1)


def open_weights(open_rows: Array, design: Design) -> Array:
    """How many rows are open, (..., crossbars, bits, samples, 1, 1), of pulses as above."""
    return open_rows.sum(axis=-1).reshape(*open_rows.shape[:-2], design.bits, -1, 1, 1)


def codes_of(
    sums: Array,
    readout: ReadOut,
    scale: Array,
    chip: Deviations = NOMINAL,
    rng: np.random.Generator | None = None,
    active: Array | None = None,
) -> Array:
    """What the read-out answers to partial sums, in units of the scale.

    Parameters
    ----------
    sums
        Partial sums, in cells.
    readout
        The read-out.
    scale
        Twice a ternary threshold where that is not fixed, in cells, broadcast over ``sums``.
    chip
        Whose comparators decide.
    rng
        Of noise and of decisions by chance.
    active
        Number of open weights, broadcast over ``sums``; needed where the chip has a law of its lines.
    """
    if isinstance(readout, Ideal):
        return sums
    if isinstance(readout, Converter):
        highest = 2 ** (readout.bits - 1)
        sums = _seen(sums, chip.upper, chip.noise, rng)
        return np.clip(np.rint(sums / readout.step), -highest, highest - 1) * readout.step
    if isinstance(readout, Ternary):
        theta = scale / 2 if readout.threshold is None else readout.threshold
        upper = lower = sums
        if chip.law is not None and active is not None:
            upper, lower = (chip.law.at(each, sums, active) for each in (chip.law.upper, chip.law.lower))
        above = _seen(upper, chip.upper, chip.noise, rng) > theta
        below = _seen(lower, chip.lower, chip.noise, rng) < -theta
        return above.astype(np.float32) - below
    seen = _seen(sums, chip.upper, chip.noise, rng)
    if readout.zero == "half_cell":
        return np.where(seen > -0.5, np.float32(1), np.float32(-1))
    if readout.zero == "random":
        seen = np.where(seen == 0, _generator(rng).random(sums.shape, np.float32) - 0.5, seen)
    return np.sign(seen)


def _seen(sums: Array, offset: Array | None, noise: float, rng: np.random.Generator | None) -> Array:
    seen = sums if offset is None else sums + offset
    return seen + noise * _generator(rng).standard_normal(seen.shape, np.float32) if noise else seen


def _generator(rng: np.random.Generator | None) -> np.random.Generator:
    return np.random.default_rng(0) if rng is None else rng


def quantised_scale(scale: Array, bits: int | None) -> Array:
    """Scale factors as ``bits`` store them, 0 left out, with one step for the layer (a chip where there are).

    The step is (largest − smallest)/(2^bits − 2), as public training code has it, but never so small that the
    largest one is clipped.
    """
    if bits is None:
        return scale
    axes = tuple(range(-5, 0))
    largest, smallest = scale.max(axis=axes, keepdims=True), scale.min(axis=axes, keepdims=True)
    step = np.maximum((largest - smallest) / (2**bits - 2), largest / (2**bits - 1))
    return step * np.clip(np.rint(scale / step), 1, 2**bits - 1)


def column_outputs(codes: Array, weighted_scale: Array) -> Array:
    """Σ over crossbars, bits and slices of code times scale factor times place, (..., samples, columns)."""
    return np.einsum("...tjnkc,...tjukc->...nc", codes, weighted_scale)
