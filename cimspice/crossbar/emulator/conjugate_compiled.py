"""Conjugate gradients on the bit lines as a compiled loop (numba), one vector at a time.

Each family of lines is stored with the node first and the line second, so that the recurrences along the
lines advance all lines at once in vector registers. Crossing to the other family is a tiled transposition.
What can be done to a row while it is near is done in the same pass.
"""

from __future__ import annotations

from threading import local

import numpy as np
from numba import njit

from cimspice.crossbar.emulator.conjugate import LEFT, LIMIT, ROUNDING, TOLERANCE, not_converged
from cimspice.crossbar.emulator.wires import Wires

_TILE = 8  # one cache line: columns of a power of two apart share few cache sets


_KEPT_BYTES = 2**27
_kept = local()


def deviations(
    conductances: np.ndarray, wires: Wires, currents: np.ndarray, tolerance: float = TOLERANCE
) -> tuple[np.ndarray, np.ndarray]:
    """As `cimspice.crossbar.emulator.conjugate.deviations`."""
    cells = np.ascontiguousarray(conductances if conductances.ndim == 3 else conductances[None])
    word: np.ndarray = np.empty(currents.shape)
    bit: np.ndarray = np.empty(currents.shape)
    flow = np.ascontiguousarray(currents)
    across, down = np.ascontiguousarray(wires.word.T), np.ascontiguousarray(wires.bit)
    work = _workspace(*currents.shape[1:])
    if _deviations(cells, across, down, flow, tolerance, LIMIT, work, word, bit) >= LIMIT:
        raise not_converged()
    return word, bit


def column_currents(
    conductances: np.ndarray, wires: Wires, voltages: np.ndarray, tolerance: float = TOLERANCE
) -> tuple[np.ndarray, np.ndarray]:
    """Column currents (batch, columns), A, of voltages (batch, rows), V, and their residuals (batch,).

    The residual is what the currents of a bit line's cells and those into its terminals differ by, or what
    the rounding of voltages can bring at the cell that conducts best, relative to the largest column current.
    """
    across, down = np.ascontiguousarray(wires.word.T), np.ascontiguousarray(wires.bit)
    rows, columns = conductances.shape
    found, residual = np.empty((len(voltages), columns)), np.empty(len(voltages))
    best = conductances.max()
    arguments = (conductances, best, across, down, wires.driven, np.ascontiguousarray(voltages))
    _column_currents(*arguments, tolerance, LIMIT, _workspace(rows, columns), found, residual)
    return found, residual


def _workspace(rows: int, columns: int) -> np.ndarray:
    """(arrays, rows · columns), kept by this thread: fresh pages would cost as much as the iteration."""
    size = _ARRAYS * rows * columns
    kept: np.ndarray = getattr(_kept, "work", np.empty(0))
    if kept.size < size:
        kept = np.empty(size)
        if kept.nbytes <= _KEPT_BYTES:
            _kept.work = kept
    return kept[:size].reshape(_ARRAYS, rows * columns)


_ARRAYS = 11
_FAST = {"contract", "reassoc", "nsz"}


@njit(cache=True, nogil=True)
def _deviations(cells, across, down, currents, tolerance, limit, work, word, bit):
    rows, columns = currents.shape[1:]
    found = work[0].reshape(columns, rows)
    worst = 0
    for n in range(len(currents)):
        g = cells[min(n, len(cells) - 1)]
        if n < len(cells):
            _prepare(g, across, down, work)
        worst = max(worst, _vector(g, currents[n], tolerance, limit, work, bit[n]))
        _turn(found, word[n])
    return worst


@njit(cache=True, nogil=True)
def _column_currents(g, best, across, down, driven, voltages, tolerance, limit, work, found, residual):
    rows, columns = g.shape
    word = work[0].reshape(columns, rows)
    bit, source = work[9].reshape(rows, columns), work[10].reshape(rows, columns)
    into = np.empty(columns)
    _prepare(g, across, down, work)
    for n in range(len(voltages)):
        for a in range(rows):
            for b in range(columns):
                source[a, b] = g[a, b] * voltages[n, a] if driven[a, b] else 0.0
        if _vector(g, source, tolerance, limit, work, bit) >= limit:
            residual[n] = np.inf
            continue
        for b in range(columns):
            into[b] = _into_terminal(bit[0, b], down[0, b]) + _into_terminal(bit[rows - 1, b], down[rows, b])
        for a in range(rows):
            for b in range(columns):
                bit[a, b] = source[a, b] - g[a, b] * bit[a, b]
        for j in range(0, columns, _TILE):
            for a in range(rows):
                for b in range(j, min(j + _TILE, columns)):
                    bit[a, b] += g[a, b] * word[b, a]
        found[n] = 0.0
        for a in range(rows):
            for b in range(columns):
                found[n, b] += bit[a, b]
        left, largest = best * ROUNDING * np.abs(voltages[n]).max(), np.abs(found[n]).max()
        for b in range(columns):
            if not abs(into[b] - found[n, b]) <= left and down[0, b] > 0.0 and down[rows, b] > 0.0:
                left = abs(into[b] - found[n, b])  # nan stays
        residual[n] = left / largest if largest > 0.0 else left


