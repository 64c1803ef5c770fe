"""Families of synapse curves I(V), one per gate bias, and their joint fit with a common shape."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cimspice.errors import TableError
from cimspice.fit.least_squares import Solution, solve
from cimspice.fit.table import GATE_LAW, ORDERS, SYNAPSE, TableSchema

RESET_VOLTAGE = 1.3
VOLTAGE_SCALE, VOLTAGE_SCALE_HALF_WIDTH = 0.87725, 0.00043
"""V_th (V) with the half-width of its 95 % interval: V0 − V_switch of the neuron as sized, tt, 27 °C,
measured on its read-out (part ``readout`` of its card). The paper's is 0.872 V."""
UNIT_CURRENT = 122e-9
# The membrane voltages over which the paper's figures are extracted.
WINDOW = (0.43, 1.36)
_WINDOW_SLACK = 1e-6
# The straight line through a curve only has to give a start value.
_POINTS = 5


def displacement(polarity: str, membrane_voltage, reset_voltage: float):
    """How far the membrane has moved so as to raise the current: V − V0 for n (discharges), V0 − V for p."""
    return membrane_voltage - reset_voltage if polarity == "n" else reset_voltage - membrane_voltage


@dataclass(frozen=True, eq=False)
class Curve:
    """One synapse at one gate bias: ``displacement`` (m,) in V, ``current`` (m,) in A, also at reset."""

    gate_bias: float
    displacement: np.ndarray
    current: np.ndarray
    current_at_reset: float


@dataclass(frozen=True)
class CurveSelection:
    """Which curves of a synapse table to fit, and how the membrane potential is normalised.

    ``order``, ``corner`` and ``temperature`` (°C) may be None where the table has only one. ``window`` (V)
    limits the membrane voltage; ``near_current`` (A) keeps only the curve whose current at reset is nearest
    to it in ratio. ``reset_voltage`` is V0 and ``voltage_scale`` V_th, in V.
    """

    polarity: str
    order: str | None = ORDERS[0]
    corner: str | None = None
    temperature: float | None = None
    window: tuple[float, float] = WINDOW
    near_current: float | None = None
    reset_voltage: float = RESET_VOLTAGE
    voltage_scale: float = VOLTAGE_SCALE


def synapse_curves(table: pd.DataFrame, selection: CurveSelection) -> list[Curve]:
    """The curves of one condition from a synapse table, by rising current at reset.

    Raises
    ------
    TableError
        Bad table, several conditions unselected, a curve with fewer than five points in the window, or a
        current at reset that is not positive.
    """
    polarity, near = selection.polarity, selection.near_current
    rows = _rows(SYNAPSE, table, selection)
    inside = _inside(rows, selection)
    if not inside.any():
        raise TableError(
            "no membrane voltage lies between {} and {} V".format(*selection.window),
            place="synapse table, column 'membrane_voltage'",
            remedy="measure there, or give another window",
        )
    curves = []
    for bias in np.unique(rows["gate_bias"][inside]).tolist():
        curve = rows[inside & (rows["gate_bias"] == bias)]
        moved = displacement(polarity, curve["membrane_voltage"].to_numpy(), selection.reset_voltage)
        current = curve["current"].to_numpy()
        curves.append(Curve(bias, moved, current, _current_at_reset(bias, moved, current)))
    curves.sort(key=lambda curve: curve.current_at_reset)
    if near is not None:
        curves = [min(curves, key=lambda curve: abs(np.log(curve.current_at_reset / near)))]
    return curves


def transfer_rows(table: pd.DataFrame, selection: CurveSelection) -> pd.DataFrame | None:
    """The rows of a transfer curve, swept at one membrane voltage or at one that is not stated; else None."""
    rows = _rows(GATE_LAW, table, selection)
    if "membrane_voltage" in rows and rows["membrane_voltage"].nunique() > 1:
        return None
    if not (rows["current"] > 0).all():
        least = rows.sort_values("current").iloc[0]
        raise TableError(
            f"the current is {least['current']:.3g} A at gate bias {least['gate_bias']:g} V",
            place="gate_law table, column 'current'",
            remedy="give the magnitude of the driven current, and leave out rows that are only noise",
        )
    return rows.sort_values("gate_bias")


