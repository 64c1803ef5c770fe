"""Inner nodes of 1T1R cells with sinh memories as a compiled loop (numba)."""

from __future__ import annotations

import numpy as np
from numba import njit

from cimspice.rram.model.tensor_spline import TensorSpline

_POWERS = 6  # coefficients along each axis: of the table's splines of degree 5
_FAST = {"contract", "reassoc", "nsz"}


def currents_and_slopes(
    word: np.ndarray,
    bit: np.ndarray,
    memory: tuple[np.ndarray, float],
    transistor: TensorSpline,
    share: np.ndarray,
    limit: int,
) -> tuple[np.ndarray, np.ndarray, bool]:
    """As `OneTransistorCell.__call__`, and whether all inner nodes were found.

    Parameters
    ----------
    word, bit
        Node voltages (batch, rows, columns), V.
    memory
        Amplitudes (rows, columns) in A and the voltage scale in V of the memories' sinh.
    transistor
        Current (A) over the lower end's voltage and the voltage across.
    share
        First guess (rows, columns) of the share of the voltage that falls on the transistor.
    limit
        Newton steps for one inner node.
    """
    current: np.ndarray = np.empty(word.shape)
    slope: np.ndarray = np.empty(word.shape)
    amplitude, scale = memory
    found = _cells(
        word.reshape(len(word), -1),
        bit.reshape(len(bit), -1),
        np.ravel(amplitude),
        1.0 / scale,
        transistor.x,
        transistor.y,
        transistor.coefficients,
        np.ravel(share),
        limit,
        current.reshape(len(word), -1),
        slope.reshape(len(word), -1),
    )
    return current, slope, bool(found)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def _cells(word, bit, amplitude, inverse, low_ends, across_ends, table, share, limit, current, slope):
    found = True
    for n in range(word.shape[0]):
        for k in range(word.shape[1]):
            top, bottom, size = word[n, k], bit[n, k], amplitude[k]
            low, high = min(top, bottom), max(top, bottom)
            inner = bottom + (top - bottom) * share[k]
            # the square of such a step, over the volts that bend the laws, is below rounding
            near = 1e-16 * (abs(top) + abs(bottom))
            step, through, above, to_drain, to_source = 0.0, 0.0, 0.0, 0.0, 0.0
            for _ in range(limit):
                m = np.expm1(abs(top - inner) * inverse)
                inverted = 1.0 / (m + 1.0)
                sinh = 0.5 * (m + m * inverted)
                through, above = size * sinh, size * inverse * (sinh + inverted)
                if top < inner:
                    through = -through
                below, to_drain, to_source = _transistor(low_ends, across_ends, table, inner, bottom)
                excess = through - below
                if excess > 0.0:
                    low = inner
                else:
                    high = inner
                step = excess / (above + to_drain)
                if step * step <= near:
                    break
                if not (low <= inner + step <= high):
                    step = 0.5 * (low + high) - inner
                if step == 0.0:
                    break
                inner += step
            else:
                found = False
            current[n, k] = through - above * step
            # body effect: the source line moves the current more than the bit line does
            slope[n, k] = 0.5 * above * (to_drain - to_source) / (above + to_drain)
    return found


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def _transistor(low_ends, across_ends, table, drain, source):
    # current and its derivatives to drain and source, as AccessTable.current_and_slopes
    low, across = min(drain, source), abs(drain - source)
    at_low = min(max(low, low_ends[0]), low_ends[-1])
    at_across = min(across, across_ends[-1])
    i, j = _piece(low_ends, at_low), _piece(across_ends, at_across)
    u, v = at_low - low_ends[i], at_across - across_ends[j]
    local = table[i, j]
    current, by_low, by_across = 0.0, 0.0, 0.0
    for a in range(_POWERS - 1, -1, -1):
        row, rise = local[a, _POWERS - 1], 0.0
        for b in range(_POWERS - 2, -1, -1):
            rise = rise * v + row
            row = row * v + local[a, b]
        by_low = by_low * u + current
        current = current * u + row
        by_across = by_across * u + rise
    current += by_low * (low - at_low) + by_across * (across - at_across)
    if drain >= source:
        return current, by_across, by_low - by_across
    return -current, by_across - by_low, -by_across


@njit(cache=True, nogil=True)
def _piece(ends, value):
    first, last = 0, len(ends) - 1
    while last - first > 1:
        middle = (first + last) // 2
        if value < ends[middle]:
            last = middle
        else:
            first = middle
    return first