@njit(cache=True, nogil=True)
def _into_terminal(voltage, resistance):
    # nothing is known of the current into an ideal one
    return voltage / resistance if 0.0 < resistance < np.inf else 0.0


@njit(cache=True, nogil=True)
def _prepare(g, across, down, work):
    rows, columns = g.shape
    turned = work[0].reshape(columns, rows)
    _turn(g, turned)
    _ladders(turned, across, work[1].reshape(columns, rows), work[2].reshape(columns, rows))
    _ladders(g, down, work[3].reshape(rows, columns), work[4].reshape(rows, columns))


@njit(cache=True, nogil=True)
def _vector(g, source, tolerance, limit, work, v):
    # bit line voltages into v, word line voltages into work[0] (columns, rows); returns the iterations
    rows, columns = g.shape
    across = work[0].reshape(columns, rows)
    word_drop, word_gain = work[1].reshape(columns, rows), work[2].reshape(columns, rows)
    bit_drop, bit_gain = work[3].reshape(rows, columns), work[4].reshape(rows, columns)
    residual, flow = work[5].reshape(rows, columns), work[6].reshape(rows, columns)
    direction, image = work[7].reshape(rows, columns), work[8].reshape(rows, columns)
    v[:] = 0.0
    direction[:] = 0.0
    image[:] = 0.0
    flow[:] = 0.0
    _word_lines(g, v, source, across, word_drop, word_gain)
    for i in range(0, rows, _TILE):
        for j in range(0, columns, _TILE):
            for a in range(i, min(i + _TILE, rows)):
                for b in range(j, min(j + _TILE, columns)):
                    residual[a, b] = source[a, b] + g[a, b] * across[b, a]
    before, earlier, previous, length, step = 1.0, 1e-200, 1e-200, 0.0, 0
    while step < limit:
        reach = _forth_bit(bit_drop, length, direction, v, residual, flow)
        product, size = _back_bit(bit_drop, bit_gain, residual, flow)
        left = size * min(1.0, LEFT * max(size / earlier, earlier / previous))
        if not (product > 0.0 and left > tolerance * tolerance * reach):
            v += flow
            break
        previous, earlier = earlier, max(size, 1e-200)
        share = product / before if step > 0 else 0.0
        _onward(g, flow, residual, share, direction, image, across, word_drop)
        curvature = _back_along(g, across, word_drop, word_gain, image, direction, flow)
        if not curvature > 0.0:
            break
        length = product / curvature
        before = product
        step += 1
    _word_lines(g, v, source, across, word_drop, word_gain)
    return step


@njit(cache=True, fastmath=_FAST, nogil=True)
def _onward(g, flow, residual, share, direction, image, across, drop):
    # the next direction, its image under the bit lines' matrix, what it draws from word lines (in place of
    # flow) and the way forth along these
    rows, columns = g.shape
    for i in range(0, rows, _TILE):
        stop = min(i + _TILE, rows)
        for a in range(i, stop):
            for b in range(columns):
                d = flow[a, b] + share * direction[a, b]
                direction[a, b] = d
                image[a, b] = residual[a, b] + share * image[a, b]
                flow[a, b] = g[a, b] * d
        for j in range(0, columns, _TILE):
            for a in range(i, stop):
                for b in range(j, min(j + _TILE, columns)):
                    across[b, a] = flow[a, b]
    _sweep_forth(drop, across)


@njit(cache=True, fastmath=_FAST, nogil=True)
def _back_along(g, across, drop, gain, image, direction, change):
    # the way back along the word lines, the change that the direction makes, and its curvature
    rows, columns = g.shape
    _sweep_back(drop, gain, across)
    curvature = 0.0
    for i in range(0, rows, _TILE):
        stop = min(i + _TILE, rows)
        for j in range(0, columns, _TILE):
            for a in range(i, stop):
                for b in range(j, min(j + _TILE, columns)):
                    change[a, b] = across[b, a]
        for a in range(i, stop):
            for b in range(columns):
                c = image[a, b] - g[a, b] * change[a, b]
                change[a, b] = c
                curvature += direction[a, b] * c
    return curvature


