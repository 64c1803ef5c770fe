"""What threshold shifts of single transistors do to the neuron: the laws by which chips differ."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import CubicSpline, PchipInterpolator

from cimspice.arrays import Array
from cimspice.neuron.model.readout import ReadoutModel
from cimspice.neuron.model.synapse_currents import Polarity, SynapseModel

RAMP = "ramp_memory"
"""The transistor whose current is the ramp."""


@dataclass(frozen=True, eq=False)
class MismatchModel:
    """Responses to threshold shifts, linear and quadratic; positive is ngspice's ``delvto`` > 0 (V)."""

    gain: Mapping[Polarity, tuple[float, float]]
    """A memory transistor's shift δ is a gate bias lower by δ, but for a factor exp(a δ + b δ²) on the
    current, through the mobility's dependence on the threshold: a (1/V), b (1/V²)."""
    unselected_voltage: Array
    unselected: Mapping[Polarity, Array]
    """``unselected_voltage``, ``unselected``: membrane voltages (V), (points,), and how the charges of a half
    that carries no weight answer a shift of its memory transistor, (2, 1 + delays, points) in C/V and C/V²:
    the rising edge first. Its inner node, which the edge has driven beyond the rail, settles through it."""
    start_voltage: Array
    ramp: Array
    """``start_voltage``, ``ramp``: membrane voltages (V) when firing starts, (starts,), and (2, starts): the
    spike of a neuron whose ramp transistor is shifted by δ comes exp(a δ + b δ²) times as late."""
    anchor: float
    """Membrane voltage (V) from which, and from above which, the ramp reaches the comparator's threshold at
    its usual slope."""
    delay: Mapping[str, tuple[float, float]]
    """Transistor → delay of a spike that the ramp makes over its shift: linear (s/V) and quadratic (s/V²)."""
    floor: Mapping[str, tuple[float, float]]
    """The same of a spike that comes at once, of a membrane far below the threshold."""
    reset: Mapping[str, float]
    """Transistor → change of the membrane's voltage at the phase's start over its shift (V/V)."""

    def shifted(
        self, synapse: SynapseModel, program: Array, shift: Array, used: Array
    ) -> tuple[Array, Array]:
        """Gate biases (V) and factors of the current that stand for memory transistors with a ``shift`` (V);
        all of one shape; (program, 1) where not ``used``.

        Beyond the table's gate biases its end's exponential law goes on.
        """
        table = synapse.current
        low, high = table.program[[0, -1]]
        wanted = np.where(used, program - shift, low)
        inside = np.clip(wanted, low, high)
        step = 1e-3 * np.where(inside == high, -1.0, 1.0)
        slope = (np.log(table.size(inside + step)) - np.log(table.size(inside))) / step
        linear, quadratic = self.gain[synapse.polarity]
        factor = np.exp((linear + quadratic * shift) * shift + slope * (wanted - inside))
        return np.where(used, inside, program), np.where(used, factor, 1.0)

    @cached_property
    def _ramp(self) -> PchipInterpolator:
        return PchipInterpolator(self.start_voltage, self.ramp.T)

    def stretch(self, voltage: Array, shift: Array) -> Array:
        """How many times as late the spike comes from ``voltage`` (V), (..., neurons), with a ``shift`` (V)
        of the ramp's transistor, (neurons,)."""
        bounded = np.clip(voltage, self.start_voltage[0], self.start_voltage[-1])
        linear, quadratic = np.moveaxis(self._ramp(bounded), -1, 0)
        return np.exp((linear + quadratic * shift) * shift)

    @cached_property
    def unselected_at(self) -> dict[Polarity, tuple[CubicSpline, CubicSpline]]:
        """Linear and quadratic responses of unselected halves over x (V): shape of x + (1 + delays,)."""
        voltage = self.unselected_voltage
        return {
            half: (CubicSpline(voltage, linear.T), CubicSpline(voltage, quadratic.T))
            for half, (linear, quadratic) in self.unselected.items()
        }

    def start(self, shifts: Mapping[str, Array]) -> Array:
        """Changes (V) of the membranes at the phase's start, likewise."""
        return np.sum([slope * shifts[name] for name, slope in self.reset.items()], axis=0)


