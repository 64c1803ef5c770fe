"""Integration of both bit lines' equations over the steps in which the number of open cells is constant.

The word lines open together, so the open cells only become fewer: at the effective width of code 1, 2, ...
the cells of that code close and their word lines take back what they gave. Between two closings the
equations are smooth and autonomous, and one step of the classical Runge-Kutta method leaves a microvolt at
most.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cimspice.arrays import Array
from cimspice.sram.model.bit_line import BitLines, line_profile


@dataclass(frozen=True, eq=False)
class OpenCells:
    """What is open on both lines of N columns in each of U steps; the last axis is (line, complement)."""

    zero: Array
    """Sum of α over open cells that pull this line down, shape (N, U, 2)."""
    one: Array
    """Number of open cells that store 1 on this line's side, shape (N, U, 2)."""
    profile: Array
    """s'Gs / R of the cells in ``zero``, shape (N, U, 2)."""
    closing: Array
    closing_log: Array
    """``closing``, ``closing_log``: sums of α and of α ln α over the cells that close at the end of each
    step, shape (N, U, 2)."""

    def rows(self, chosen: Array) -> OpenCells:
        """Those of some of the columns."""
        return OpenCells(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


def open_cells(codes: Array, bits: Array, factors: Array, positions: Array, largest_code: int) -> OpenCells:
    """Sums over the rows of every column.

    Parameters
    ----------
    codes, bits
        Pulse width in units (0: closed) and stored bit of each row, shape (N, rows).
    factors
        α of each cell in the state it is in, shape (N, rows).
    positions
        Places of the rows along the line, from 0 to 1, rising in each column, shape (N, rows).
    largest_code
        U.
    """
    steps = np.arange(1, largest_code + 1)
    is_open = codes[:, None, :] >= steps[:, None]  # (N, U, rows)
    closes = codes[:, None, :] == steps[:, None]
    pulls = np.stack([1 - bits, bits], axis=-1) * factors[..., None]  # (N, rows, 2)
    logs = pulls * np.log(factors)[..., None]
    profile = np.stack(
        [line_profile(positions[:, None, :], is_open * pulls[:, None, :, side]) for side in (0, 1)], axis=-1
    )
    ones = np.stack([bits, 1 - bits], axis=-1).astype(float)
    return OpenCells(
        zero=is_open @ pulls,
        one=is_open @ ones,
        profile=profile,
        closing=closes @ pulls,
        closing_log=closes @ logs,
    )


def line_voltages(lines: BitLines, cells: OpenCells) -> Array:
    """Voltages (V) of both lines at the end of every step, shape (N, U, 2).

    Columns that stay above ``currents.decoupled_above`` are integrated with each line's own current alone;
    the others again with all of the tables.
    """
    voltages = _integrate(lines, cells, coupled=False)
    low = voltages[:, -1].min(axis=-1) < lines.currents.decoupled_above
    if low.any():
        voltages[low] = _integrate(lines, cells.rows(low), coupled=True)
    return voltages


def settled(lines: BitLines, voltages: Array, idle_time: float | Array) -> Array:
    """Voltages after the lines have floated for a time (s) with the leakage of closed cells."""
    return voltages - lines.leakage * idle_time / lines.capacitance


def _integrate(lines: BitLines, cells: OpenCells, *, coupled: bool) -> Array:
    durations = np.diff(lines.widths, prepend=0.0)
    lifted = lines.lift_zero * cells.one[..., ::-1] + lines.lift_one * cells.one
    returned = -np.diff(lifted, axis=1, append=0.0)
    volts = np.full((len(cells.zero), 2), lines.start_voltage)
    volts = volts + _rate(lines, volts, -lifted[:, 0])
    result = np.empty_like(cells.zero)
    for step, duration in enumerate(durations):
        zero, one, profile = cells.zero[:, step], cells.one[:, step], cells.profile[:, step]

        def rate(v: Array, zero: Array = zero, one: Array = one, profile: Array = profile) -> Array:
            return _rate(lines, v, _current(lines, v, zero, one, profile, coupled))

        k1 = rate(volts)
        k2 = rate(volts + duration / 2 * k1)
        k3 = rate(volts + duration / 2 * k2)
        k4 = rate(volts + duration * k3)
        volts = volts + duration / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        extra = lines.correction_sensitivity * cells.closing_log[:, step]
        extra = extra + lines.correction_slope * (volts - lines.start_voltage) * cells.closing[:, step]
        charge = lines.currents.zero_alone(volts) * extra + returned[:, step]
        volts = volts + _rate(lines, volts, charge)
        result[:, step] = volts
    return result


def _current(lines: BitLines, v: Array, zero: Array, one: Array, profile: Array, coupled: bool) -> Array:
    """Current (A) out of both lines, shape (N, 2)."""
    tables = lines.currents
    if coupled:
        into_zero, into_one = tables.at(v, v[:, ::-1])
        total = zero * into_zero + one * into_one
    else:
        into_zero = tables.zero_alone(v)
        total = zero * into_zero
    slope = np.interp(v, tables.voltage, tables.slope)
    leakage = lines.leakage * (one.sum(axis=-1, keepdims=True) > 0)  # no row open: the time is up
    return total - lines.resistance * profile * into_zero * slope + leakage


def _rate(lines: BitLines, v: Array, current: Array) -> Array:
    """dV/dt (V/s) of both lines for currents (A) out of them; with charges for currents, their steps."""
    fallen = v - lines.start_voltage
    own = lines.capacitance + (lines.capacitance_slope + lines.capacitance_curvature * fallen) * fallen
    own = own + lines.coupling
    determinant = own[:, :1] * own[:, 1:] - lines.coupling**2
    return -(own[:, ::-1] * current + lines.coupling * current[:, ::-1]) / determinant
