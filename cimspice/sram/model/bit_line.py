"""Two bit lines that many open cells discharge: what a multi-row read leaves on them.

With the lines at V_b and V_c, a line's capacitance C(V) to what does not move, C_x between the two, and
s_k = 1 while the word line of row k is open,

    C(V_b) dV_b/dt + C_x d(V_b − V_c)/dt =
        − Σ_k s_k [ (1 − bit_k) α_k I_0(V_b − δV_k, V_c) + bit_k I_1(V_b, V_c) ] − I_leak

and the mirror image for V_c. I_0 and I_1 are tables of the cell's DC currents (both access transistors at
work: each depends on both lines); α_k is the cell's own factor. C(V) is a parabola: junctions and overlaps
grow as a line falls. A pulse of nominal width W acts as an abrupt one of W + δ(W): δ comes from transients,
since edges and the charge of the cell's inner node are no DC matter. δV_k is what the line's own resistance
takes off the voltage at row k. Charge flows along the line within R C/π² (some 15 ps), so its profile is
that of steady currents i_j at places x_j on a line closed at both ends,

    δV_k = Σ_j G(x_k, x_j) i_j,   G(x, y) = R [ (x² + y²)/2 − max(x, y) + 1/3 ].

As a word line rises it lifts both lines by a charge Q per row, which it takes back as it falls: a read of
staggered pulses has it for a while, and the lines' coupled discharge happens that much higher up. Leakage of
closed cells ends with the reading, which is a fixed time after the longest pulse of the read.
"""

from dataclasses import dataclass, field, fields

import numpy as np

from cimspice.arrays import Array, checked_number, kept_array, real_array
from cimspice.errors import ParameterError
from cimspice.fit.conditions import check_known
from cimspice.fit.model import type_name
from cimspice.fit.ranges import Range
from cimspice.sram.model.currents import CellCurrents
from cimspice.sram.model.variation import CellVariation


@dataclass(frozen=True, eq=False)
class BitLines:
    """Both bit lines of one column."""

    supply_voltage: float
    word_line_voltage: float
    """``supply_voltage``, ``word_line_voltage``: of the read (V)."""
    start_voltage: float
    """Of both lines as the word lines open (V): the supply, and what the end of precharge couples in."""
    currents: CellCurrents
    """Of one nominal cell."""
    capacitance: float
    capacitance_slope: float
    capacitance_curvature: float
    """``capacitance``, ``capacitance_slope``, ``capacitance_curvature``: C at the start voltage (F), its
    first derivative (F/V) and half its second (F/V²)."""
    coupling: float
    """C_x (F)."""
    lift_zero: float
    lift_one: float
    """``lift_zero``, ``lift_one``: Q (C) that an open word line gives to the line on the side where its cell
    stores 0, and 1."""
    resistance: float
    """R of a whole line (ohm)."""
    leakage: float
    """Of all closed cells of a line (A), from the opening of the word lines to the reading."""
    unit_width: float
    """Width of code 1 (s): code n is a pulse of n times this."""
    width_correction: Array
    """δ (s) of codes 1, 2, ... ; its length is the largest code."""
    correction_slope: float
    """How δ changes with the line's voltage at the pulse's end, from the start voltage down (s/V)."""
    correction_sensitivity: float
    """How δ changes with the cell's own ln α (s): a weak cell opens late and closes early."""
    idle_time: float
    """Time (s) beside the longest pulse of a read for which the lines float before they are read."""
    trip_voltage: float
    """A line below this flips a nominal cell that stores 1 on its side, while its word line is open (V). From
    slow sweeps: a short pulse is kinder."""
    variation: CellVariation = field(default_factory=CellVariation.none)
    """How cells differ."""
    current_range: Range | None = None
    """Line voltages (V) over which the currents were measured; None where they were simulated."""
    corner: str | None = None
    temperature: float | None = None
    """``corner``, ``temperature``: of the characterisation: name, degrees Celsius; None where unknown."""

    def __post_init__(self) -> None:
        check_known(self, "BitLines")
        for entry in fields(self):
            if type_name(entry) == "float":
                low = 0.0 if entry.name in ("capacitance", "unit_width") else -np.inf
                checked_number(entry.name, getattr(self, entry.name), above=low, place="BitLines")
        corrections = kept_array("width_correction", self.width_correction, ("codes",))
        if not corrections.size:
            raise ParameterError(
                "width_correction has no codes", place="BitLines", remedy="give one for each code from 1"
            )
        object.__setattr__(self, "width_correction", corrections)

    @property
    def largest_code(self) -> int:
        """Largest pulse width in units that was characterised."""
        return len(self.width_correction)

    @property
    def widths(self) -> Array:
        """Effective widths (s) of codes 1, 2, ..., shape (largest code,)."""
        return self.unit_width * np.arange(1, self.largest_code + 1) + self.width_correction

    @property
    def safe_voltage(self) -> float:
        """Lowest line voltage (V) that a read may reach: four standard deviations above the mean trip.

        At least 0.1 V above ground, where the tables end and a cell passes hardly any current.
        """
        return max(self.trip_voltage, self.variation.trip_mean + 4 * self.variation.trip_deviation, 0.1)

    @property
    def unit_discharge(self) -> float:
        """What a nominal cell takes off a full line in one unit of time (V)."""
        current = float(self.currents.zero_alone(np.array(self.start_voltage)))
        return current * self.unit_width / self.capacitance

    @property
    def charge_limit(self) -> float:
        """Disturb bound: sum of codes on one line, in units, that cannot take it below the safe voltage.

        Reckoned with the current of a full line, so on the safe side.
        """
        correction = 1 + float(self.width_correction.max()) / self.unit_width
        return (self.start_voltage - self.safe_voltage) / (self.unit_discharge * max(correction, 1.0))

    def check_codes(self, codes: Array) -> Array:
        """Codes as integers.

        Raises
        ------
        ParameterError
            If one is negative, fractional, or longer than what was characterised.
        """
        values = np.asarray(real_array("pulse widths", codes), dtype=float)
        wrong = ~((values == np.rint(values)) & (values >= 0) & (values <= self.largest_code))
        if wrong.any():
            raise ParameterError(
                f"code {values[wrong][0]:g} is not a whole number from 0 to {self.largest_code}",
                place="pulse width",
                remedy=f"a code is a pulse of so many {self.unit_width * 1e12:g} ps; longer ones have to be "
                "characterised (largest_code), or split over several reads",
            )
        return values.astype(int)


def line_profile(positions: Array, strength: Array) -> Array:
    """s' G s / R of the line's resistance for steady currents: Σ_jk s_j s_k G(x_j, x_k) / R.

    Parameters
    ----------
    positions
        Places along the line from 0 to 1, rising along the last axis; broadcast against ``strength``.
    strength
        Current of each row in units of one cell's, shape (..., rows).

    Returns
    -------
    Shape (...,).
    """
    total = strength.sum(axis=-1)
    before = np.cumsum(strength, axis=-1)
    square = total * (strength * positions**2).sum(axis=-1)
    farthest = (strength * (2 * before - strength) * positions).sum(axis=-1)
    return square - farthest + total**2 / 3
