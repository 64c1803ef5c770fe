"""Sections: the weights of a layer cut into pieces of one crossbar each, and the index that restores them.

Sorted weight sectioning (SWS) is by Farias and Kung, arXiv 2410.11298 and 2410.21730.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from cimspice.arrays import checked_array, checked_count
from cimspice.crossbar.programming.bit_slices import BitSlices, gray_rank
from cimspice.errors import ParameterError

SortKey = Literal["none", "magnitude", "gray"]
Scope = Literal["layer", "output"]
EMPTY = -1
"""Index of a row that no weight uses: its cells are don't-care and are not written."""


@dataclass(frozen=True, eq=False)
class Sections:
    """Pieces of a layer in the order in which they are to be programmed, all arrays (sections, rows).

    ``words`` are the cells wanted (uint16, see :class:`BitSlices`), ``negative`` the signs, ``index`` the
    number of each weight in the layer, row-major (outputs, inputs), −1 where the row is empty. The index is
    what the periphery keeps to give each row its input and to restore the order of the outputs.
    """

    words: np.ndarray
    negative: np.ndarray
    index: np.ndarray

    @property
    def used(self) -> np.ndarray:
        return self.index != EMPTY

    def taken(self, order: np.ndarray) -> Sections:
        """The sections in another order (indices along the first axis)."""
        return Sections(self.words[order], self.negative[order], self.index[order])


def restore(values: np.ndarray, index: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """What the sections hold (sections, rows), put back into the layer's own order (outputs, inputs)."""
    used = index != EMPTY
    found = index[used]
    seen = np.zeros(shape[0] * shape[1], dtype=bool)
    inside = found.size == seen.size and found.min(initial=0) >= 0 and found.max(initial=0) < seen.size
    if inside:
        seen[found] = True
    if not inside or not seen.all() or values.shape != index.shape:
        raise ParameterError(
            f"{found.size} indices in sections of {values.shape} do not fill {shape[0]} x {shape[1]} weights",
            place="restore",
            remedy="give values and index of all sections of this layer, each weight once",
        )
    flat = np.empty(seen.size, dtype=values.dtype)
    flat[found] = values[used]
    return flat.reshape(shape)


def outputs_per_section(index: np.ndarray, inputs: int) -> float:
    """Mean number of outputs that share a section, from the index (sections, rows).

    A bit line sums the rows of one output at a time, so this is how often a section must be read for one
    input vector.
    """
    used = index != EMPTY
    output = np.where(used, index // inputs, EMPTY)
    output.sort(axis=1)
    distinct = (np.diff(output, axis=1, prepend=EMPTY) != 0) & (output != EMPTY)
    return float(distinct.sum(axis=1).mean())


def cut(
    levels: np.ndarray,
    slices: BitSlices,
    rows: int,
    *,
    sort: SortKey = "none",
    scope: Scope = "layer",
    turned: int = 0,
) -> Sections:
    """Cut a layer's levels (outputs, inputs) into sections of ``rows`` weights.

    Parameters
    ----------
    levels
        Signed levels, see :func:`~cimspice.crossbar.programming.bit_slices.quantise`.
    slices
        How a weight lies in a row.
    rows
        Rows of a crossbar.
    sort
        ``"none"``: as the layer has them. ``"magnitude"``: by magnitude, ascending (SWS). ``"gray"``: by
        place in the Gray sequence of words, so that a row that goes on to the next word changes one cell.
    scope
        ``"layer"``: a section takes weights from the whole layer. ``"output"``: from one output only, so that
        the bit lines' sums are that output's partial sums; sections of all outputs are then sorted by their
        mean key.
    turned
        Of the Gray sequence, see :func:`~cimspice.crossbar.programming.bit_slices.gray_rank`.
    """
    checked_count("rows", rows)
    levels = checked_array("levels", levels, ("outputs", "inputs"), whole=True)
    if not levels.size:
        raise ParameterError(
            f"levels have shape {levels.shape}", place="levels", remedy="give (outputs, inputs), not empty"
        )
    if scope not in get_args(Scope):
        raise ParameterError(f"scope is {scope!r}", place="scope", remedy="choose layer or output")
    words = slices.words(levels)
    key = _key(levels, words, slices, sort, turned)
    lines = words.reshape(1, -1) if scope == "layer" else words
    length = lines.shape[1]
    per_line = -(-length // rows)
    order = np.tile(np.arange(length), (len(lines), 1))
    if key is not None:
        order = np.argsort(key.reshape(lines.shape), axis=1, kind="stable")
    index = np.full((len(lines), per_line * rows), EMPTY, dtype=np.int64)
    index[:, :length] = order + length * np.arange(len(lines))[:, None]
    index = index.reshape(-1, rows)
    used = index != EMPTY
    safe = np.where(used, index, 0)
    sections = Sections(
        np.where(used, words.reshape(-1)[safe], 0).astype(np.uint16),
        used & (levels.reshape(-1)[safe] < 0),
        index,
    )
    if key is None or scope == "layer":
        return sections
    mean = np.where(used, key.reshape(-1)[safe], 0).sum(axis=1) / used.sum(axis=1)
    return sections.taken(np.argsort(mean, kind="stable"))


def _key(
    levels: np.ndarray, words: np.ndarray, slices: BitSlices, sort: SortKey, turned: int
) -> np.ndarray | None:
    if sort == "none":
        return None
    if sort == "magnitude":
        return np.abs(levels).astype(np.uint16)
    if sort == "gray":
        return gray_rank(words, slices.columns, turned=turned)
    raise ParameterError(f"sort is {sort!r}", place="sort", remedy="choose none, magnitude or gray")
