"""The inside of a linear crossbar: iterated, and solved directly where iteration misses Kirchhoff's laws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cimspice.crossbar.emulator.conjugate import ROUNDING, CrossbarNonConvergence, binary_scale
from cimspice.crossbar.emulator.network import Inside
from cimspice.crossbar.emulator.residual import SURE, relative, residuals

if TYPE_CHECKING:
    from cimspice.crossbar.emulator.array import Crossbar


def inside(crossbar: Crossbar, drivers: np.ndarray, senses: np.ndarray) -> Inside:
    """Everything inside for terminals at ``drivers`` (batch, rows) and ``senses`` (batch, columns), V."""
    g, wires = crossbar.conductances, crossbar.wires
    if crossbar.stiff:
        return crossbar.network.linear(g, drivers, senses)
    up = np.where(wires.driven, drivers[:, :, None], 0.0)
    down = np.where(wires.sensed, senses[:, None, :], 0.0)
    forced = (up - down) * g
    try:
        word, bit = crossbar.responses(forced)
    except CrossbarNonConvergence:
        return crossbar.network.linear(g, drivers, senses)
    difference = word - bit
    cell = forced + g * difference
    residual = residuals(wires, word, bit, cell, g, compiled=crossbar.compiled)
    found = Inside(up + word, down + bit, cell, up - down + difference, residual)
    missed = np.flatnonzero(~(residual <= SURE))
    if missed.size:
        exact = crossbar.network.linear(g, drivers[missed], senses[missed])
        for kept, values in zip(found, exact, strict=True):
            kept[missed] = values
    return found


def column_currents(crossbar: Crossbar, voltages: np.ndarray) -> np.ndarray:
    """Column currents (batch, columns), A, of voltages (batch, rows), V, vector by vector."""
    scale = binary_scale(voltages)[:, None]
    scaled = voltages / scale
    found, missed = np.empty((len(voltages), crossbar.shape[1])), np.arange(len(voltages))
    if not crossbar.stiff:
        crossbar.check_iteration()
        found, residual = _iterated_currents(crossbar, scaled)
        found *= scale
        missed = np.flatnonzero(~(residual <= SURE))
    for part in crossbar.chunks(len(missed)):
        vectors = missed[part]
        at_ground = np.zeros((len(vectors), crossbar.shape[1]))
        found[vectors] = scale[vectors] * inside(crossbar, scaled[vectors], at_ground).cell.sum(axis=1)
    return found


def _iterated_currents(crossbar: Crossbar, voltages: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Column currents and residuals; see `conjugate_compiled.column_currents`."""
    g, wires = crossbar.conductances, crossbar.wires
    if crossbar.compiled:
        from cimspice.crossbar.emulator import conjugate_compiled

        return conjugate_compiled.column_currents(g, wires, voltages)
    found, residual = np.zeros((len(voltages), crossbar.shape[1])), np.full(len(voltages), np.inf)
    ideal = (wires.bit[[0, -1]] == 0.0).any(axis=0)
    for part in crossbar.chunks(len(voltages)):
        source = np.where(wires.driven, voltages[part, :, None], 0.0) * g
        try:
            word, bit = crossbar.responses(source)
        except CrossbarNonConvergence:
            continue
        ends = wires.bit[[0, -1]]
        into = np.divide(bit[:, [0, -1]], ends, out=np.zeros((len(bit), *ends.shape)), where=ends > 0.0)
        found[part] = (source + g * (word - bit)).sum(axis=1)
        apart = np.where(ideal, 0.0, np.abs(into.sum(axis=1) - found[part])).max(axis=1)
        rounding = g.max() * ROUNDING * np.abs(voltages[part]).max(axis=1)
        residual[part] = relative(np.maximum(apart, rounding), np.abs(found[part]).max(axis=1))
    return found, residual


def collected_matrix(crossbar: Crossbar) -> np.ndarray:
    """The effective conductance from one iteration for each row, or for each column by reciprocity."""
    rows, columns = crossbar.shape
    by_row = rows <= columns
    matrix = np.empty(crossbar.shape, crossbar.dtype)
    for part in crossbar.chunks(min(rows, columns)):
        driven = np.zeros((part.stop - part.start, rows))
        sensed = np.zeros((part.stop - part.start, columns))
        (driven if by_row else sensed)[:, part] = np.eye(part.stop - part.start)
        cell = inside(crossbar, driven, sensed).cell
        if by_row:
            matrix[part] = cell.sum(axis=1)
        else:
            matrix[:, part] = -cell.sum(axis=2).T
    return matrix
