"""A layer of circuit neurons: the membrane's equation integrated with the measured tables, batch and neurons
at once.

Between two spikes the membrane obeys the autonomous equation C(V) dV/dt = Σ ± I(V), whose right side is
nearly linear in V (that is what the reversal potential says). The exponential Rosenbrock-Euler step is exact
for a linear right side, stable where the membrane sits at a rail, and second order otherwise (Hochbruck and
Ostermann, Acta Numerica 19, 2010, 209-286, eq. 2.58).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.interpolate import CubicSpline

from cimspice.arrays import (
    Array,
    checked_array,
    checked_count,
    checked_number,
    kept_array,
    numbers,
    real_array,
)
from cimspice.errors import ParameterError
from cimspice.neuron.emulator.firing import Firing, contract, interpolate, on_charge
from cimspice.neuron.emulator.internal_nodes import InternalNodes, spike_times
from cimspice.neuron.emulator.membrane_rate import (
    SLACK,
    Driven,
    MembraneRate,
    synapses_of,
    warn_of_extrapolation,
)
from cimspice.neuron.emulator.wires import WiredLayer
from cimspice.neuron.mapping import SIGNS
from cimspice.neuron.model.mismatch import LayerMismatch
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.model.readout import ReadoutModel
from cimspice.neuron.model.wires import Wiring


class Segment(NamedTuple):
    """The way of a batch's membranes from one edge to the next, or from the phase's start, or to its end."""

    column: Array | None
    alive: Array | None
    """``column``, ``alive``: the input (batch,) whose edge began it, and whether it came within the phase
    (batch, 1); None at the phase's start."""
    before: Array
    """Voltage (V) just before that edge, (batch, neurons)."""
    start: Array
    step: Array
    """``start``, ``step``: when it begins and its time steps (s), both (batch, 1)."""
    mixture: Array
    """Of the right side's terms: see :meth:`MembraneRate.mixture`."""
    voltages: list[Array]
    """Voltage (V) at every step's end, the edge's own step first, each (batch, neurons)."""


