"""DSTD and its adjoint as compiled loops (numba): an input is added where it changes, not in every interval.

An input is off before the interval of its spike and on after it, so sums over inputs go on from one interval
to the next, and their cost does not grow with the number of intervals. A block of neurons stays in the
second-level cache: a row for each input, w beside w/E, and for the adjoint ∂L/∂w beside ∂L/∂(w/E). What
belongs to an interval lies in one flat buffer with constant distances, which lets the compiler vectorise.
"""

from math import factorial

import numpy as np
from numba import njit

NEURONS = 64
_ROW = 2 * NEURONS
_PHI, _PSI, _DECAY = NEURONS, 2 * NEURONS, 3 * NEURONS
_TERMS = 12
_SERIES_LIMIT = 0.25  # of φ and ψ, _TERMS leave 1e-17 there
_PHI_SERIES = np.array([(-1) ** n / factorial(n + 1) for n in range(_TERMS)])
_PSI_SERIES = np.array([(-1) ** n * (n + 1) / factorial(n + 2) for n in range(_TERMS)])


@njit(cache=True, nogil=True)
def by_interval(times, edges):
    """Inputs of each sample by the interval of their spike (batch, in), and where each interval's begin
    (batch, intervals + 1).
    """
    batch, inputs = times.shape
    intervals = len(edges) - 1
    order, firsts = np.empty((batch, inputs), np.int32), np.zeros((batch, intervals + 1), np.int32)
    where, place = np.empty(inputs, np.int32), np.empty(intervals, np.int32)
    for b in range(batch):
        for i in range(inputs):
            where[i] = min(np.searchsorted(edges, times[b, i], side="right"), intervals) - 1
            firsts[b, where[i] + 1] += 1
        for m in range(intervals):
            place[m] = firsts[b, m]
            firsts[b, m + 1] += firsts[b, m]
        for i in range(inputs):
            order[b, place[where[i]]] = i
            place[where[i]] += 1
    return order, firsts


@njit(cache=True, nogil=True)
def _packed(weights, inverse, first, width, rows):
    """Into ``rows`` (in + 1, ...) w and w/E of a block of neurons; the last row is of no weight."""
    rows[:] = 0.0
    for j in range(width):
        for i in range(weights.shape[1]):
            w = weights[first + j, i]
            rows[i, j], rows[i, width + j] = w, w * inverse[first + j, i]


@njit(cache=True, nogil=True)
def _event(events, number, times, stop, step):
    """Input, and the share of the interval for which it is on; past the end that of no weight."""
    if number >= len(events):
        return len(times), 1.0
    i = events[number]
    return i, min((stop - times[i]) / step, 1.0)


@njit(cache=True, fastmath={"contract"}, nogil=True)
def _add(sums, one, two, three, four, u, u_two, u_three, u_four, length):
    """Four inputs to the sums: all of each, then with the share 1 − u missing, and the moment u(1 − u)."""
    late, late_two, late_three, late_four = 1.0 - u, 1.0 - u_two, 1.0 - u_three, 1.0 - u_four
    p, p_two, p_three, p_four = u * late, u_two * late_two, u_three * late_three, u_four * late_four
    for j in range(length):
        a, b, c, d = one[j], two[j], three[j], four[j]
        sums[j] += (a + b) + (c + d)
        sums[_ROW + j] += (late * a + late_two * b) + (late_three * c + late_four * d)
        sums[2 * _ROW + j] += (p * a + p_two * b) + (p_three * c + p_four * d)


@njit(cache=True, fastmath={"contract"}, nogil=True)
def _interval(sums, rows, events, times, stop, step, width):
    """Adds the inputs that come in one interval: into ``sums`` its g beside f, and their moments."""
    length = 2 * width
    sums[_ROW:] = 0.0
    for k in range(0, len(events), 4):
        i, u = _event(events, k, times, stop, step)
        i_two, u_two = _event(events, k + 1, times, stop, step)
        i_three, u_three = _event(events, k + 2, times, stop, step)
        i_four, u_four = _event(events, k + 3, times, stop, step)
        _add(sums, rows[i], rows[i_two], rows[i_three], rows[i_four], u, u_two, u_three, u_four, length)
    for j in range(length):
        sums[3 * _ROW + j] = sums[j] - sums[_ROW + j]


