"""What a crossbar is given, checked: every refusal names the value, the argument and the remedy."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec

import numpy as np

from cimspice.arrays import numbers
from cimspice.errors import ParameterError


def checked_conductances(conductances: object) -> np.ndarray:
    """Cells (rows, columns) as a read-only array of float64."""
    g = numbers("conductances", conductances)
    if g.ndim != 2 or g.size == 0:
        raise ParameterError(
            f"conductances have shape {g.shape}",
            place="conductances",
            remedy="give (rows, columns), not empty",
        )
    if not g.min() >= 0:  # a minimum of nan is nan
        row, column = np.argwhere(np.isnan(g) | (g < 0))[0]
        raise ParameterError(
            f"conductance of cell ({row}, {column}) is {g[row, column]:g} S",
            place="conductances",
            remedy="conductances are positive, 0 for an open cell, inf for a short",
        )
    g.setflags(write=False)
    return g


@lru_cache(maxsize=1)
def _numba_installed() -> bool:
    return find_spec("numba") is not None


def use_compiled(compiled: bool | None) -> bool:
    """Whether to compile: as asked, or if numba is there."""
    installed = _numba_installed()
    if compiled and not installed:
        raise ParameterError(
            "compiled loops need numba, which is not installed",
            place="compiled",
            remedy="pip install numba, or leave compiled out",
        )
    return installed if compiled is None else compiled


def checked_voltages(voltages: object, rows: int) -> np.ndarray:
    """(batch, rows) or (rows,), finite."""
    v = numbers("voltages", voltages)
    if v.ndim not in (1, 2) or v.shape[-1] != rows:
        raise ParameterError(
            f"voltages have shape {v.shape}",
            place="voltages",
            remedy=f"give (batch, {rows}) or ({rows},): one voltage for each word line",
        )
    if not np.isfinite(v).all():
        raise ParameterError("voltages hold nan or inf", place="voltages", remedy="give finite voltages")
    return v


def check_cells(rows: np.ndarray, columns: np.ndarray, values: np.ndarray, shape: tuple[int, ...]) -> None:
    """Indices of cells (k,) that exist, each once, and as many values."""
    for name, indices in (("rows", rows), ("columns", columns)):
        if indices.size and indices.dtype.kind not in "iu":
            raise ParameterError(
                f"{name} are of type {indices.dtype}", place=name, remedy="give whole numbers: indices from 0"
            )
    if rows.ndim != 1 or not rows.shape == columns.shape == values.shape:
        raise ParameterError(
            f"rows, columns and conductances have shapes {rows.shape}, {columns.shape} and {values.shape}",
            place="with_cells",
            remedy="give integers, integers and siemens, one of each for every changed cell",
        )
    inside = (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])
    if not inside.all():
        first = np.flatnonzero(~inside)[0]
        raise ParameterError(
            f"cell ({rows[first]}, {columns[first]}) is not in an array of {shape[0]} x {shape[1]}",
            place="with_cells",
            remedy="indices count from 0",
        )
    if len(np.unique(rows * shape[1] + columns)) != len(rows):
        raise ParameterError("a cell is named twice", place="with_cells", remedy="name each cell once")
