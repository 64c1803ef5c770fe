"""A layer of circuit neurons: the membrane's equation integrated with the measured tables, batch and neurons at once.

Between two spikes the membrane obeys the autonomous equation C(V) dV/dt = Σ ± I(V), whose right side is nearly
linear in V (that is what the reversal potential says). The exponential Rosenbrock-Euler step is exact for a linear
right side, stable where the membrane sits at a rail, and second order otherwise (Hochbruck and Ostermann, Acta
Numerica 19, 2010, 209-286, eq. 2.58).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import CubicSpline

from cimspice.errors import ParameterError
from cimspice.models.neuron.neuron import NeuronModel
from cimspice.models.neuron.readout import ReadoutModel
from cimspice.models.neuron.synapse import SynapseModel

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class InputSpikes:
    """Spikes at a layer's input, in seconds after the start of its accumulation phase.

    Parameters
    ----------
    time
        Rising edge at the n-synapses, shape (batch, inputs); the phase's length or more means no spike.
    complement_lead
        How much earlier (s) the p-synapses switch on.
    fall_delay, complement_fall_delay
        How late (s) after the end of the phase n- and p-synapses switch off.
    """

    time: Array
    complement_lead: float = 0.0
    fall_delay: float = 0.0
    complement_fall_delay: float = 0.0


@dataclass(frozen=True, eq=False)
class LayerResult:
    """What a layer did: membrane voltage at the end of accumulation (V) and output spikes (s), (batch, neurons)."""

    voltage: Array
    spikes: InputSpikes


class _Driven:
    """Synapses of one polarity with their programs: sums over the synapses that are on, as matrix products."""

    def __init__(self, synapse: SynapseModel, program: Array, mask: Array):
        self.synapse, self.mask = synapse, mask.T
        self.sign = synapse.sign
        transposed = np.where(mask, program, 0.0).T
        self.current = synapse.current.weights(transposed, self.mask)  # (terms, inputs, neurons)
        self.idle = synapse.idle_current.weights(transposed, self.mask)
        self.on = synapse.on_charge.weights(transposed, self.mask)
        self.off = [table.weights(transposed, self.mask) for table in synapse.off_charge]


@dataclass(frozen=True, eq=False)
class NeuronLayer:
    """Neurons of one layer with programmed synapses.

    Parameters
    ----------
    model
        The neuron's model.
    polarity
        +1 where an n-synapse carries the weight, −1 where a p-synapse does, 0 for none; shape (neurons, inputs).
    program
        Gate bias (V) or length (m) of that synapse, same shape; ignored where the polarity is 0.
    fan_out
        Number of neurons that an output drives (0 for the last layer): chooses the read-out.
    step
        Largest time step (s).
    """

    model: NeuronModel
    polarity: Array
    program: Array
    fan_out: int = 0
    step: float = 5e-9

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
    def capacitance(self) -> CubicSpline:
        """Membrane capacitance (F) over voltage (V)."""
        return self.model.membrane_capacitance(self.fan_in)

    @cached_property
    def _driven(self) -> tuple[_Driven, ...]:
        return tuple(
            _Driven(self.model.synapses[name], self.program, self.polarity == sign)
            for name, sign in (("n", 1), ("p", -1))
        )

    @cached_property
    def _tables(self) -> _Tables:
        return _Tables(self)

    def __call__(self, spikes: InputSpikes) -> LayerResult:
        """Run a batch through the layer."""
        voltage = self.accumulate(spikes)[0]
        return LayerResult(voltage, self._fire(voltage, spikes))

    def accumulate(self, spikes: InputSpikes, trace: bool = False) -> tuple[Array, list[tuple[Array, Array]]]:
        """Membrane voltage at the end of the phase, shape (batch, neurons), and its trace if asked for.

        Returns
        -------
        (voltage, points)
            ``points`` is a list of (time (batch, 1) in s, voltage (batch, neurons) in V).
        """
        phase = self.model.phase
        time = np.minimum(np.asarray(spikes.time, float), phase)
        batch, inputs = time.shape
        if inputs != self.fan_in:
            raise ParameterError(f"{inputs} inputs for a layer of fan-in {self.fan_in}")
        order = np.argsort(time, axis=1)
        edges = np.concatenate(
            [np.zeros((batch, 1)), np.take_along_axis(time, order, 1), np.full((batch, 1), phase)], axis=1
        )
        neurons = self.polarity.shape[0]
        voltage = np.full((batch, neurons), self.model.rest_voltage)
        voltage += self.model.reset_charge / self.capacitance(voltage)
        on = np.zeros((batch, inputs))
        points = [(edges[:, :1], voltage)] if trace else []
        for index in range(inputs + 1):
            if index:
                column = order[:, index - 1]
                alive = np.take_along_axis(time, column[:, None], 1) < phase
                on[np.arange(batch), column] = alive[:, 0]
                voltage = voltage + alive * self._edge_step(voltage, column, spikes)
            start, length = edges[:, index : index + 1], np.diff(edges[:, index : index + 2], axis=1)
            steps = int(np.ceil(length.max() / self.step)) if length.max() > 0 else 0
            mixture = self._tables.mixture(on)
            for count in range(steps):
                voltage = self._tables.advance(voltage, mixture, length / steps)
                if trace:
                    points.append((start + (count + 1) / steps * length, voltage))
        return voltage, points

    def _edge_step(self, voltage: Array, column: Array, spikes: InputSpikes) -> Array:
        """Step of the membrane (V) by the charge of one rising edge per sample."""
        total = np.zeros_like(voltage)
        for driven in self._driven:
            table = driven.synapse.on_charge
            charge = np.einsum("kbn,bnk->bn", driven.on[:, column], table.basis(voltage))
            if driven.sign > 0 and spikes.complement_lead:
                basis = driven.synapse.current.basis(voltage)
                charge += spikes.complement_lead * np.einsum("kbn,bnk->bn", driven.current[:, column], basis)
            total += driven.sign * charge
        return total / self.capacitance(voltage)

    def _fire(self, voltage: Array, spikes: InputSpikes) -> InputSpikes:
        """Output spikes: the read-out's time, moved by the charge that the synapses still drive while they turn off."""
        phase, readout = self.model.phase, self.readout
        active = (np.asarray(spikes.time) < phase).astype(float)
        delays = self._driven[0].synapse.off_delay
        charge = np.zeros((len(delays), *voltage.shape))
        for driven in self._driven:
            late = spikes.fall_delay if driven.sign < 0 else spikes.complement_fall_delay
            held = np.einsum("kbn,bnk->bn", np.tensordot(driven.current, active, ([1], [1])).swapaxes(1, 2),
                             driven.synapse.current.basis(voltage))  # fmt: skip
            for index, (table, weights) in enumerate(zip(driven.synapse.off_charge, driven.off, strict=True)):
                summed = np.tensordot(weights, active, ([1], [1])).swapaxes(1, 2)
                off = np.einsum("kbn,bnk->bn", summed, table.basis(voltage))
                charge[index] += driven.sign * (off + late * held)
        # a charge that comes when the ramp has another slope moves the spike by charge over that current
        capacitance, slope = self.capacitance(voltage), readout.slope(voltage)
        before = np.concatenate([[0.0], delays[:-1]])
        shift = np.zeros((len(delays), *voltage.shape))
        shift[0] = charge[0] / capacitance
        for index in range(1, len(delays)):
            middle = readout.voltage_after(voltage, float(np.sqrt(delays[index] * before[index])))
            factor = slope * capacitance / (readout.slope(middle) * self.capacitance(middle))
            shift[index] = shift[index - 1] + factor * (charge[index] - charge[index - 1]) / capacitance
        time = readout.time(voltage)
        for _ in range(3):
            time = readout.time(voltage + _interpolate(delays, shift, time))
        spiked = time < phase
        return InputSpikes(
            np.where(spiked, time, phase),
            readout.complement_lead,
            readout.fall_delay,
            readout.complement_fall_delay,
        )