@njit(cache=True, fastmath={"contract"}, nogil=True)
def _relaxation(values, width):
    """φ, ψ and e^(−x) behind x in the flat ``values``, by series at x/2ⁿ and n doublings; x is scaled."""
    largest = 0.0
    for j in range(width):
        largest = max(largest, values[j])
    doublings, scale = 0, 1.0
    while largest * scale > _SERIES_LIMIT and doublings < 60:
        doublings += 1
        scale *= 0.5
    for j in range(width):
        values[j] *= scale
        values[_PHI + j], values[_PSI + j] = _PHI_SERIES[-1], _PSI_SERIES[-1]
    for n in range(len(_PHI_SERIES) - 2, -1, -1):
        one, other = _PHI_SERIES[n], _PSI_SERIES[n]
        for j in range(width):
            values[_PHI + j] = values[_PHI + j] * values[j] + one
            values[_PSI + j] = values[_PSI + j] * values[j] + other
    for j in range(width):
        values[_DECAY + j] = 1.0 - values[j] * values[_PHI + j]
    for _ in range(doublings):
        for j in range(width):
            phi, decay = values[_PHI + j], values[_DECAY + j]
            values[_PSI + j] = 0.25 * (values[_PSI + j] * (1.0 + decay) + phi * decay)
            values[_PHI + j] = 0.5 * phi * (1.0 + decay)
            values[_DECAY + j] = decay * decay


@njit(cache=True, fastmath={"contract"}, nogil=True)
def _advance(sums, v, values, step, half, width):
    """v over one interval; leaves φ, ψ and e^(−x) in ``values`` and g with its commutator in ``sums``."""
    for j in range(width):
        values[j] = sums[3 * _ROW + width + j] * step
    _relaxation(values, width)
    for j in range(width):
        g, f = sums[3 * _ROW + j], sums[3 * _ROW + width + j]
        g += half * (f * sums[2 * _ROW + j] - sums[2 * _ROW + width + j] * g)
        sums[_ROW + j] = g
        v[j] += (g - f * v[j]) * step * values[_PHI + j]


@njit(cache=True, nogil=True)
def forward(times, order, firsts, edges, weights, inverse, third, path, membrane):
    """Fills ``membrane`` (batch, out) and, where it has intervals, ``path`` (intervals, batch, out)."""
    inputs, outputs = times.shape[1], len(weights)
    rows, sums = np.empty((inputs + 1, _ROW)), np.empty(4 * _ROW)
    v, values = np.empty(NEURONS), np.empty(4 * NEURONS)
    for first in range(0, outputs, NEURONS):
        width = min(NEURONS, outputs - first)
        _packed(weights, inverse, first, width, rows)
        for b in range(len(times)):
            sums[:] = 0.0
            v[:] = 0.0
            for m in range(len(edges) - 1):
                stop, step = edges[m + 1], edges[m + 1] - edges[m]
                if len(path):
                    path[m, b, first : first + width] = v[:width]
                events = order[b, firsts[b, m] : firsts[b, m + 1]]
                _interval(sums, rows, events, times[b], stop, step, width)
                _advance(sums, v, values, step, 0.5 * step if third else 0.0, width)
            membrane[b, first : first + width] = v[:width]


