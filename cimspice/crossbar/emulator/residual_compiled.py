"""Kirchhoff's laws along lines that are not broken, as a compiled loop (numba)."""

from __future__ import annotations

import numpy as np
from numba import njit

from cimspice.crossbar.emulator.wires import Wires


def misfits(wires: Wires, word, bit, cell, slope, excess) -> tuple[np.ndarray, np.ndarray]:
    """Largest current that law and wires disagree by, and largest current (batch,), A.

    Arguments as of `cimspice.crossbar.emulator.residual.residuals`.
    """
    worst, largest = np.zeros((2, len(cell)))
    beyond = np.zeros((0, *cell.shape[1:])) if excess is None else excess
    _misfits(wires.word.T, wires.bit, word, bit, cell, slope, beyond, worst, largest)
    return worst, largest


@njit(cache=True, nogil=True)
def _misfits(across, down, word, bit, cell, slope, excess, worst, largest):
    rows, columns = cell.shape[1:]
    misfit = np.empty((rows, columns))
    for n in range(len(cell)):
        misfit[:] = 0.0
        largest[n] = max(
            _lines(across, cell[n].T, word[n].T, 1.0, misfit.T), _lines(down, cell[n], bit[n], -1.0, misfit)
        )
        found = 0.0
        for i in range(rows):
            for j in range(columns):
                left = slope[n, i, j] * misfit[i, j]
                if len(excess) > 0:
                    left += excess[n, i, j]
                if not abs(left) <= found:  # nan stays
                    found = abs(left)
        worst[n] = found


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def _lines(segments, cell, given, sign, misfit):
    # adds to sign * misfit what the cells' currents bring to nodes (nodes, lines) less what is given there;
    # returns the largest current
    nodes, lines = cell.shape
    total, behind, flow, fall = np.zeros(lines), np.zeros(lines), np.zeros(lines), np.zeros(lines)
    for k in range(nodes + 1):
        for n in range(lines):
            total[n] += segments[k, n]
    for k in range(nodes):
        for n in range(lines):
            behind[n] += segments[k, n]
            share = 1.0 - behind[n] / total[n]
            if np.isinf(total[n]):
                share = 1.0 if np.isinf(segments[nodes, n]) else 0.0
            elif total[n] == 0.0:
                share = 0.0
            flow[n] += sign * share * cell[k, n]
    largest = 0.0
    for k in range(nodes):
        for n in range(lines):
            largest = max(largest, abs(flow[n]))
            if not np.isinf(segments[k, n]):
                fall[n] += segments[k, n] * flow[n]
            misfit[k, n] -= sign * (fall[n] + given[k, n])
            flow[n] -= sign * cell[k, n]
    for n in range(lines):
        largest = max(largest, abs(flow[n]))
        fall[n] = fall[n] + segments[nodes, n] * flow[n] if np.isinf(segments[0, n]) else 0.0
    for k in range(nodes):
        for n in range(lines):
            misfit[k, n] += sign * fall[n]
    return largest
