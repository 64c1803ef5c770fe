"""The model of a column's bit lines from its tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import least_squares

from cimspice.arrays import Array
from cimspice.errors import FitError, TableError
from cimspice.fit.repeats import MeanNoise
from cimspice.sram.model.bit_line import BitLines
from cimspice.sram.model.currents import CellCurrents
from cimspice.sram.model.discharge import OpenCells, line_voltages, open_cells, settled
from cimspice.sram.model.variation import CellVariation


@dataclass(frozen=True)
class ColumnFacts:
    """What the model takes from the array's design rather than from a fit."""

    supply_voltage: float
    word_line_voltage: float
    """``supply_voltage``, ``word_line_voltage``: V."""
    rows: int
    """On the bit line."""
    resistance: float
    coupling: float
    """``resistance``, ``coupling``: of a whole line (ohm), between both lines (F)."""
    unit_width: float
    idle_time: float
    """``unit_width``, ``idle_time``: s; see :class:`BitLines`."""
    corner: str | None = None
    temperature: float | None = None
    """``corner``, ``temperature``: of the tables: name, degrees Celsius."""


@dataclass(frozen=True, eq=False)
class BitLineFit:
    """A fitted column."""

    model: BitLines
    """The bit lines."""
    nominal: Array
    """Line voltages (V) and currents (A) of the cell to which the factors α of cells relate, shape (n, 2)."""
    covariance: Array
    freedom: int
    """``covariance``, ``freedom``: of the numbers fitted (``fitted_names``) and the degrees of freedom left
    by the training reads."""
    residual_rms: float
    full_scale: float
    """``residual_rms``, ``full_scale``: model minus circuit of the training reads, and the largest discharge
    among them (V)."""
    sensitivity_deviation: Array
    """Standard deviations of ``model.variation.sensitivity`` (1/V)."""
    noise: MeanNoise | None = None
    """Of the cell's currents, where they were measured several times."""

    @property
    def fitted(self) -> Array:
        """The numbers fitted, in the covariance's order."""
        return np.array([*(getattr(self.model, name) for name in _FITTED), *self.model.width_correction])

    def with_fitted(self, values: Array) -> BitLines:
        """The bit lines with other values of the numbers fitted."""
        return _with_fitted(self.model, values)


def _with_fitted(model: BitLines, values: Array) -> BitLines:
    named = dict(zip(_FITTED, values[: len(_FITTED)].tolist(), strict=True))
    return replace(model, **named, width_correction=values[len(_FITTED) :])


def cell_tables(table: pd.DataFrame) -> CellCurrents:
    """Tables of currents from a sweep of one line at each of several voltages of the other.

    What a flipped cell passes is no property of the state that is read: the value at the nearest voltage of
    the other line where the state holds takes its place, and the trip voltage says where that begins.
    """
    zero, bar, margin = (
        table.pivot_table(index="line_voltage", columns="held_voltage", values=name)
        for name in ("bit_line_current", "bit_line_bar_current", "state_margin")
    )
    if zero.isna().to_numpy().any():
        raise TableError("the table of currents has holes", remedy="characterise the cell again")
    own, held = zero.index.to_numpy(float), zero.columns.to_numpy(float)
    holds = margin.to_numpy() > 0  # (own, held)
    current = zero.to_numpy().copy()
    one = bar.to_numpy().T.copy()  # here the line itself is the one on the side that stores 1: (held, own)
    for j in range(len(held) - 2, -1, -1):
        lost = ~holds[:, j]
        current[lost, j] = current[lost, j + 1]
        one[j, lost] = one[j + 1, lost]
    other = np.linspace(held[0], held[-1], 1 + round((held[-1] - held[0]) / 0.1))
    current = np.array([np.interp(other, held, row) for row in current])
    fine = np.array([np.interp(own, held, column) for column in one.T]).T  # (own, other line's sweep)
    return CellCurrents(own, other, current, np.array([np.interp(other, own, row) for row in fine]))


_FITTED = (
    "capacitance",
    "capacitance_slope",
    "capacitance_curvature",
    "lift_zero",
    "lift_one",
    "correction_slope",
    "correction_sensitivity",
    "leakage",
)


