"""The exact membrane as a compiled loop (numba): the same step, no large arrays.

Two events are taken at once by a block of neurons whose state stays in the first-level cache, in one flat
array with constant distances, which lets the compiler vectorise. φ is a polynomial where the interval is
short, which with many inputs is nearly always.
"""

import numpy as np
from numba import njit
from numpy.polynomial import Chebyshev, Polynomial

from cimspice.neuron.emulator.relaxation import phi

_NEURONS = 64  # block: what 1000 inputs add to it fits a second-level cache
_SAMPLES = 128  # per sorted chunk: their orders are the whole workspace, and blocks are read once per chunk
_SHORT = 0.1
# interpolated in Chebyshev's points, which leaves 7e-16 of φ up to _SHORT
_PHI = tuple(Chebyshev.interpolate(phi, 6, domain=[0, _SHORT]).convert(kind=Polynomial).coef.tolist())


def blocks(weights: np.ndarray, conductance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of w and w/E (out, in) what `compiled_membrane` takes.

    For each block of neurons w beside w/E of each input and of one without weight, (blocks, in + 1, 2 ·
    neurons), and the largest Σ w/E of its neurons (blocks,).
    """
    outputs, inputs = weights.shape
    count = -(-outputs // _NEURONS)
    rows = np.zeros((count, inputs + 1, 2, _NEURONS))
    largest = np.empty(count)
    for block in range(count):
        part = slice(block * _NEURONS, min((block + 1) * _NEURONS, outputs))
        for half, matrix in enumerate((weights, conductance)):
            rows[block, :-1, half, : part.stop - part.start] = matrix[part].T
        largest[block] = conductance[part].sum(axis=1).max()
    return rows.reshape(count, inputs + 1, -1), largest


def compiled_membrane(times: np.ndarray, rows: np.ndarray, largest: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Membranes at the end of the phase; ``v`` (batch, out) holds v(0), becomes v(1) and is returned.

    ``times`` (batch, in) are spike times in [0, 1], ``rows`` and ``largest`` those of `blocks`.
    """
    for first in range(0, len(times), _SAMPLES):
        chunk = slice(first, first + _SAMPLES)
        _advance(times[chunk], np.argsort(times[chunk], axis=1), rows, largest, v[chunk])
    return v


@njit(cache=True, nogil=True)
def _advance(times, order, rows, largest, membrane):
    samples, inputs = times.shape
    state = np.empty(3 * _NEURONS)
    for block in range(len(rows)):
        first = block * _NEURONS
        width = min(_NEURONS, membrane.shape[1] - first)
        for b in range(samples):
            state[:width] = membrane[b, first : first + width]
            state[_NEURONS:] = 0.0
            for k in range(0, inputs, 2):
                one, two, middle, stop = order[b, k], inputs, 1.0, 1.0
                if k + 1 < inputs:
                    two = order[b, k + 1]
                    middle = times[b, two]
                if k + 2 < inputs:
                    stop = times[b, order[b, k + 2]]
                steps = middle - times[b, one], stop - middle
                if max(steps) * largest[block] < _SHORT:
                    _two_short(state, rows[block, one], rows[block, two], steps[0], steps[1], width)
                else:
                    _step(state, rows[block, one], steps[0], width)
                    _step(state, rows[block, two], steps[1], width)
            membrane[b, first : first + width] = state[:width]


@njit(cache=True, fastmath={"contract"}, nogil=True)
def _phi(x):
    return _PHI[0] + x * (
        _PHI[1] + x * (_PHI[2] + x * (_PHI[3] + x * (_PHI[4] + x * (_PHI[5] + x * _PHI[6]))))
    )


@njit(cache=True, fastmath={"contract"}, nogil=True)
def _two_short(state, one, two, step, second, width):
    for j in range(width):
        g, f = state[_NEURONS + j] + one[j], state[2 * _NEURONS + j] + one[_NEURONS + j]
        v = state[j] + (g - f * state[j]) * (step * _phi(f * step))
        g, f = g + two[j], f + two[_NEURONS + j]
        state[j] = v + (g - f * v) * (second * _phi(f * second))
        state[_NEURONS + j], state[2 * _NEURONS + j] = g, f


@njit(cache=True, fastmath={"contract"}, nogil=True)
def _step(state, row, step, width):
    for j in range(width):
        g, f = state[_NEURONS + j] + row[j], state[2 * _NEURONS + j] + row[_NEURONS + j]
        x = f * step
        mean = -np.expm1(-x) / x if x > 0.0 else 1.0
        state[j] += (g - f * state[j]) * (step * mean)
        state[_NEURONS + j], state[2 * _NEURONS + j] = g, f
