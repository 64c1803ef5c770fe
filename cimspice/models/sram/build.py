"""The model of a column's bit lines from its tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.optimize import least_squares

from cimspice.errors import FitError, TableError
from cimspice.models.sram.bit_line import BitLines
from cimspice.models.sram.currents import CellCurrents
from cimspice.models.sram.discharge import OpenCells, line_voltages, open_cells, settled
from cimspice.models.sram.variation import CellVariation

Array = np.ndarray


@dataclass(frozen=True)
class ColumnFacts:
    """What the model takes from the array's design rather than from a fit.

    Attributes
    ----------
    supply_voltage, word_line_voltage
        V.
    rows
        On the bit line.
    resistance, coupling
        Of a whole line (ohm), between both lines (F).
    unit_width, idle_time
        s; see :class:`BitLines`.
    """

    supply_voltage: float
    word_line_voltage: float
    rows: int
    resistance: float
    coupling: float
    unit_width: float
    idle_time: float


@dataclass(frozen=True, eq=False)
class BitLineFit:
    """A fitted column.

    Attributes
    ----------
    model
        The bit lines.
    residual
        Model minus circuit (V) of the training reads, shape (reads, 2).
    deviation
        Standard deviation of each fitted number from the residual, by name.
    full_scale
        Largest discharge among the training reads (V).
    """

    model: BitLines
    residual: Array
    deviation: dict[str, float]
    full_scale: float


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
    own, other = zero.index.to_numpy(float), zero.columns.to_numpy(float)
    held = margin.to_numpy() > 0  # (own, other)
    current = zero.to_numpy().copy()
    one = bar.to_numpy().T.copy()  # own line is the one on the side that stores 1: (other, own)
    for j in range(len(other) - 2, -1, -1):
        lost = ~held[:, j]
        current[lost, j] = current[lost, j + 1]
        one[j, lost] = one[j + 1, lost]
    fine = np.array([np.interp(own, other, column) for column in one.T]).T  # (own, grid of the other)
    coarse = np.array([np.interp(other, own, row) for row in fine])
    return CellCurrents(own, other, current, coarse)


def fit_bit_lines(tables: Mapping[str, pd.DataFrame], facts: ColumnFacts) -> BitLineFit:
    """The bit lines' model from the tables of ``characterise_array``.

    Raises
    ------
    FitError
        If the fit does not converge.
    """
    reads, opened = tables["reads"], tables["opened"]
    currents = cell_tables(tables["currents"])
    start = float(reads["start_voltage"].median())
    measured = reads[["bit_line_discharge", "bit_line_bar_discharge"]].to_numpy()
    codes, bits, positions = _grids(opened, facts.rows)
    largest = int(codes.max())
    closed = codes.max(axis=1) == 0
    trips = tables["trips"]
    nominal = trips[trips["cell"] < 0]
    guess = facts.supply_voltage
    blank = BitLines(
        supply_voltage=facts.supply_voltage,
        word_line_voltage=facts.word_line_voltage,
        start_voltage=start,
        currents=currents,
        capacitance=1.0,
        capacitance_slope=0.0,
        coupling=facts.coupling,
        resistance=facts.resistance,
        leakage=0.0,
        unit_width=facts.unit_width,
        width_correction=np.zeros(largest),
        correction_slope=0.0,
        correction_sensitivity=0.0,
        idle_time=facts.idle_time,
        trip_voltage=float(nominal["trip_voltage"].max()),
        variation=cell_variation(tables, guess),
    )
    cells = open_cells(codes, bits, np.ones(codes.shape), positions, largest)
    first = _first_capacitance(blank, measured, codes, bits)
    idle = facts.idle_time + np.where(closed, 4e-9 - facts.idle_time, 0.0)

    def model(x: Array) -> BitLines:
        capacitance = x[0] * first
        leakage = capacitance * float(measured[closed].mean()) / 4e-9
        return replace(
            blank,
            capacitance=capacitance,
            capacitance_slope=x[1] * first,
            correction_slope=x[2] * facts.unit_width,
            width_correction=x[3:] * facts.unit_width,
            leakage=leakage,
        )

    def residual(x: Array) -> Array:
        return (discharge(model(x), cells, idle) - measured).ravel()

    solution = least_squares(residual, np.array([1.0, 0.0, 0.0, *np.zeros(largest)]), x_scale="jac")
    if not solution.success:
        raise FitError(f"the fit of the bit lines did not converge: {solution.message}")
    fitted = replace(model(solution.x), correction_sensitivity=0.0)
    return BitLineFit(
        fitted,
        solution.fun.reshape(measured.shape),
        _deviations(solution, first, facts.unit_width),
        float(measured.max()),
    )


def discharge(lines: BitLines, cells: OpenCells, idle_time: float | Array) -> Array:
    """Discharge (V) of both lines as they are read, shape (N, 2)."""
    last = line_voltages(lines, cells)[:, -1]
    return lines.start_voltage - settled(lines, last, np.asarray(idle_time)[..., None])


def cell_variation(tables: Mapping[str, pd.DataFrame], supply_voltage: float) -> CellVariation:
    """How cells differ: ln α over the upper 0.6 V of the line, trip voltages, and what thresholds have to do
    with ln α."""
    log_current = log_factors(tables["cells"], tables["currents"], supply_voltage)
    trips = tables["trips"]
    trip = trips[trips["cell"] >= 0].pivot_table(index="cell", columns="stored", values="trip_voltage")
    shifts = tables["shifts"]
    left = np.linalg.lstsq(
        np.column_stack([shifts["pass_left"], shifts["pull_down_left"], np.ones(len(shifts))]),
        log_current[:, 0],
        rcond=None,
    )[0]
    return CellVariation.fit(log_current, trip.to_numpy(), left[:2])


def log_factors(cells: pd.DataFrame, currents: pd.DataFrame, supply_voltage: float) -> Array:
    """ln α of each cell when it stores 0 and 1, shape (cells, 2): its current over a nominal cell's."""
    nominal = currents[np.isclose(currents["held_voltage"], supply_voltage)].sort_values("line_voltage")
    expected = np.interp(cells["line_voltage"], nominal["line_voltage"], nominal["bit_line_current"])
    logs = cells.assign(log=np.log(cells["current"] / expected))
    return logs.pivot_table(index="cell", columns="stored", values="log").to_numpy()