@dataclass(frozen=True, eq=False)
class ShiftedReadout:
    """The read-outs of neurons whose ramps and comparators differ; as :class:`ReadoutModel`, with neurons on
    the last axis."""

    nominal: ReadoutModel
    model: MismatchModel
    shifts: Mapping[str, Array]
    """Transistor → threshold shifts (V), (neurons,)."""

    @cached_property
    def _anchor_slope(self) -> float:
        anchor = np.array(self.model.anchor)
        return float(self.nominal.time_slope(anchor))

    @cached_property
    def _lift(self) -> Array:
        """Change (V) of the membrane that does what the comparator's shifts do, (neurons,)."""
        anchor, delay = self.model.anchor, _summed(self.model.delay, self.shifts)
        lift = delay / self._anchor_slope
        reached = self.nominal.time(anchor + lift) - self.nominal.time(np.array(anchor))
        return lift + (delay - reached) / self._anchor_slope

    def time(self, voltage: Array) -> Array:
        """Spike time (s) from ``voltage`` (V), (..., neurons)."""
        low = np.minimum(voltage, self.model.anchor)
        falling = np.clip(self.nominal.time_slope(low + self._lift) / self._anchor_slope, 0.0, 1.0)
        floor = (1 - falling) * _summed(self.model.floor, self.shifts)
        moved = self.nominal.time(low + self._lift) - self.nominal.time(low)
        stretch = self.model.stretch(voltage + self._lift, self.shifts[RAMP])
        return (self.nominal.time(voltage) + moved) * stretch + floor

    def slope(self, voltage: Array) -> Array:
        """dV/dt (V/s) of the nominal ramp: only ratios at one neuron are asked for."""
        return self.nominal.slope(voltage)

    def voltage_after(self, voltage: Array, delay: float) -> Array:
        """Membrane voltage (V) a ``delay`` (s) after the ramp left ``voltage`` (V)."""
        return self.nominal.voltage_after(voltage, delay / self.model.stretch(voltage, self.shifts[RAMP]))


@dataclass(frozen=True, eq=False)
class LayerMismatch:
    """The threshold shifts (V) of one chip in one layer, and what they do."""

    model: MismatchModel
    memory: Mapping[Polarity, Array]
    """Of the memory transistors of either half of every synapse, (neurons, inputs)."""
    neuron: Mapping[str, Array]
    """Transistor of the neuron, as the netlist names it → (neurons,)."""

    @property
    def start(self) -> Array:
        """Changes (V) of the membranes at the phase's start, (neurons,)."""
        return self.model.start(self.neuron)

    def readout(self, nominal: ReadoutModel) -> ShiftedReadout:
        """The layer's read-outs."""
        return ShiftedReadout(nominal, self.model, self.neuron)

    def programs(self, synapse: SynapseModel, program: Array, used: Array) -> tuple[Array, Array]:
        """See :meth:`MismatchModel.shifted`; arrays (neurons, inputs)."""
        return self.model.shifted(synapse, program, self.memory[synapse.polarity], used)

    def unselected(self, synapse: SynapseModel, without: Array) -> list[tuple[Array, CubicSpline]]:
        """What is added to the charges of halves that carry no weight, which are ``without``, (inputs,
        neurons): weights, and what they multiply."""
        shift = np.where(without, self.memory[synapse.polarity].T, 0.0)
        linear, quadratic = self.model.unselected_at[synapse.polarity]
        return [(shift, linear), (shift**2, quadratic)]


def _summed(responses: Mapping[str, tuple[float, float]], shifts: Mapping[str, Array]) -> Array:
    return np.sum([(a + b * shifts[name]) * shifts[name] for name, (a, b) in responses.items()], axis=0)
