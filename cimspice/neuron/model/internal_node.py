"""The internal node of a resistor synapse, between resistor and selector, which follows the membrane late."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import CubicSpline, PPoly

from cimspice.arrays import Array


@dataclass(frozen=True, eq=False)
class InternalNodeModel:
    """Capacitance at both ends of one polarity of resistor synapse.

    While the spike is on, the selector holds the node at its rail. Otherwise it floats, and the membrane
    charges it through the resistor: τ dV_i/dt = V − V_i, with τ = R (C_near + C_selector) from 0.1 ns for
    short resistors to a whole phase for the longest ones.
    """

    rail: float
    """Voltage (V) to which the selector pulls the node."""
    program: Array
    """Resistor lengths (m), strictly increasing, shape (programs,)."""
    near: Array
    """Capacitance (F) of the resistor at the membrane, shape (programs,). The same stands at the node: half
    of the resistor's capacitance to the substrate at either end, as in the PDK's model."""
    voltage: Array
    selector: Array
    """``voltage``, ``selector``: capacitance (F) of a selector that is off, over the node's voltage (V);
    shapes (points,)."""

    def near_capacitance(self, program: Array) -> Array:
        """Capacitance (F) on the membrane, same shape as ``program`` (m)."""
        return np.interp(program, self.program, self.near)

    @cached_property
    def selector_charge(self) -> PPoly:
        """Charge (C) of the selector over the node's voltage (V), up to a constant."""
        return CubicSpline(self.voltage, self.selector).antiderivative()

    @property
    def mean_selector(self) -> float:
        """Selector's capacitance (F) averaged over the table's voltages."""
        charge = self.selector_charge(self.voltage[[0, -1]])
        return float(np.diff(charge)[0] / (self.voltage[-1] - self.voltage[0]))

    def time_constant(self, program: Array, resistance: Array) -> Array:
        """τ (s) with which the floating node follows the membrane, for lengths (m) and resistances (Ω)."""
        return resistance * (self.near_capacitance(program) + self.mean_selector)

    def charge(self, program: Array, start: Array, end: Array) -> Array:
        """Charge (C) that takes the node from one voltage (V) to another; all broadcast."""
        selector = self.selector_charge(end) - self.selector_charge(start)
        return self.near_capacitance(program) * (end - start) + selector