def _grids(opened: pd.DataFrame, rows: int) -> tuple[Array, Array, Array]:
    """Codes, bits and positions of every read as rectangles; missing rows are closed."""
    opened = opened.sort_values(["run", "row"])
    place = opened.groupby("run").cumcount().to_numpy()
    run = opened["run"].to_numpy()
    shape = (run.max() + 1, place.max() + 1)
    codes, bits, positions = np.zeros(shape, int), np.zeros(shape, int), np.ones(shape)
    codes[run, place], bits[run, place] = opened["code"], opened["bit"]
    positions[run, place] = (opened["row"] + 0.5) / rows
    return codes, bits, positions


def _first_capacitance(blank: BitLines, measured: Array, codes: Array, bits: Array) -> float:
    """Total charge over total discharge, at the current of a full line."""
    current = float(blank.currents.zero_alone(np.array(blank.start_voltage)))
    return float(codes.sum() * blank.unit_width * current / measured.sum())


def _deviations(solution, first: float, unit_width: float) -> dict[str, float]:
    freedom = max(len(solution.fun) - len(solution.x), 1)
    inverse = np.linalg.pinv(solution.jac.T @ solution.jac)
    sigma = np.sqrt(np.diag(inverse) * (solution.fun @ solution.fun) / freedom)
    scales = [first, first, unit_width] + [unit_width] * (len(sigma) - 3)
    names = ["capacitance", "capacitance_slope", "correction_slope"]
    names += [f"width_correction[{k}]" for k in range(len(sigma) - 3)]
    return {name: float(value * scale) for name, value, scale in zip(names, sigma, scales, strict=True)}