def fitted_names(largest_code: int) -> tuple[str, ...]:
    """Names of what is fitted to the training reads, in the covariance's order."""
    return (*_FITTED, *(f"width_correction[{k}]" for k in range(largest_code)))


def fit_bit_lines(tables: Mapping[str, pd.DataFrame], facts: ColumnFacts) -> BitLineFit:
    """The bit lines' model from the tables of ``characterise_array``.

    FitError if the fit does not converge.
    """
    reads = tables["reads"]
    measured = reads[["bit_line_discharge", "bit_line_bar_discharge"]].to_numpy()
    nominal = nominal_curve(tables["currents"], facts.supply_voltage)
    logs = log_factors(tables["cells"], nominal)
    sensitivity, sensitivity_deviation = _sensitivity(tables["shifts"], logs[:, 0])
    variation = CellVariation.fit(logs, _trip_voltages(tables["trips"]), sensitivity)
    blank = _blank(tables, facts, variation)
    opened = _Opened.of(tables["opened"], facts.rows)
    cells = opened.cells(logs, blank.largest_code)
    first = _first_capacitance(blank, measured, opened)
    idle = reads["idle_time"].to_numpy()
    closed = opened.codes.max(axis=1) == 0
    charge = first * 1e-3  # what lifts a line by a millivolt
    leakage = first * float((measured[closed].mean(axis=1) / idle[closed]).mean())
    widths = [facts.unit_width] * blank.largest_code
    unit = [first] * 3 + [charge] * 2 + [facts.unit_width] * 2 + [charge / idle[closed].mean()]
    scales = np.array(unit + widths)

    def model(x: Array) -> BitLines:
        return _with_fitted(blank, x * scales)

    def residual(x: Array) -> Array:
        return (discharge(model(x), cells, idle) - measured).ravel()

    start = np.zeros(len(scales))
    start[0], start[len(_FITTED) - 1] = 1.0, leakage / scales[len(_FITTED) - 1]
    # Without lift first: with noise, a fit of all at once can end in a local minimum of 20 mV of lift.
    lifted = np.isin(fitted_names(blank.largest_code), ("lift_zero", "lift_one"))

    def unlifted(x: Array) -> Array:
        return residual(np.insert(x, np.flatnonzero(lifted) - [0, 1], 0.0))

    start[~lifted] = least_squares(unlifted, start[~lifted], x_scale="jac", ftol=1e-4).x
    solution = least_squares(residual, start, x_scale="jac")
    if not solution.success:  # along a flat valley, tables with kinks let each step gain next to nothing
        solution = least_squares(residual, solution.x, x_scale="jac", ftol=1e-6)
    if not solution.success:
        raise FitError(f"the fit of the bit lines did not converge: {solution.message}")
    freedom = max(len(solution.fun) - len(solution.x), 1)
    return BitLineFit(
        model=model(solution.x),
        nominal=nominal,
        covariance=_covariance(solution, scales, freedom),
        freedom=freedom,
        residual_rms=float(np.sqrt(np.mean(solution.fun.reshape(measured.shape) ** 2))),
        full_scale=float(measured.max()),
        sensitivity_deviation=sensitivity_deviation,
    )


def _blank(tables: Mapping[str, pd.DataFrame], facts: ColumnFacts, variation: CellVariation) -> BitLines:
    """What is known before the fit of the reads."""
    trips = tables["trips"]
    return BitLines(
        supply_voltage=facts.supply_voltage,
        word_line_voltage=facts.word_line_voltage,
        start_voltage=float(tables["reads"]["start_voltage"].median()),
        currents=cell_tables(tables["currents"]),
        capacitance=1.0,
        capacitance_slope=0.0,
        capacitance_curvature=0.0,
        coupling=facts.coupling,
        lift_zero=0.0,
        lift_one=0.0,
        resistance=facts.resistance,
        leakage=0.0,
        unit_width=facts.unit_width,
        width_correction=np.zeros(int(tables["opened"]["code"].max())),
        correction_slope=0.0,
        correction_sensitivity=0.0,
        idle_time=facts.idle_time,
        trip_voltage=float(trips.loc[trips["cell"] < 0, "trip_voltage"].max()),
        variation=variation,
        corner=facts.corner,
        temperature=facts.temperature,
    )


