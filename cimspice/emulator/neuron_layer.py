"""A layer of circuit neurons: the membrane's equation integrated with the measured tables, batch and neurons
at once.

Between two spikes the membrane obeys the autonomous equation C(V) dV/dt = Σ ± I(V), whose right side is
nearly linear in V (that is what the reversal potential says). The exponential Rosenbrock-Euler step is exact
for a linear right side, stable where the membrane sits at a rail, and second order otherwise (Hochbruck and
Ostermann, Acta Numerica 19, 2010, 209-286, eq. 2.58).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import CubicSpline

from cimspice.errors import ParameterError
from cimspice.models.neuron.edges import EdgeModel
from cimspice.models.neuron.neuron import NeuronModel
from cimspice.models.neuron.readout import ReadoutModel
from cimspice.models.neuron.synapse import Polarity, SynapseModel

Array = np.ndarray

_POLARITIES: tuple[tuple[Polarity, int], ...] = (("n", 1), ("p", -1))


class _Driven:
    """Synapses of one polarity with their programs: sums over the synapses that are on, as matrix products.

    All arrays are (..., inputs, neurons).
    """

    def __init__(self, synapse: SynapseModel, edges: EdgeModel, program: Array, mask: Array):
        self.synapse, self.edges, self.sign = synapse, edges, synapse.sign
        mask, program = mask.T, np.where(mask, program, 0.0).T
        self.parked = (~mask).astype(float)
        self.current = synapse.current.weights(program, mask)
        self.idle = synapse.idle_current.weights(program, mask)
        self.on = edges.on_charge.weights(program, mask)
        self.off = [table.weights(program, mask) for table in edges.off_charge]


@dataclass(frozen=True, eq=False)
class NeuronLayer:
    """Neurons of one layer with programmed synapses.

    Parameters
    ----------
    model
        The neuron's model.
    polarity
        +1 where an n-synapse carries the weight, −1 where a p-synapse does, 0 for none; shape (neurons,
        inputs).
    program
        Gate bias (V) or length (m) of that synapse, same shape; ignored where the polarity is 0.
    fan_out
        Number of neurons that an output drives (0 for the last layer): chooses the read-out.
    step
        Largest time step (s).

    Raises
    ------
    ParameterError
        If the shapes differ, or the model's tables do not cover a program.
    """

    model: NeuronModel
    polarity: Array
    program: Array
    fan_out: int = 0
    step: float = 5e-9

    def __post_init__(self) -> None:
        shapes = np.shape(self.polarity), np.shape(self.program)
        if len(shapes[0]) != 2 or shapes[0] != shapes[1]:
            raise ParameterError(
                f"polarity has shape {shapes[0]}, program has shape {shapes[1]}",
                place="NeuronLayer",
                remedy="give two matrices (neurons, inputs)",
            )
        if not np.isin(self.polarity, (-1, 0, 1)).all():
            raise ParameterError("a polarity is not −1, 0 or 1", place="NeuronLayer.polarity")
        for name, sign in _POLARITIES:
            # splines would go on beyond their tables, into currents that no transistor has
            low, high = self.model.synapses[name].current.program[[0, -1]]
            outside = (self.polarity == sign) & ~(
                (self.program >= low - 1e-9) & (self.program <= high + 1e-9)
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
    def capacitance(self) -> CubicSpline:
        """Membrane capacitance (F) over voltage (V)."""
        return self.model.membrane_capacitance(self.fan_in)

    @cached_property
    def _driven(self) -> tuple[_Driven, ...]:
        neurons = self.polarity.shape[0]
        if neurons not in self.model.edges:
            known = ", ".join(str(entry) for entry in sorted(self.model.edges))
            raise ParameterError(
                f"no charges for drivers of {neurons} neurons", place="neuron model", remedy=f"known: {known}"
            )
        edges = self.model.edges[neurons]
        return (
            _Driven(self.model.synapses["n"], edges["n"], self.program, self.polarity == 1),
            _Driven(self.model.synapses["p"], edges["p"], self.program, self.polarity == -1),
        )

    @cached_property
    def _tables(self) -> _Tables:
        return _Tables(self)

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
        voltage = self.accumulate(times)[0]
        return voltage, self.fire(voltage, times)

    def accumulate(self, times: Array, trace: bool = False) -> tuple[Array, list[tuple[Array, Array]]]:
        """Membrane voltage at the end of the phase, shape (batch, neurons), and its trace if asked for.

        Returns
        -------
        (voltage, points)
            ``points`` is a list of (time (batch, 1) in s, voltage (batch, neurons) in V), empty without
            ``trace``.
        """
        phase = self.model.phase
        times = np.minimum(self._checked(times), phase)
        batch, inputs = times.shape
        order = np.argsort(times, axis=1)
        edges = np.concatenate(
            [np.zeros((batch, 1)), np.take_along_axis(times, order, 1), np.full((batch, 1), phase)], axis=1
        )
        rest = self.model.rest_voltage + self.model.reset_step[self.fan_in]
        voltage = np.full((batch, self.polarity.shape[0]), rest)
        on = np.zeros((batch, inputs))
        points = [(edges[:, :1], voltage)] if trace else []
        for index in range(inputs + 1):
            if index:
                column = order[:, index - 1]
                alive = np.take_along_axis(times, column[:, None], 1) < phase
                on[np.arange(batch), column] = alive[:, 0]
                voltage = voltage + alive * self._edge_step(voltage, column)
            start, length = edges[:, index : index + 1], np.diff(edges[:, index : index + 2], axis=1)
            steps = int(np.ceil(length.max() / self.step))
            mixture = self._tables.mixture(on)
            for count in range(steps):
                voltage = self._tables.advance(voltage, mixture, length / steps)
                if trace:
                    points.append((start + (count + 1) / steps * length, voltage))
        return voltage, points

    def _checked(self, times: Array) -> Array:
        """Spike times as (batch, inputs) of numbers ≥ 0, for a fan-in that the model knows."""
        times = np.asarray(times, float)
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

    def _edge_step(self, voltage: Array, column: Array) -> Array:
        """Step of the membrane (V) by the charge of one rising edge per sample."""
        total = np.zeros_like(voltage)
        for driven in self._driven:
            charge = _contract(driven.on[:, column], driven.edges.on_charge.basis(voltage))
            charge += driven.parked[column] * driven.edges.parked(voltage)[..., 0]
            total += driven.sign * charge
        return total / self.capacitance(voltage)

    def fire(self, voltage: Array, times: Array) -> Array:
        """Output spikes (s) from the membrane's voltage at the end of accumulation, shape (batch, neurons).

        The read-out's time, moved by the charge that synapses still drive while they turn off. A charge that
        comes when the ramp's current has changed moves the spike by that charge over that current.
        """
        delays, readout = self._driven[0].edges.off_delay, self.readout
        charge = self._off_charge(voltage, (np.asarray(times) < self.model.phase).astype(float))
        capacitance, slope = self.capacitance(voltage), readout.slope(voltage)
        shift = np.empty_like(charge)
        shift[0] = charge[0] / capacitance
        for index in range(1, len(delays)):
            middle = readout.voltage_after(voltage, float(np.sqrt(delays[index] * delays[index - 1])))
            factor = slope / (readout.slope(middle) * self.capacitance(middle))
            shift[index] = shift[index - 1] + factor * (charge[index] - charge[index - 1])
        time = readout.time(voltage)
        for _ in range(3):
            time = readout.time(voltage + _interpolate(delays, shift, time))
        return np.minimum(time, self.model.phase)

    def _off_charge(self, voltage: Array, active: Array) -> Array:
        """Charge (C, positive raises V) from the phase's end until each delay, (delays, batch, neurons)."""
        total = np.zeros((len(self._driven[0].edges.off_delay), *voltage.shape))
        for driven in self._driven:
            parked = np.moveaxis(driven.edges.parked(voltage)[..., 1:], -1, 0)
            total += driven.sign * (active @ driven.parked) * parked
            for index, (table, weights) in enumerate(zip(driven.edges.off_charge, driven.off, strict=True)):
                summed = np.tensordot(weights, active, ([1], [1])).swapaxes(1, 2)
                total[index] += driven.sign * _contract(summed, table.basis(voltage))
        return total


def _contract(weights: Array, basis: Array) -> Array:
    """Sum over terms: (terms, batch, neurons) and (batch, neurons, terms) to (batch, neurons)."""
    return np.einsum("kbn,bnk->bn", weights, basis)


def _interpolate(delays: Array, values: Array, at: Array) -> Array:
    """Values (delays, ...) at a delay for each entry of ``at`` (...): linear in the delay's logarithm."""
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
        """Coefficients of the stacked terms, (batch, inputs) that are on -> (batch, neurons, terms)."""
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
