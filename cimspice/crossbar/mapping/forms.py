"""Forms in which cells hold weights of both signs, and weights sliced into digits."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from cimspice.crossbar.mapping.conductances import (
    Columns,
    ConductanceRange,
    Kind,
    MappedWeights,
    map_weights,
    shares_of,
)
from cimspice.errors import MappingError

Form = Literal["differential", "offset column", "sign-magnitude"]
PAIR: Form = "differential"
OFFSET: Form = "offset column"
SIGN: Form = "sign-magnitude"
FORMS: dict[Form, Kind] = {PAIR: "pairs", OFFSET: "reference", SIGN: "single"}
"""And how they use columns."""


def targets(
    weights: np.ndarray,
    cells: ConductanceRange,
    full_scale: float | np.ndarray,
    form: Form = PAIR,
    tile_columns: int = 64,
    weight_bits: int | None = None,
    slice_bits: int | None = None,
) -> list[MappedWeights]:
    """Matrices of conductances whose sums are added: of the weights (outputs, inputs), or of their digits,
    the least first; of positive ones before negative ones where these have arrays of their own.

    Raises
    ------
    MappingError
        As `map_weights`, and of an offset column for cells of two levels, of which none is in between.
    """
    if weight_bits is None:
        return _in_form(weights, cells, full_scale, form, tile_columns)
    assert slice_bits is not None
    most, base = 2**weight_bits - 1, 2**slice_bits
    codes = np.rint(np.minimum(np.abs(weights.T) / full_scale, 1.0).T * most)
    cells = replace(cells, levels=2 * base - 1 if form == OFFSET else base)
    found = []
    for place in range(-(-weight_bits // slice_bits)):
        digits = np.sign(weights) * (np.floor(codes / base**place) % base)
        found += [
            replace(mapped, unit=mapped.unit * full_scale * (base**place / most))
            for mapped in _in_form(digits, cells, float(base - 1), form, tile_columns)
        ]
    return found


def _in_form(
    weights: np.ndarray, cells: ConductanceRange, full: float | np.ndarray, form: Form, tile_columns: int
) -> list[MappedWeights]:
    if form == OFFSET:
        return [map_with_reference(weights, cells, full, tile_columns)]
    if form == SIGN:
        return list(map_by_sign(weights, cells, full))
    return [map_weights(weights, cells, full)]


def map_with_reference(
    weights: np.ndarray, cells: ConductanceRange, full_scale: float | np.ndarray | None, tile_columns: int
) -> MappedWeights:
    """Weights as one cell each: a weight of zero in the middle of the range, or at the level below it, and so
    the cells of the last column of every tile, which is subtracted from its others.

    Raises
    ------
    MappingError
        As `map_weights`, and for cells of two levels, of which none is in between.
    """
    share, largest = shares_of(weights, full_scale)
    half = cells.span / 2
    if cells.levels is not None:
        half = (cells.levels - 1) // 2 * (cells.span / (cells.levels - 1))
    if not half:
        raise MappingError(
            "cells of 2 levels have none for a weight of zero", place="levels", remedy="give 3 levels or more"
        )
    columns = Columns("reference", tile_columns)
    zero = cells.low + half
    spread = columns.spread(zero + half * np.clip(share, -1.0, 1.0), zero)
    return MappedWeights(cells.nearest(spread), largest / half, columns)


def map_by_sign(
    weights: np.ndarray, cells: ConductanceRange, full_scale: float | np.ndarray | None
) -> tuple[MappedWeights, MappedWeights]:
    """The magnitudes of positive weights, and of negative ones, as one cell each in arrays of their own,
    whose sums are subtracted; cells without a weight of their sign are at ``cells.low``.

    Raises
    ------
    MappingError
        As `map_weights`.
    """
    share, largest = shares_of(weights, full_scale)
    unit, columns = largest / cells.span, Columns("single")
    plus, minus = (cells.nearest(cells.low + cells.span * np.maximum(part, 0.0)) for part in (share, -share))
    return MappedWeights(plus, unit, columns), MappedWeights(minus, -unit, columns)