def discharge(lines: BitLines, cells: OpenCells, idle_time: float | Array) -> Array:
    """Discharge (V) of both lines as they are read, shape (N, 2)."""
    last = line_voltages(lines, cells)[:, -1]
    return lines.start_voltage - settled(lines, last, np.asarray(idle_time)[..., None])


def _trip_voltages(trips: pd.DataFrame) -> Array:
    """Of the cells with mismatch when they store 0 and 1 (V), shape (cells, 2)."""
    return (
        trips[trips["cell"] >= 0]
        .pivot_table(index="cell", columns="stored", values="trip_voltage")
        .to_numpy()
    )


def _sensitivity(shifts: pd.DataFrame, log_current: Array) -> tuple[Array, Array]:
    """d ln α / d threshold (1/V) of the left pass and pull-down, and its standard deviations."""
    terms = np.column_stack([shifts["pass_left"], shifts["pull_down_left"], np.ones(len(shifts))])
    values = np.linalg.lstsq(terms, log_current, rcond=None)[0]
    left = log_current - terms @ values
    variance = left @ left / max(len(left) - terms.shape[1], 1)
    return values[:2], np.sqrt(variance * np.diag(np.linalg.pinv(terms.T @ terms)))[:2]


def nominal_curve(currents: pd.DataFrame, supply_voltage: float) -> Array:
    """Line voltages (V) and currents (A) of a nominal cell while the other line is full, shape (n, 2)."""
    full = currents[np.isclose(currents["held_voltage"], supply_voltage)].sort_values("line_voltage")
    return full[["line_voltage", "bit_line_current"]].to_numpy()


def log_factors(cells: pd.DataFrame, nominal: Array) -> Array:
    """ln α of each cell when it stores 0 and 1, shape (cells, 2): its current over a nominal cell's, over the
    upper 0.6 V of the line."""
    expected = np.interp(cells["line_voltage"], *nominal.T)
    logs = cells.assign(log=np.log(cells["current"] / expected))
    return logs.pivot_table(index="cell", columns="stored", values="log").to_numpy()


@dataclass(frozen=True, eq=False)
class _Opened:
    """Rows of every read as rectangles (reads, most rows); missing rows are closed, nominal cells are -1."""

    codes: Array
    bits: Array
    positions: Array
    cell: Array

    @classmethod
    def of(cls, opened: pd.DataFrame, rows: int) -> _Opened:
        opened = opened.sort_values(["run", "row"])
        place = opened.groupby("run").cumcount().to_numpy()
        run = opened["run"].to_numpy()
        shape = (run.max() + 1, place.max() + 1)
        found = cls(np.zeros(shape, int), np.zeros(shape, int), np.ones(shape), np.full(shape, -1))
        found.codes[run, place], found.bits[run, place] = opened["code"], opened["bit"]
        found.positions[run, place] = (opened["row"] + 0.5) / rows
        found.cell[run, place] = opened["cell"]
        return found

    def cells(self, log_current: Array, largest_code: int) -> OpenCells:
        """Sums over the rows, with ln α of the cells that differ, shape (cells, 2)."""
        logs = np.where(self.cell >= 0, log_current[self.cell, self.bits], 0.0)
        return open_cells(self.codes, self.bits, np.exp(logs), self.positions, largest_code)


def _first_capacitance(blank: BitLines, measured: Array, opened: _Opened) -> float:
    """Total charge over total discharge, at the current of a full line."""
    current = float(blank.currents.zero_alone(np.array(blank.start_voltage)))
    return float(opened.codes.sum() * blank.unit_width * current / measured.sum())


def _covariance(solution: Any, scales: Array, freedom: int) -> Array:
    """Of the fitted numbers: from the Jacobian's singular values, those that say nothing left out."""
    _, singular, rows = np.linalg.svd(solution.jac, full_matrices=False)
    kept = singular > singular[0] * max(solution.jac.shape) * np.finfo(float).eps
    root = rows[kept] / singular[kept, None] * scales
    return root.T @ root * (solution.fun @ solution.fun) / freedom
