"""Small blocks, cell by cell: every cell is one rank-one step of the block's port matrices.

A block that holds some of its cells has as leaving ports the ends of its lines so far. A cell at the end
of word line i and bit line j first adds its two segments to the diagonal of Z, then its conductance g between
the two ends. With e = e_i - e_j its current is t (q·v + w·j), q = P'e, w = Ze, t = 1/(1/g + e'Ze), so that::

    Y += t q q'        P -= t w q'        Z -= t w w'

A broken segment before a live cell leaves the line's new end hanging on the other line through 1/g.
"""

from __future__ import annotations

import numpy as np

from cimspice.crossbar.emulator.block import Block

_CHUNK = 128  # blocks whose matrices stay in the second-level cache


def fronts(conductances: np.ndarray, word_segments: np.ndarray, bit_segments: np.ndarray) -> Block:
    """Blocks of the same small shape, with all their ports.

    Parameters
    ----------
    conductances
        Cells (count, rows, columns), siemens.
    word_segments
        Segment at the left of each cell (count, rows, columns), ohms; inf is broken.
    bit_segments
        Segment below each cell (count, rows, columns), ohms; inf is broken. Not where the left one is.
    """
    count, rows, columns = conductances.shape
    size = rows + columns
    dtype = conductances.dtype
    admittance = np.zeros((count, size, size), dtype)
    transfer = np.zeros((count, size, size), dtype)
    impedance = np.zeros((count, size, size), dtype)
    transfer[:, np.arange(columns), rows + np.arange(columns)] = 1
    transfer[:, columns + np.arange(rows), np.arange(rows)] = 1
    for first in range(0, count, _CHUNK):
        part = slice(first, first + _CHUNK)
        _grow(
            *(conductances[part], word_segments[part], bit_segments[part]),
            *(admittance[part], transfer[part], impedance[part]),
        )
    return Block(admittance, transfer, impedance, rows, columns, top=True, right=True)


def _grow(conductances, word_segments, bit_segments, admittance, transfer, impedance) -> None:
    rows, columns = conductances.shape[1:]
    for column in range(columns):
        for row in reversed(range(rows)):
            word, bit = columns + row, column
            g, across, down = (cells[:, row, column] for cells in (conductances, word_segments, bit_segments))
            cut_word, cut_bit = np.isinf(across), np.isinf(down)
            impedance[:, word, word] += np.where(cut_word, 0, across)
            impedance[:, bit, bit] += np.where(cut_bit, 0, down)
            for cut, end, other in ((cut_word, word, bit), (cut_bit, bit, word)):
                if cut.any():
                    _hang(cut, end, other, g, transfer, impedance)
            live = ~(cut_word | cut_bit)
            q = transfer[:, word] - transfer[:, bit]
            w = impedance[:, word] - impedance[:, bit]
            loop = w[:, word] - w[:, bit]
            t = np.where(live, g, 0)
            np.divide(t, 1 + t * loop, out=t, where=np.isfinite(t))
            np.divide(1, loop, out=t, where=np.isinf(t))
            scaled = t[:, None] * q
            admittance += q[:, :, None] * scaled[:, None, :]
            transfer -= w[:, :, None] * scaled[:, None, :]
            impedance -= w[:, :, None] * (t[:, None] * w)[:, None, :]


def _hang(cut, end, other, g, transfer, impedance) -> None:
    """A line whose segment is broken begins anew, behind the cell, at the other line."""
    transfer[cut, end] = transfer[cut, other]
    impedance[cut, end] = impedance[cut, other]
    impedance[cut, :, end] = impedance[cut, :, other]
    impedance[cut, end, end] = impedance[cut, other, other] + 1 / g[cut]
