"""How a layer's output spikes move with its programs and with the spikes that come in.

The membrane is one autonomous equation between two edges, so the adjoint λ(t) = ∂V(T)/∂V(t) of a neuron is a
number: one pass backwards gives the derivatives of every spike to all the programs of its neuron and to all
times of its inputs (Jacobians by neuron), whatever the number of inputs.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from cimspice.arrays import Array
from cimspice.errors import ParameterError
from cimspice.neuron.emulator.firing import contract
from cimspice.neuron.emulator.layer import NeuronLayer

_NUDGE = 1e-4  # V: of the central differences of smooth tables


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """A batch's output spikes and their derivatives."""

    voltage: Array
    times: Array
    """``voltage``, ``times``: as :meth:`NeuronLayer.__call__` gives them, (batch, neurons)."""
    time_slope: Array
    """∂t/∂V of the membrane's voltage at the end of accumulation (s/V), same shape; 0 where the spike does
    not come."""
    voltage_by_program: Array
    """∂V/∂program (V/V), (batch, neurons, inputs); 0 where there is no synapse."""
    voltage_by_input: Array
    """∂V/∂t_input (V/s), same shape; 0 for inputs that do not spike."""
    turn_off: Array
    """∂t/∂program (s/V) through the charges at turn-off alone, same shape."""

    @property
    def by_program(self) -> Array:
        """∂t/∂program (s/V), (batch, neurons, inputs)."""
        return self.time_slope[..., None] * self.voltage_by_program + self.turn_off

    @property
    def by_input(self) -> Array:
        """∂t/∂t_input (s/s), (batch, neurons, inputs)."""
        return self.time_slope[..., None] * self.voltage_by_input


def sensitivity(layer: NeuronLayer, times: Array) -> Sensitivity:
    """Output spikes of a layer for input spikes ``times`` (s), (batch, inputs), with their derivatives.

    Raises
    ------
    ParameterError
        If the layer's synapses are resistors, whose far ends are states of their own.
    """
    if layer.nodes is not None:
        raise ParameterError(
            "the layer's synapses are resistors",
            place="sensitivity",
            remedy="derivatives are there for MOSFET synapses; map resistors with one scale",
        )
    voltage, kept = layer.path(times)
    rate = layer.rate
    batch, neurons = voltage.shape
    adjoint = np.ones_like(voltage)
    by_input, steady, edges = np.zeros((3, batch, layer.fan_in, neurons))
    everyone = np.arange(batch)
    integrals = np.zeros_like(kept[-1].mixture)  # of λ times every term's dV/dt, from now to the phase's end
    for segment, earlier in zip(reversed(kept), [*reversed(kept[:-1]), None], strict=True):
        terms, slope = rate.linearised(segment.voltages[-1], segment.mixture)
        half = segment.step / 2
        for before, _ in reversed(list(pairwise(segment.voltages))):
            terms_before, slope_before = rate.linearised(before, segment.mixture)
            growth = np.exp(half * (slope + slope_before))
            integrals += (half * adjoint)[..., None] * terms
            adjoint = adjoint * growth
            integrals += (half * adjoint)[..., None] * terms_before
            terms, slope = terms_before, slope_before
        if earlier is None or segment.column is None or segment.alive is None:
            break
        column, alive = segment.column, segment.alive
        here = segment.before
        turn = (layer.edge_step(here + _NUDGE, column) - layer.edge_step(here - _NUDGE, column)) / (
            2 * _NUDGE
        )
        arriving = np.sum(rate.linearised(here, earlier.mixture)[0] * earlier.mixture, axis=-1)
        leaving = np.sum(terms * segment.mixture, axis=-1)
        by_input[everyone, column] = alive * adjoint * ((1 + turn) * arriving - leaving)
        steady[everyone, column] = alive * _contracted(layer, integrals, column, True)
        edges[everyone, column] = alive * adjoint * _edge_slope(layer, here, column)
        steady[everyone, column] -= alive * _contracted(layer, integrals, column, False)
        adjoint = adjoint * (1 + alive * turn)
    steady += _contracted(layer, integrals, None, False)
    spikes = layer.fire(voltage, times)
    time_slope = (layer.fire(voltage + _NUDGE, times) - layer.fire(voltage - _NUDGE, times)) / (2 * _NUDGE)
    turn_off = layer.firing.program_slopes(voltage, (times < layer.model.phase).astype(float))
    by_program, by_input, turn_off = (
        np.swapaxes(part, 1, 2) for part in (steady + edges, by_input, turn_off)
    )
    return Sensitivity(voltage, spikes, time_slope, by_program, by_input, turn_off)


def _contracted(layer: NeuronLayer, integrals: Array, column: Array | None, on: bool) -> Array:
    """∂V(T)/∂program through the steady currents (on, or idle) over which ``integrals`` were taken: of one
    input of every sample (batch, neurons), or of all (batch, inputs, neurons)."""
    total: Array | float = 0.0
    for number, driven in enumerate(layer.driven):
        part = integrals[..., layer.rate.columns(number)[0 if on else 1]]
        slopes = driven.slopes.current if on else driven.slopes.idle
        if column is None:
            total = total + np.einsum("kjn,bnk->bjn", slopes, part)
        else:
            total = total + contract(slopes[:, column], part)
    return np.asarray(total)


def _edge_slope(layer: NeuronLayer, voltage: Array, column: Array) -> Array:
    """∂/∂program of the step (V) of one rising edge per sample."""
    total = np.zeros_like(voltage)
    for driven in layer.driven:
        total += driven.sign * contract(driven.slopes.on[:, column], driven.edges.on_charge.basis(voltage))
    return total / layer.capacitance(voltage)