@dataclass(frozen=True, eq=False)
class NeuronLayer:
    """Neurons of one layer with programmed synapses.

    Raises
    ------
    ParameterError
        If the shapes differ, or the model's tables do not cover a program.
    """

    model: NeuronModel
    """The neuron's model."""
    polarity: Array
    """+1 where an n-synapse carries the weight, −1 where a p-synapse does, 0 for none; shape (neurons,
    inputs)."""
    program: Array
    """Gate bias (V) or length (m) of that synapse, same shape; ignored where the polarity is 0."""
    fan_out: int = 0
    """Number of neurons that an output drives (0 for the last layer): chooses the read-out."""
    step: float = 5e-9
    """Largest time step (s) of a phase of 1 µs or more; of shorter ones as much less."""
    load: int = 0
    """Neurons that a line of its inputs drives; 0: its own."""
    mismatch: LayerMismatch | None = None
    """Threshold shifts of this chip's transistors."""
    wires: Wiring | None = None
    """Rails, lines and coupled membranes, of MOSFET synapses; none: ideal ones."""

    def __post_init__(self) -> None:
        polarity = kept_array(
            "entries of polarity", self.polarity, ("neurons", "inputs"), low=-1, high=1, whole=True
        )
        program = numbers("entries of program", self.program)
        if not polarity.size or program.shape != polarity.shape:
            raise ParameterError(
                f"polarity has shape {polarity.shape}, program has shape {program.shape}",
                place="NeuronLayer",
                remedy="give two matrices (neurons, inputs), not empty",
            )
        program[polarity == 0] = 0.0
        program.setflags(write=False)
        object.__setattr__(self, "polarity", polarity)
        object.__setattr__(self, "program", program)
        object.__setattr__(self, "fan_out", checked_count("fan_out", self.fan_out, low=0))
        object.__setattr__(self, "load", checked_count("load", self.load, low=0))
        if self.wires and self.nodes:
            raise ParameterError(
                "wires with resistor synapses", place="NeuronLayer.wires", remedy="use MOSFET synapses"
            )
        checked_number("step", self.step, above=0, place="NeuronLayer.step")
        for sign, name in SIGNS:
            # splines would go on beyond their tables, into currents that no transistor has
            low, high = self.model.synapses[name].current.program[[0, -1]]
            outside = (self.polarity == sign) & ~(
                (self.program >= low - SLACK) & (self.program <= high + SLACK)
            )
            if outside.any():
                neuron, source = np.argwhere(outside)[0]
                raise ParameterError(
                    f"program {self.program[neuron, source]:.6g} of the {name}-synapse is outside "
                    f"{low:.6g} to {high:.6g}",
                    place=f"neuron {neuron}, input {source}",
                    remedy="clip the weights or characterise a wider range of programs",
                )

    @property
    def fan_in(self) -> int:
        """Number of inputs."""
        return self.polarity.shape[1]

    @cached_property
    def readout(self) -> ReadoutModel:
        """Read-out with this fan-in and fan-out.

        Raises
        ------
        ParameterError
            If the model was not characterised for them.
        """
        key = (self.fan_in, self.fan_out)
        if key not in self.model.readouts:
            known = ", ".join(str(entry) for entry in sorted(self.model.readouts))
            raise ParameterError(
                f"no read-out for (fan-in, fan-out) = {key}", place="neuron model", remedy=f"known: {known}"
            )
        return self.model.readouts[key]

    @cached_property
    def nodes(self) -> InternalNodes | None:
        """The far ends of resistor synapses, where there are any."""
        resistors = any(synapse.internal_node is not None for synapse in self.model.synapses.values())
        if not resistors:
            return None
        return InternalNodes(self.model, self.polarity, self.program)

    @cached_property
    def _common_capacitance(self) -> CubicSpline:
        """What all the layer's membranes have (F) over voltage (V): with MOSFETs all there is."""
        return self.model.membrane_capacitance(0 if self.nodes else self.fan_in)

    def capacitance(self, voltage: Array) -> Array:
        """Capacitance (F) on membranes at ``voltage`` (V), (..., neurons); of resistors their near ends."""
        common = self._common_capacitance(voltage)
        return common + self.nodes.near if self.nodes else common

    @cached_property
    def driven(self) -> tuple[Driven, ...]:
        """The synapses of either polarity."""
        neurons = self.load or self.polarity.shape[0]
        if neurons not in self.model.edges:
            known = ", ".join(str(entry) for entry in sorted(self.model.edges))
            raise ParameterError(
                f"no charges for drivers of {neurons} neurons", place="neuron model", remedy=f"known: {known}"
            )
        return synapses_of(self.model, self.model.edges[neurons], self.polarity, self.program, self.mismatch)

    @cached_property
    def wired(self) -> WiredLayer | None:
        """What the wires do, if there are any."""
        if self.wires is None:
            return None
        return WiredLayer(
            self.wires, self.model, self.polarity, self.program, self.capacitance, self.mismatch
        )

    @property
    def _largest_step(self) -> float:
        """Time step (s): resistor synapses have short phases."""
        return self.step * min(1.0, self.model.phase / 1e-6)

    @cached_property
    def firing(self) -> Firing:
        """The firing phase of MOSFET synapses."""
        readout = self.readout if self.mismatch is None else self.mismatch.readout(self.readout)
        return Firing(self.driven, readout, self.capacitance, self.model.phase, self.wired)

    @cached_property
    def rate(self) -> MembraneRate:
        """Right side of the membranes' equation."""
        return MembraneRate(self.driven, self.model.leakage_at, self._common_capacitance)

    def __call__(self, times: Array) -> tuple[Array, Array]:
        """Run a batch through the layer.

        Parameters
        ----------
        times
            When each input line crosses half the supply, in seconds after the start of the accumulation
            phase, shape (batch, inputs); the phase's length or more means no spike.

        Returns
        -------
        (voltage, times)
            Membrane voltage (V) at the end of accumulation and output spikes (s after the start of the firing
            phase; the phase's length where there is none), both (batch, neurons).
        """
        voltage, nodes, _ = self._accumulate(times, False)
        return voltage, self._fire(voltage, times, nodes)

    def accumulate(self, times: Array, trace: bool = False) -> tuple[Array, list[tuple[Array, Array]]]:
        """Membrane voltage at the end of the phase, shape (batch, neurons), and its trace if asked for.

        Returns
        -------
        (voltage, points)
            ``points`` is a list of (time (batch, 1) in s, voltage (batch, neurons) in V), empty without
            ``trace``.
        """
        voltage, _, kept = self._accumulate(times, trace)
        # an edge's step is drawn as the rise of the next point
        points = [(kept[0].start, kept[0].voltages[0])] if kept else []
        for segment in kept:
            points += [
                (segment.start + count * segment.step, moved)
                for count, moved in enumerate(segment.voltages[1:], 1)
            ]
        return voltage, points

    def path(self, times: Array) -> tuple[Array, list[Segment]]:
        """As :meth:`accumulate`, with the way from edge to edge."""
        voltage, _, kept = self._accumulate(times, True)
        return voltage, kept

    def _accumulate(self, times: Array, keep: bool) -> tuple[Array, Array | None, list[Segment]]:
        """Voltages of membranes and internal nodes (none with MOSFETs) when the phase ends, and the way there
        if it is to be kept."""
        phase = self.model.phase
        times = np.minimum(self._checked(times), phase)
        batch, inputs = times.shape
        order = np.argsort(times, axis=1)
        edges = np.concatenate(
            [np.zeros((batch, 1)), np.take_along_axis(times, order, 1), np.full((batch, 1), phase)], axis=1
        )
        # the step of reset was measured with the read-out's load
        measured = self.model.membrane_capacitance(self.fan_in)(self.model.rest_voltage)
        kick = self.model.reset_step[self.fan_in] * measured
        rest = self.model.rest_voltage + kick / self.capacitance(np.array(self.model.rest_voltage))
        voltage = np.full((batch, self.polarity.shape[0]), rest)
        if self.mismatch is not None:
            voltage = voltage + self.mismatch.start
        on = np.zeros((batch, inputs))
        nodes = self.nodes.at_rest(batch) if self.nodes else None
        kept = []
        reached = [voltage]  # between two edges a membrane moves one way
        for index in range(inputs + 1):
            column = alive = None
            before = voltage
            if index:
                column = order[:, index - 1]
                alive = np.take_along_axis(times, column[:, None], 1) < phase
                on[np.arange(batch), column] = alive[:, 0]
                voltage = voltage + alive * self.edge_step(voltage, column)
                voltage = self.wired.moved(before, voltage) if self.wired else voltage
                reached.append(voltage)
                if self.nodes and nodes is not None:
                    nodes = self.nodes.pulled(nodes, on)
            start, length = edges[:, index : index + 1], np.diff(edges[:, index : index + 2], axis=1)
            steps = int(np.ceil(length.max(initial=0.0) / self._largest_step))
            mixture = self.rate.mixture(on)
            way = [voltage]
            for _ in range(steps):
                if self.nodes and nodes is not None:
                    load = self.nodes.load(nodes, voltage, length / steps, 1 - on)
                    moved = self._loaded_step(voltage, mixture, length / steps, *load)
                    nodes = self.nodes.followed(nodes, voltage, moved - voltage, length / steps, on)
                    voltage = moved
                elif self.wired:
                    drawn = self.wired.drawn(voltage, on)
                    moved = self.rate.advance(voltage, mixture, length / steps, drawn=drawn)
                    voltage = self.wired.moved(voltage, moved)
                else:
                    voltage = self.rate.advance(voltage, mixture, length / steps)
                if keep:
                    way.append(voltage)
            if keep:
                kept.append(Segment(column, alive, before, start, length / max(steps, 1), mixture, way))
            reached.append(voltage)
        warn_of_extrapolation(self.driven, reached)
        return voltage, nodes, kept

    def _loaded_step(
        self, voltage: Array, mixture: Array, length: Array, charge: Array, extra: Array
    ) -> Array:
        """A step in which resistors that are off take charge (C) and add capacitance (F) to the membranes."""
        common = self._common_capacitance(voltage)
        total = self.capacitance(voltage) + extra
        drawn = charge / (np.maximum(length, 1e-18) * total)
        return self.rate.advance(voltage, mixture, length, common / total, drawn)

    def _checked(self, times: Array) -> Array:
        """Spike times as (batch, inputs) of numbers ≥ 0, for a fan-in that the model knows."""
        times = np.asarray(real_array("spike times", times), float)
        if times.ndim != 2 or times.shape[1] != self.fan_in:
            raise ParameterError(
                f"spike times have shape {times.shape}, the layer has {self.fan_in} inputs",
                place="spike times",
                remedy=f"give an array (batch, {self.fan_in})",
            )
        if not np.all(times >= 0):
            raise ParameterError(
                f"spike time is {times[~(times >= 0)].flat[0]:g} s",
                place="spike times",
                remedy="give seconds after the phase's start; the phase's length or more means no spike",
            )
        if self.fan_in not in self.model.reset_step:
            known = ", ".join(str(entry) for entry in sorted(self.model.reset_step))
            raise ParameterError(
                f"no step of reset for fan-in {self.fan_in}", place="neuron model", remedy=f"known: {known}"
            )
        return times

    def edge_step(self, voltage: Array, column: Array) -> Array:
        """Step of the membrane (V) by the charge of one rising edge per sample."""
        if self.wired:
            charge = self.wired.mixed(lambda synapses: on_charge(synapses, voltage, column))
        else:
            charge = on_charge(self.driven, voltage, column)
        return charge / self.capacitance(voltage)

    def fire(self, voltage: Array, times: Array) -> Array:
        """Output spikes (s) from the membrane's voltage at the end of accumulation, shape (batch, neurons).

        Internal nodes of resistors that are off are taken to stand at the membrane's voltage.
        """
        return self._fire(voltage, times, None)

    def _fire(self, voltage: Array, times: Array, nodes: Array | None) -> Array:
        """As :meth:`fire`, from the internal nodes' voltages at the end of accumulation, if known."""
        times = self._checked(times)
        voltage = checked_array("voltages", voltage, (len(times), len(self.polarity)))
        active = (times < self.model.phase).astype(float)
        if self.nodes is None:
            late = self.wires.output_delay[self.fan_out] if self.wires else 0.0
            return np.minimum(self.firing.times(voltage, active) + late, self.model.phase)
        if nodes is None:
            nodes = np.broadcast_to(voltage[..., None], (*voltage.shape, self.fan_in))
        delays, charge = self.driven[0].edges.off_delay, self.firing.charge(voltage, active)
        return spike_times(
            self.nodes,
            self.nodes.pulled(nodes, active),
            voltage,
            lambda delay: interpolate(delays, charge, np.full(voltage.shape, delay)),
            self._leakage,
            self.readout,
            self.model.membrane_capacitance(self.fan_in),
            self.capacitance,
            self.model.phase,
            self._largest_step,
        )

    def _leakage(self, voltage: Array) -> Array:
        """Current (A, positive raises V) of synapses while all are off, (batch, neurons)."""
        total = np.zeros_like(voltage)
        for driven in self.driven:
            every = np.broadcast_to(driven.idle.sum(axis=1)[:, None], (len(driven.idle), *voltage.shape))
            total += driven.sign * contract(every, driven.synapse.idle_current.basis(voltage))
        return total