@njit(cache=True, nogil=True)
def _word_lines(g, v, source, across, drop, gain):
    # word line voltages of bit line voltages v and extra currents, into across (columns, rows)
    rows, columns = g.shape
    for i in range(0, rows, _TILE):
        for j in range(0, columns, _TILE):
            for a in range(i, min(i + _TILE, rows)):
                for b in range(j, min(j + _TILE, columns)):
                    across[b, a] = g[a, b] * v[a, b] - source[a, b]
    _sweep_forth(drop, across)
    _sweep_back(drop, gain, across)


@njit(cache=True, fastmath=_FAST, nogil=True)
def _sweep_forth(drop, flow):
    nodes, lines = flow.shape
    for k in range(1, nodes):
        for n in range(lines):
            flow[k, n] += drop[k, n] * flow[k - 1, n]


@njit(cache=True, fastmath=_FAST, nogil=True)
def _sweep_back(drop, gain, flow):
    nodes, lines = flow.shape
    for n in range(lines):
        flow[nodes - 1, n] *= gain[nodes - 1, n]
    for k in range(nodes - 2, -1, -1):
        for n in range(lines):
            flow[k, n] = gain[k, n] * flow[k, n] + drop[k + 1, n] * flow[k + 1, n]


@njit(cache=True, fastmath=_FAST, nogil=True)
def _forth_bit(drop, length, direction, v, residual, flow):
    # takes the step whose change stands in flow, and goes forth along the bit lines with what is left
    nodes, lines = flow.shape
    reach = 0.0
    for k in range(nodes):
        for n in range(lines):
            x = v[k, n] + length * direction[k, n]
            v[k, n] = x
            reach += x * x
            r = residual[k, n] - length * flow[k, n]
            residual[k, n] = r
            flow[k, n] = r
        if k > 0:
            for n in range(lines):
                flow[k, n] += drop[k, n] * flow[k - 1, n]
    return reach


@njit(cache=True, fastmath=_FAST, nogil=True)
def _back_bit(drop, gain, residual, flow):
    nodes, lines = flow.shape
    product, size = 0.0, 0.0
    for n in range(lines):
        z = gain[nodes - 1, n] * flow[nodes - 1, n]
        flow[nodes - 1, n] = z
        product += residual[nodes - 1, n] * z
        size += z * z
    for k in range(nodes - 2, -1, -1):
        for n in range(lines):
            z = gain[k, n] * flow[k, n] + drop[k + 1, n] * flow[k + 1, n]
            flow[k, n] = z
            product += residual[k, n] * z
            size += z * z
    return product, size


@njit(cache=True, nogil=True)
def _turn(source, target):
    rows, columns = source.shape
    for i in range(0, rows, _TILE):
        for j in range(0, columns, _TILE):
            for a in range(i, min(i + _TILE, rows)):
                for b in range(j, min(j + _TILE, columns)):
                    target[b, a] = source[a, b]


@njit(cache=True, error_model="numpy", fastmath={"contract"}, nogil=True)
def _ladders(leak, segments, drop, gain):
    # as Ladders.of; lines whose segments, but for the last one, are resistances take the short way
    nodes, lines = leak.shape
    ordinary = True
    for k in range(nodes):
        for n in range(lines):
            ordinary &= (segments[k, n] > 0.0) & (segments[k, n] < np.inf)
    if not ordinary:
        _any_ladders(leak, segments, drop, gain)
        return
    seen = np.empty(lines)
    for n in range(lines):
        drop[0, n] = 0.0
        seen[n] = segments[0, n] / (1.0 + leak[0, n] * segments[0, n])
    for k in range(1, nodes):
        for n in range(lines):
            r, z = segments[k, n], seen[n]
            total = z + r
            ratio = z / total
            drop[k, n] = ratio
            gain[k - 1, n] = r * ratio
            seen[n] = total / (1.0 + leak[k, n] * total)
    for n in range(lines):
        r, z = segments[nodes, n], seen[n]
        gain[nodes - 1, n] = z if np.isinf(r) else r * (z / (z + r))


@njit(cache=True, error_model="numpy", nogil=True)
def _any_ladders(leak, segments, drop, gain):
    # z = inf where nothing leads to the terminal
    nodes, lines = leak.shape
    seen = np.zeros(lines)
    for k in range(nodes + 1):
        for n in range(lines):
            r, z = segments[k, n], seen[n]
            total = z + r
            ratio = z / total
            if np.isinf(z):
                ratio = 0.0 if np.isinf(r) else 1.0
            elif total == 0.0:
                ratio = 0.0
            if k > 0:
                isolated = 0.0 if np.isinf(z) else z
                gain[k - 1, n] = isolated if np.isinf(r) else r * ratio
            if k < nodes:
                drop[k, n] = ratio
                seen[n] = 1.0 / (leak[k, n] + 1.0 / total)