def _interpolate(delays: Array, values: Array, at: Array) -> Array:
    """Values (delays, ...) at a delay of its own for each entry of ``at`` (...): linear in the delay's logarithm."""
    grid, wanted = np.log(delays), np.log(np.maximum(at, delays[0]))
    upper = np.clip(np.searchsorted(grid, wanted), 1, len(grid) - 1)
    share = np.clip((wanted - grid[upper - 1]) / (grid[upper] - grid[upper - 1]), 0.0, 1.0)
    low = np.take_along_axis(values, (upper - 1)[None], 0)[0]
    high = np.take_along_axis(values, upper[None], 0)[0]
    return low + share * (high - low)


class _Tables:
    """Right side of the membrane's equation: terms of all polarities, on and idle, in one stacked spline."""

    def __init__(self, layer: NeuronLayer):
        grid = np.unique(np.concatenate([driven.synapse.current.x for driven in layer._driven]))
        columns, self._on, self._idle = [-layer.model.leakage_at(grid)[:, None]], [], []
        for driven in layer._driven:
            current, idle = driven.synapse.current, driven.synapse.idle_current
            columns += [driven.sign * current.basis(grid), driven.sign * idle.basis(grid)]
            self._on.append(driven.current)
            self._idle.append(driven.idle)
        # dividing by C(V) here makes the right side dV/dt itself
        self._rate = CubicSpline(grid, np.concatenate(columns, axis=1) / layer.capacitance(grid)[:, None])
        self._slope = self._rate.derivative()
        self._bounds = grid[0], grid[-1]

    def mixture(self, on: Array) -> Array:
        """Coefficients of the stacked terms for the synapses that are on, (batch, inputs) -> (batch, neurons, terms)."""
        parts = []
        for current, idle in zip(self._on, self._idle, strict=True):
            parts += [np.tensordot(on, current, ([1], [1])), np.tensordot(1 - on, idle, ([1], [1]))]
        stacked = np.moveaxis(np.concatenate(parts, axis=1), 1, -1)
        return np.concatenate([np.ones((*stacked.shape[:-1], 1)), stacked], axis=-1)

    def advance(self, voltage: Array, mixture: Array, length: Array) -> Array:
        """One exponential Rosenbrock-Euler step of ``length`` (s)."""
        inside = np.clip(voltage, *self._bounds)
        rate = np.einsum("bnk,bnk->bn", mixture, self._rate(inside))
        slope = np.einsum("bnk,bnk->bn", mixture, self._slope(inside))
        exponent = length * slope
        small = np.abs(exponent) < 1e-12
        growth = np.where(small, 1.0, np.expm1(exponent) / np.where(small, 1.0, exponent))
        return np.clip(voltage + length * growth * rate, *self._bounds)