def outside_window(table: pd.DataFrame, selection: CurveSelection) -> int:
    """Number of rows whose membrane voltage is not in the window."""
    rows = _rows(SYNAPSE, table, selection)
    return int((~_inside(rows, selection)).sum())


def _rows(schema: TableSchema, table: pd.DataFrame, selection: CurveSelection) -> pd.DataFrame:
    return schema.rows(
        table,
        polarity=selection.polarity,
        order=selection.order,
        corner=selection.corner,
        temperature=selection.temperature,
    )


def _inside(rows: pd.DataFrame, selection: CurveSelection) -> pd.Series:
    low, high = selection.window
    return rows["membrane_voltage"].between(low - _WINDOW_SLACK, high + _WINDOW_SLACK)


def _current_at_reset(bias: float, moved: np.ndarray, current: np.ndarray) -> float:
    if moved.size < _POINTS:
        raise TableError(
            f"the curve at gate bias {bias} V has {moved.size} points in the window; {_POINTS} are needed",
            place="synapse table",
            remedy="measure more membrane voltages or widen the window",
        )
    at_reset = float(np.polyval(np.polyfit(moved, current, 1), 0.0))
    if at_reset <= 0:
        raise TableError(
            f"the current at reset is {at_reset:.3g} A at gate bias {bias} V",
            place="synapse table, column 'current'",
            remedy="give the magnitude of the driven current (positive for n and p), and leave out curves "
            "that are only noise",
        )
    return at_reset


@dataclass(frozen=True, eq=False)
class SharedShape:
    """Joint fit of I = I0_k (1 + Σ_j c_j φ_j(d, ln I0_k)): ``solution`` has c, ``currents`` (K,) the I0_k.

    ``relative`` and ``absolute`` (m,) are the residuals divided by I0_k, and in A.
    """

    solution: Solution
    currents: np.ndarray
    relative: np.ndarray
    absolute: np.ndarray


def fit_shared_shape(
    curves: Sequence[Curve],
    terms: Callable[[np.ndarray, np.ndarray], np.ndarray],
    names: Sequence[str],
    resolution: float = 0.0,
) -> SharedShape:
    """Fit the coefficients c of ``terms`` to all curves at once, each curve with its own current at reset.

    Parameters
    ----------
    terms
        Function of displacement (m,) in V and current at reset (m,) in A that gives the φ (m, n), zero at d =
        0.
    names
        Names of the n coefficients.
    resolution
        Half-width of an interval below which a coefficient counts as known even if it may be zero.

    Notes
    -----
    Currents span decades, so every curve is divided by its current at reset: residuals are relative to it.
    The φ use the currents of the previous pass; two passes make them consistent.
    """
    moved = np.concatenate([curve.displacement for curve in curves])
    owner = np.repeat(np.arange(len(curves)), [curve.current.size for curve in curves])
    references = np.array([curve.current_at_reset for curve in curves])
    currents = references
    count, rows = len(names), np.arange(owner.size)
    observed = np.concatenate([curve.current / curve.current_at_reset for curve in curves])
    start = np.concatenate([np.full(count, 0.1), np.ones(len(curves))])
    solution: Solution
    for _ in range(2):
        shape = terms(moved, currents[owner])

        def residuals(p: np.ndarray, shape: np.ndarray = shape) -> np.ndarray:
            return p[count:][owner] * (1 + shape @ p[:count]) - observed

        def jacobian(p: np.ndarray, shape: np.ndarray = shape) -> np.ndarray:
            matrix = np.zeros((owner.size, p.size))
            matrix[:, :count] = p[count:][owner][:, None] * shape
            matrix[rows, count + owner] = 1 + shape @ p[:count]
            return matrix

        solution = solve(
            residuals,
            start,
            names=[*names, *(f"current at reset ({curve.gate_bias} V)" for curve in curves)],
            scale=1.0,
            jacobian=jacobian,
            resolution=dict.fromkeys(names, resolution),
        )
        start = solution.values
        currents = references * solution.values[count:]
    absolute = solution.residuals * references[owner]
    return SharedShape(solution.first(count), currents, absolute / currents[owner], absolute)