@njit(cache=True, nogil=True)
def backward(
    times, order, firsts, edges, weights, inverse, third, grad_membrane, grad_path, grad_times, grad_weights
):
    """Fills ``grad_weights`` (out, in) and adds to ``grad_times`` (batch, in); ``grad_path`` is (intervals or
    none, batch, out). The forward pass of each block is run again.
    """
    inputs, outputs, intervals = times.shape[1], len(weights), len(edges) - 1
    rows = np.empty((inputs + 1, 2 * _ROW))
    sums, kept = np.empty(4 * _ROW), np.empty((intervals, 9, NEURONS))
    v, values = np.empty(NEURONS), np.empty(4 * NEURONS)
    adjoint, share = np.empty(NEURONS), np.empty(3 * _ROW)
    for first in range(0, outputs, NEURONS):
        width = min(NEURONS, outputs - first)
        block = slice(first, first + width)
        _packed(weights, inverse, first, width, rows)
        for b in range(len(times)):
            sums[:] = 0.0
            v[:] = 0.0
            for m in range(intervals):
                stop, step = edges[m + 1], edges[m + 1] - edges[m]
                kept[m, 0, :width] = v[:width]
                events = order[b, firsts[b, m] : firsts[b, m + 1]]
                _interval(sums, rows, events, times[b], stop, step, width)
                _advance(sums, v, values, step, 0.5 * step if third else 0.0, width)
                for j in range(width):
                    kept[m, 1, j], kept[m, 2, j] = values[_PHI + j], values[_PSI + j]
                    kept[m, 3, j] = values[_DECAY + j]
                    kept[m, 4, j] = sums[_ROW + j]
                    kept[m, 5, j], kept[m, 6, j] = sums[3 * _ROW + j], sums[3 * _ROW + width + j]
                    kept[m, 7, j], kept[m, 8, j] = sums[2 * _ROW + j], sums[2 * _ROW + width + j]
            adjoint[:width] = grad_membrane[b, block]
            share[:] = 0.0
            for m in range(intervals - 1, -1, -1):
                stop, step = edges[m + 1], edges[m + 1] - edges[m]
                _adjoint(kept[m], adjoint, share, step, 0.5 * step if third else 0.0, width)
                if len(grad_path):
                    for j in range(width):
                        adjoint[j] += grad_path[m, b, first + j]
                events = order[b, firsts[b, m] : firsts[b, m + 1]]
                for k in range(0, len(events), 2):
                    i, u = _event(events, k, times[b], stop, step)
                    i_two, u_two = _event(events, k + 1, times[b], stop, step)
                    slope, slope_two = _of_inputs(share, rows[i], rows[i_two], u, u_two, 2 * width)
                    if 0.0 < u < 1.0:
                        grad_times[b, i] -= slope / step
                    if 0.0 < u_two < 1.0:
                        grad_times[b, i_two] -= slope_two / step
                for j in range(2 * width):  # inputs that came before have all of the interval
                    share[j] += share[_ROW + j] + share[2 * _ROW + j]
        for j in range(width):
            for i in range(inputs):
                grad_weights[first + j, i] = (
                    rows[i, _ROW + j] + inverse[first + j, i] * rows[i, _ROW + width + j]
                )


@njit(cache=True, fastmath={"contract"}, nogil=True)
def _adjoint(kept, adjoint, share, step, half, width):
    """Into ``share`` ∂L/∂g beside ∂L/∂f of the interval as polynomials of u; the first row is there."""
    for j in range(width):
        v, g, f = kept[0, j], kept[5, j], kept[6, j]
        by_g = adjoint[j] * step * kept[1, j]
        by_f = (
            -adjoint[j] * step * (v * kept[3, j] + kept[4, j] * step * kept[2, j]) + by_g * half * kept[7, j]
        )
        adjoint[j] *= kept[3, j]
        by_g_moment, by_f_moment = by_g * half * f, -by_g * half * g
        by_g *= 1.0 - half * kept[8, j]
        share[_ROW + j], share[2 * _ROW + j] = by_g + by_g_moment, -by_g_moment
        share[_ROW + width + j], share[2 * _ROW + width + j] = by_f + by_f_moment, -by_f_moment


@njit(cache=True, fastmath={"contract", "reassoc"}, nogil=True)
def _of_inputs(share, one, two, u, u_two, length):
    """Adds ∂L/∂w and ∂L/∂(w/E) of two inputs that are on for the shares u, and returns ∂L/∂u of each."""
    slope, slope_two = 0.0, 0.0
    for j in range(length):
        first, second = share[_ROW + j], share[2 * _ROW + j]
        one[_ROW + j] += share[j] + u * (first + u * second)
        two[_ROW + j] += share[j] + u_two * (first + u_two * second)
        slope += one[j] * (first + 2.0 * u * second)
        slope_two += two[j] * (first + 2.0 * u_two * second)
    return slope, slope_two
