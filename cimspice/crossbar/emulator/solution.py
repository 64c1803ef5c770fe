"""The inside of an array at given inputs: voltages, currents of cells and segments, where the power goes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from cimspice.crossbar.emulator.wires import Wires


@dataclass(frozen=True)
class Solution:
    """Solved array for a batch of input vectors.

    Attributes
    ----------
    voltages
        Inputs (batch, rows), V.
    word_line_voltages, bit_line_voltages
        Node voltages (batch, rows, columns), V. A node that no path of wires and cells joins to a terminal
        has no defined voltage: nan.
    cell_currents
        From word line to bit line (batch, rows, columns), A.
    wires
        Segments (ohms); see `Wires`.
    residual
        Largest current by which Kirchhoff's laws are missed at any node, of each vector (batch,), relative
        to its largest current; solutions beyond 1e-10 are refused.
    """

    voltages: np.ndarray
    word_line_voltages: np.ndarray
    bit_line_voltages: np.ndarray
    cell_currents: np.ndarray
    wires: Wires
    residual: np.ndarray

    @property
    def column_currents(self) -> np.ndarray:
        """Into the sense terminals, both ends together (batch, columns), A."""
        return self.cell_currents.sum(axis=1)

    @property
    def source_currents(self) -> np.ndarray:
        """Out of the drivers, both ends together (batch, rows), A."""
        return self.cell_currents.sum(axis=2)

    @cached_property
    def word_segment_currents(self) -> np.ndarray:
        """From left to right, terminals included (batch, rows, columns + 1), A."""
        return along(self.cell_currents, self.wires.word)

    @cached_property
    def bit_segment_currents(self) -> np.ndarray:
        """From top to bottom, terminals included (batch, rows + 1, columns), A."""
        into = -self.cell_currents.swapaxes(1, 2)
        return along(into, self.wires.bit.T).swapaxes(1, 2)

    @property
    def cell_power(self) -> np.ndarray:
        """Of each cell (batch, rows, columns), W."""
        across = np.where(self.cell_currents == 0, 0.0, self.word_line_voltages - self.bit_line_voltages)
        return across * self.cell_currents

    @property
    def word_line_power(self) -> np.ndarray:
        """In word line segments and source resistances (batch,), W."""
        return _heat(self.word_segment_currents, self.wires.word)

    @property
    def bit_line_power(self) -> np.ndarray:
        """In bit line segments and sense resistances (batch,), W."""
        return _heat(self.bit_segment_currents, self.wires.bit)

    @property
    def power(self) -> np.ndarray:
        """Delivered by the drivers (batch,), W."""
        return (self.voltages * self.source_currents).sum(axis=1)


def along(drawn: np.ndarray, resistance: np.ndarray) -> np.ndarray:
    """Currents along lines (batch, lines, nodes + 1) whose nodes draw ``drawn`` (batch, lines, nodes)."""
    before = np.zeros((*drawn.shape[:2], drawn.shape[2] + 1))
    np.cumsum(drawn, axis=2, out=before[:, :, 1:])
    broken = np.isinf(resistance)
    finite = np.where(broken, 0.0, resistance)
    start = np.zeros((*before.shape[:2], 1))  # into a line that hangs on its right terminal alone
    left, right = broken[:, 0], broken[:, -1]
    start[:, right] = before[:, right, -1:]
    start[:, left] = 0.0
    hangs = left | right
    if not hangs.all():
        # both terminals of a whole line are at one voltage: its drops add up to nothing
        total = finite.sum(axis=1)
        share = np.divide(finite, total[:, None], out=np.zeros_like(finite), where=total[:, None] > 0)
        start = np.where(hangs[:, None], start, np.einsum("blk,lk->bl", before, share)[..., None])
    if broken[:, 1:-1].any():
        # a broken line carries nothing through a break: count from the last one before, or the first behind
        index = np.where(broken, np.arange(broken.shape[1]), -1)
        last = np.maximum.accumulate(index, axis=1)
        anchor = np.where(last >= 0, last, np.argmax(broken, axis=1)[:, None])
        anchored = np.take_along_axis(before, np.broadcast_to(anchor, before.shape), axis=2)
        start = np.where(np.asarray(broken.any(axis=1))[:, None], anchored, start)
    flow = np.subtract(start, before)
    flow[:, broken] = 0.0
    return flow


def _heat(currents: np.ndarray, resistance: np.ndarray) -> np.ndarray:
    finite = np.where(np.isinf(resistance), 0.0, resistance)
    return np.einsum("blk,blk,lk->b", currents, currents, finite)


def connected(conductances: np.ndarray, wires: Wires) -> tuple[np.ndarray, np.ndarray]:
    """Nodes of word and of bit lines that some path joins to a terminal, bool (rows, columns) each."""
    rows, columns = conductances.shape
    word = np.arange(rows * columns).reshape(rows, columns)
    bit = rows * columns + word
    ground = 2 * rows * columns
    pairs = [
        (word, bit, conductances > 0),
        (word[:, :-1], word[:, 1:], np.isfinite(wires.word[:, 1:-1])),
        (bit[:-1], bit[1:], np.isfinite(wires.bit[1:-1])),
        (word[:, 0], np.full(rows, ground), np.isfinite(wires.word[:, 0])),
        (word[:, -1], np.full(rows, ground), np.isfinite(wires.word[:, -1])),
        (bit[0], np.full(columns, ground), np.isfinite(wires.bit[0])),
        (bit[-1], np.full(columns, ground), np.isfinite(wires.bit[-1])),
    ]
    one = np.concatenate([a[there] for a, _, there in pairs])
    other = np.concatenate([b[there] for _, b, there in pairs])
    graph = coo_array((np.ones(len(one), dtype=bool), (one, other)), shape=(ground + 1, ground + 1))
    labels = connected_components(graph, directed=False)[1]
    joined = np.asarray(labels[:-1] == labels[-1])
    return joined[: rows * columns].reshape(rows, columns), joined[rows * columns :].reshape(rows, columns)
