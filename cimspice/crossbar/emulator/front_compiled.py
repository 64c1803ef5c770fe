"""Small blocks, cell by cell, as a compiled loop (numba): the steps of the numpy form."""

from __future__ import annotations

import numpy as np
from numba import njit

from cimspice.crossbar.emulator.block import Block


def fronts(conductances: np.ndarray, word_segments: np.ndarray, bit_segments: np.ndarray) -> Block:
    """As `cimspice.crossbar.emulator.front.fronts`."""
    count, rows, columns = conductances.shape
    size = rows + columns
    dtype = conductances.dtype
    admittance = np.zeros((count, size, size), dtype)
    leaving = np.zeros((count, size, 2 * size), dtype)
    leaving[:, np.arange(columns), rows + np.arange(columns)] = 1
    leaving[:, columns + np.arange(rows), np.arange(rows)] = 1
    _grow(conductances, word_segments, bit_segments, admittance, leaving)
    return Block(admittance, leaving[:, :, :size], leaving[:, :, size:], rows, columns, top=True, right=True)


@njit(cache=True, fastmath={"contract"}, error_model="numpy", nogil=True)
def _grow(conductances, word_segments, bit_segments, admittance, leaving):
    # transfer and impedance lie side by side, so that one inner loop updates a row of both
    count, rows, columns = conductances.shape
    size = rows + columns
    x = np.empty(2 * size, conductances.dtype)
    for block in range(count):
        y = admittance[block]
        p = leaving[block]
        for column in range(columns):
            for row in range(rows - 1, -1, -1):
                word, bit = columns + row, column
                g = conductances[block, row, column]
                across, down = word_segments[block, row, column], bit_segments[block, row, column]
                if np.isinf(across):
                    p[bit, size + bit] += down
                    _hang(p, size, word, bit, g)
                    continue
                p[word, size + word] += across
                if np.isinf(down):
                    _hang(p, size, bit, word, g)
                    continue
                p[bit, size + bit] += down
                for k in range(2 * size):
                    x[k] = p[word, k] - p[bit, k]
                loop = x[size + word] - x[size + bit]
                t = 1 / loop if np.isinf(g) else g / (1 + g * loop)
                for k in range(size):
                    step = t * x[k]
                    if step != 0:
                        for n in range(size):
                            y[k, n] += step * x[n]
                    step = t * x[size + k]
                    if step != 0:
                        for n in range(2 * size):
                            p[k, n] -= step * x[n]


@njit(cache=True, nogil=True)
def _hang(p, size, end, other, g):
    corner = p[other, size + other] + 1 / g
    for k in range(2 * size):
        p[end, k] = p[other, k]
    for k in range(size):
        p[k, size + end] = p[k, size + other]
    p[end, size + end] = corner
