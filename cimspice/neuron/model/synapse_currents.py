"""The synapse of the spiking neuron at rest, as its measured tables: current, leakage, capacitance."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from scipy.interpolate import CubicSpline, PchipInterpolator

from cimspice.arrays import Array
from cimspice.errors import MappingError
from cimspice.neuron.model.internal_node import InternalNodeModel
from cimspice.neuron.model.separable import SeparableTable

Polarity = Literal["n", "p"]


@dataclass(frozen=True, eq=False)
class SynapseModel:
    """One polarity of synapse at rest. Currents are positive in the direction that the synapse drives: ``n``
    out of the membrane (v rises, V falls), ``p`` into it.
    """

    polarity: Polarity
    """``"n"`` (discharges, positive weight) or ``"p"`` (charges, negative weight)."""
    rest_voltage: float
    """V0 (V), at which a weight's current is quoted."""
    current: SeparableTable
    """Current (A) while the spike is on, over program and membrane voltage (V)."""
    idle_current: SeparableTable
    """Leakage (A) while the spike is off, same axes."""
    capacitance_voltage: Array
    capacitance: Array
    """``capacitance_voltage``, ``capacitance``: capacitance (F) that this polarity adds to the membrane per
    input, over membrane voltage (V); shapes (points,). Of resistors one polarity is placed per input: here
    stands half of one of typical length."""
    internal_node: InternalNodeModel | None = None
    """The far end, if the synapse is a resistor."""

    @property
    def sign(self) -> int:
        """Sign of dV/dt that this polarity causes: −1 for n, +1 for p."""
        return -1 if self.polarity == "n" else 1

    def resistance(self, program: Array) -> Array:
        """Resistance (Ω) of a resistor synapse at V0, selector included, for lengths (m); same shape.

        MappingError if the synapse is not a resistor.
        """
        if self.internal_node is None:
            raise MappingError(f"the {self.polarity}-synapse is no resistor", place="neuron model")
        current = self.current(program, np.array(self.rest_voltage))
        return abs(self.internal_node.rail - self.rest_voltage) / current

    @property
    def unselected_program(self) -> float:
        """Program of the leakage table that stands for a half without a weight: gate bias at the rail."""
        return float(self.idle_current.program[0 if self.polarity == "n" else -1])

    @cached_property
    def rest_current(self) -> Array:
        """Current (A) at V0 for every program of the table, shape (programs,)."""
        return self.current(self.current.program, np.array(self.rest_voltage))

    @cached_property
    def _program_of_log_current(self) -> PchipInterpolator:
        order = np.argsort(self.rest_current)
        return PchipInterpolator(np.log(self.rest_current[order]), self.current.program[order])

    def program_for(self, current: Array) -> Array:
        """Program (gate bias in V, or length in m) that gives these currents (A) at V0.

        MappingError if a current lies outside what the table covers; the message names it and the range.
        """
        current = np.asarray(current, float)
        low, high = self.rest_current.min(), self.rest_current.max()
        outside = ~((current >= low) & (current <= high))  # NaN is outside too
        if np.any(outside):
            raise MappingError(
                f"{self.polarity}-synapse current {current[outside].flat[0]:.4g} A is outside "
                f"{low:.4g} to {high:.4g} A",
                remedy="clip the weights, lengthen the phase, or characterise a wider range of programs",
            )
        program = self._program_of_log_current(np.log(current))
        for _ in range(3):  # secant steps on the smooth table: the start is already within a per mille
            step = 1e-5 * (self.current.program[-1] - self.current.program[0])
            bounded = np.clip(program, self.current.program[0], self.current.program[-1] - step)
            here = np.log(self.current(bounded, np.array(self.rest_voltage)))
            slope = (np.log(self.current(bounded + step, np.array(self.rest_voltage))) - here) / step
            program = np.clip(
                bounded + (np.log(current) - here) / slope,
                self.current.program[0],
                self.current.program[-1],
            )
        return program

    @cached_property
    def capacitance_at(self) -> CubicSpline:
        """Capacitance (F) of one synapse as a function of membrane voltage (V)."""
        return CubicSpline(self.capacitance_voltage, self.capacitance)
