"""Effective conductances of all tiles of a matrix: tiles of equal size are merged side by side."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from cimspice.crossbar.emulator.array import FAR, Crossbar
from cimspice.crossbar.emulator.given import use_compiled
from cimspice.crossbar.emulator.merge import effective_conductance
from cimspice.crossbar.emulator.wires import Wires
from cimspice.crossbar.mapping.tiles import Tiling

if TYPE_CHECKING:
    from cimspice.crossbar.emulator.tile_layer import TileWires

_CELLS = 56 * 32**2
"""Cells merged at once: what blocks take stays in the cache."""


def effective_tiles(
    conductances: np.ndarray, tiling: Tiling, wires: TileWires, *, compiled: bool | None = None
) -> np.ndarray:
    """What every tile's wires leave of the conductances, each in its cell's place.

    Parameters
    ----------
    conductances
        (..., rows, columns) of the whole matrix, S; chips along leading axes.
    tiling
        How they are cut.
    wires
        Of every tile.
    compiled
        As in `Crossbar`.

    Returns
    -------
    np.ndarray
        (..., rows, columns), S: the current of a tile's column is the sum of voltages times these.
    """
    found = np.empty_like(conductances)
    for rows, columns in tiling.regions:
        part = conductances[..., rows, columns]
        height, width = tiling.size_at(rows, columns)
        grid = (*part.shape[:-2], part.shape[-2] // height, height, part.shape[-1] // width, width)
        tiles = part.reshape(grid).swapaxes(-3, -2)
        solved = effective_stack(tiles.reshape(-1, height, width), wires, compiled=compiled)
        found[..., rows, columns] = solved.reshape(tiles.shape).swapaxes(-3, -2).reshape(part.shape)
    return found


def effective_stack(
    conductances: np.ndarray, wires: TileWires, *, compiled: bool | None = None
) -> np.ndarray:
    """Effective conductances of tiles (count, rows, columns), S, of equal wires."""
    rows, columns = conductances.shape[1:]
    lines = asdict(wires)
    compiled = use_compiled(compiled)
    segments = Wires.of(rows, columns, **lines, contacts="segment")
    if segments.broken or segments.largest * conductances.max(initial=0.0) > FAR:
        return np.stack(
            [Crossbar(one, compiled=compiled, **lines).effective_conductance for one in conductances]
        )
    step = max(1, _CELLS // (rows * columns))
    parts = (conductances[first : first + step] for first in range(0, len(conductances), step))
    return np.concatenate([effective_conductance(part, segments, compiled=compiled) for part in parts])
