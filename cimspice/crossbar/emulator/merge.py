"""The effective conductance of a whole array: small blocks, merged two by two until one is left.

An array of N x N cells costs about 60 N³ operations, nearly all of them in matrix products; node voltages
never appear. The order of elimination is nested dissection: A. George, SIAM J. Numer. Anal. 10 (1973) 345.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cimspice.crossbar.emulator import front
from cimspice.crossbar.emulator.block import Block, interface, merge, transposed
from cimspice.crossbar.emulator.breaks import passed_on
from cimspice.crossbar.emulator.wires import Wires

Fronts = Callable[[np.ndarray, np.ndarray, np.ndarray], Block]
Cells = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Conductances and the segments left of and below each cell, each (count, rows, columns)."""

NUMPY_LEAF, COMPILED_LEAF = 4, 8
"""Largest side of a block that is made cell by cell."""


def effective_conductance(
    conductances: np.ndarray, wires: Wires, *, compiled: bool, dtype: type = np.float64
) -> np.ndarray:
    """Matrix (rows, columns), siemens, with column currents = voltages @ matrix.

    Parameters
    ----------
    conductances
        Cells (rows, columns), siemens; 0 is open, inf a short. With whole wires, also (count, rows, columns):
        arrays of the same wires, which takes less time than one after another.
    wires
        Segments; a broken word line segment and a broken bit line segment must not meet at one cell (see
        `cimspice.crossbar.emulator.breaks.representable`).
    compiled
        Whether small blocks are made by the compiled loop.
    dtype
        float64, or float32 for half the memory and time.
    """
    g, word, bit, mirrored, flipped = facing(conductances, wires)
    if g.ndim == 2:
        g, word, bit = passed_on(g, word, bit)
    stack = g.reshape(-1, *g.shape[-2:])
    g_cells, across, down = (
        np.ascontiguousarray(np.broadcast_to(x, stack.shape), dtype=dtype)
        for x in (stack, word[:, :-1], bit[1:])
    )
    cells = (g_cells, across, down)
    top, right = bool(np.isfinite(bit[0]).any()), bool(np.isfinite(word[:, -1]).any())
    tree = _Tree(_compiled() if compiled else front.fronts, COMPILED_LEAF if compiled else NUMPY_LEAF)
    if top or right:
        block = tree.block(cells, top, right)
        result = np.stack([_closed(block[k : k + 1], word, bit) for k in range(len(stack))])
    else:
        result = tree.open_transfer(cells)
    result = result[..., ::-1] if mirrored else result
    found = transposed(result[:, ::-1] if flipped else result)
    return np.ascontiguousarray(found).reshape(conductances.shape)


def _compiled() -> Fronts:
    from cimspice.crossbar.emulator import front_compiled

    return front_compiled.fronts


def facing(g: np.ndarray, wires: Wires):
    """The array turned so that it is driven at the left and sensed at the bottom, if anywhere.

    A mirrored result has its columns reversed, a flipped one its rows.
    """
    word, bit = wires.word, wires.bit
    flipped = bool(np.isinf(word[:, 0]).all() and np.isfinite(word[:, -1]).any())
    if flipped:
        g, word, bit = g[..., ::-1], word[:, ::-1], bit[:, ::-1]
    mirrored = bool(np.isinf(bit[-1]).all() and np.isfinite(bit[0]).any())
    if mirrored:
        g, word, bit = g[..., ::-1, :], word[::-1], bit[::-1]
    return g, word, bit, mirrored, flipped


def _closed(block: Block, word: np.ndarray, bit: np.ndarray) -> np.ndarray:
    """Transfer (columns, rows) of a block whose leaving ports end in terminals: drivers right, 0 V on top."""
    rows, columns = block.rows, block.columns
    y, p, z = block.admittance[0], block.transfer[0], block.impedance[0]
    # a line ideal from end to end meets the same voltage twice: which end feeds it is of no consequence
    top_end = np.where(bit.any(axis=0), bit[0], np.inf)
    right_end = np.where(word.any(axis=1), word[:, -1], np.inf)
    ends = np.concatenate([top_end if block.top else [], right_end if block.right else []])
    driven = np.zeros((len(ends), rows), dtype=y.dtype)
    if block.right:
        driven[-rows:] = np.eye(rows)
    used = np.isfinite(ends)
    matrix = z[np.ix_(used, used)] + np.diag(ends[used]).astype(y.dtype)
    current = np.zeros_like(driven)
    current[used] = np.linalg.solve(matrix, driven[used] - p[used, :rows])
    result = p[:, rows:].T @ current - y[rows:, :rows]
    if block.top:
        result -= current[:columns]
    return result


class _Tree:
    """Recursive halving, equal halves side by side in one stack."""

    def __init__(self, fronts: Fronts, leaf: int):
        self.fronts, self.leaf = fronts, leaf

    def block(self, cells: Cells, top: bool, right: bool) -> Block:
        """All blocks of a stack, with the leaving ports that are wanted."""
        count, rows, columns = cells[0].shape
        if max(rows, columns) <= self.leaf:
            return self.fronts(*map(np.ascontiguousarray, cells)).with_ports(top, right)
        horizontal = columns >= rows
        provider, consumer = halves(cells, horizontal)
        open_end = not (right if horizontal else top)
        if not open_end and provider[0].shape == consumer[0].shape:
            both = self.block(_stacked(provider, consumer), top, right)
            return merge(both[:count], both[count:], horizontal)
        first = self.block(provider, top or not horizontal, right or horizontal)
        return merge(first, self.block(consumer, top, right), horizontal)

    def open_transfer(self, cells: Cells) -> np.ndarray:
        """Currents into the bottom ports per volt at the left ones (count, columns, rows), negated.

        The last merge alone is a quarter of the work if it is made in full; here are only its needed parts.
        """
        _, rows, columns = cells[0].shape
        if max(rows, columns) <= self.leaf:
            return -self.block(cells, False, False).admittance[:, rows:, :rows]
        horizontal = columns >= rows
        provider_cells, consumer_cells = halves(cells, horizontal)
        provider = self.block(provider_cells, not horizontal, horizontal)
        consumer = self.block(consumer_cells, False, False)
        met, _, _ = interface(provider, consumer, horizontal)
        own = provider.rows
        voltage = met.inverse @ met.p_i[:, :, :own]
        current = met.y_ii @ voltage
        first = provider.admittance[:, own:, :own] + transposed(met.p_i[:, :, own:]) @ current
        if horizontal:
            return -np.concatenate([first, met.y_ei @ voltage], axis=1)
        from_kept = transposed(met.p_i[:, :, own:]) @ (transposed(met.inverse) @ transposed(met.y_ei))
        return -np.concatenate([from_kept, first], axis=2)


def halves(cells: Cells, horizontal: bool) -> tuple[Cells, Cells]:
    """Provider (left, or bottom) and consumer (right, or top)."""
    _, rows, columns = cells[0].shape
    if horizontal:
        middle = columns // 2
        return _cut(cells, 2, slice(0, middle)), _cut(cells, 2, slice(middle, None))
    middle = rows // 2
    return _cut(cells, 1, slice(middle, None)), _cut(cells, 1, slice(0, middle))


def _cut(cells: Cells, axis: int, part: slice) -> Cells:
    index = (slice(None),) * axis + (part,)
    g, word, bit = cells
    return g[index], word[index], bit[index]


def _stacked(provider: Cells, consumer: Cells) -> Cells:
    g, word, bit = (np.concatenate(pair) for pair in zip(provider, consumer, strict=True))
    return g, word, bit
