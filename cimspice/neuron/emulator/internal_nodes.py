"""The internal nodes of a layer's resistor synapses, between resistor and selector, while they follow
the membranes.

The membrane sees a synapse that is off as a resistor with a capacitance behind it. Of a short resistor that
is capacitance and nothing else; a long one's internal node lags by up to a phase. Every node is a state:
over a step in which the membrane's voltage changes evenly from V by ΔV, it moves by a (V − V_i) + b ΔV, with
a = 1 − exp(−h/τ) and b = 1 − a τ/h, exactly. The charge for a comes out of the membrane, b adds to its
capacitance: stable for any h/τ.
"""

from collections.abc import Callable
from functools import cached_property

import numpy as np

from cimspice.arrays import Array
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.model.readout import ReadoutModel
from cimspice.neuron.model.synapse_currents import Polarity


class InternalNodes:
    """Capacitances of one layer's resistor synapses. Voltages of nodes are (batch, neurons, inputs).

    Parameters
    ----------
    model
        The neuron's model, of resistor synapses.
    polarity, program
        As of the layer: +1, −1, 0 and lengths (m), shape (neurons, inputs).
    """

    def __init__(self, model: NeuronModel, polarity: Array, program: Array):
        self._model = model
        self._polarity = polarity
        self._near = np.zeros(polarity.shape)
        self._rail = np.zeros(polarity.shape)
        self._time_constant = np.full(polarity.shape, model.phase)
        for name, placed in self._halves():
            synapse = model.synapses[name]
            assert synapse.internal_node is not None
            length = program[placed]
            self._near[placed] = synapse.internal_node.near_capacitance(length)
            self._rail[placed] = synapse.internal_node.rail
            self._time_constant[placed] = synapse.internal_node.time_constant(
                length, synapse.resistance(length)
            )

    def _halves(self) -> tuple[tuple[Polarity, Array], tuple[Polarity, Array]]:
        return ("n", self._polarity == 1), ("p", self._polarity == -1)

    @cached_property
    def near(self) -> Array:
        """Capacitance (F) of all resistors on each membrane, shape (neurons,)."""
        return self._near.sum(axis=1)

    def at_rest(self, batch: int) -> Array:
        """Voltages (V) of nodes that had time to settle at V0."""
        return np.full((batch, *self._polarity.shape), self._model.rest_voltage)

    def pulled(self, nodes: Array, on: Array) -> Array:
        """Voltages (V) of nodes when selectors of the inputs ``on`` (batch, inputs), 0 or 1, hold theirs."""
        return np.where(on[:, None, :] > 0, self._rail, nodes)

    def _capacitance(self, nodes: Array) -> Array:
        """Capacitance (F) of every internal node."""
        total = np.where(self._polarity == 0, 0.0, self._near)
        for name, placed in self._halves():
            node = self._model.synapses[name].internal_node
            assert node is not None
            total = total + np.where(placed, np.interp(nodes, node.voltage, node.selector), 0.0)
        return total

    def _shares(self, length: Array | float) -> tuple[Array, Array]:
        """a and b of the module's text for steps of ``length`` (s), a number or (batch, 1)."""
        ratio = np.reshape(length, (-1, 1, 1)) / self._time_constant
        moved = -np.expm1(-ratio)
        short = ratio < 1e-6
        return moved, np.where(short, ratio / 2, 1 - moved / np.where(short, 1.0, ratio))

    def load(
        self, nodes: Array, voltage: Array, length: Array | float, floating: Array
    ) -> tuple[Array, Array]:
        """What a step takes from every membrane.

        Parameters
        ----------
        nodes, voltage
            Voltages (V) of nodes and membranes (batch, neurons) as the step begins.
        length
            Length (s) of the step, a number or (batch, 1).
        floating
            1 for inputs that are off, 0 otherwise, shape (batch, inputs).

        Returns
        -------
        (charge, capacitance)
            Charge (C) that leaves the membrane, and capacitance (F) that adds to it; both (batch, neurons).
        """
        moved, followed = self._shares(length)
        distance = moved * (voltage[..., None] - nodes)
        weight = self._capacitance(nodes + distance / 2) * floating[:, None, :]
        return np.sum(weight * distance, axis=2), np.sum(weight * followed, axis=2)

    def followed(
        self, nodes: Array, voltage: Array, change: Array, length: Array | float, on: Array
    ) -> Array:
        """Voltages (V) of nodes after a step in which membranes went from ``voltage`` by ``change`` (V)."""
        moved, followed = self._shares(length)
        free = nodes + moved * (voltage[..., None] - nodes) + followed * change[..., None]
        return self.pulled(free, on)


def spike_times(
    nodes: InternalNodes,
    state: Array,
    voltage: Array,
    charge_until: Callable[[float], Array],
    leakage: Callable[[Array], Array],
    readout: ReadoutModel,
    reference: Callable[[Array], Array],
    capacitance: Callable[[Array], Array],
    phase: float,
    step: float,
) -> Array:
    """Output spikes (s after the start of the firing phase) of membranes with other loads than the read-out
    had.

    The membrane falls by the ramp's current, its own capacitance and what its internal nodes draw. What it
    falls more or less than the read-out's membrane would have, moves the spike: see :func:`_effect`.

    Parameters
    ----------
    nodes, state
        The layer's resistors, and voltages (V) of their internal nodes as the phase begins.
    voltage
        Membranes (V) as the phase begins, shape (batch, neurons).
    charge_until
        Charge (C) into the membranes from the phase's begin to a delay (s), other than the nodes', as
        ``voltage``.
    leakage
        Current (A) into the membranes from synapses that are off, at their voltages (V).
    readout, reference
        The read-out, and the capacitance (F) over voltage (V) of the neuron for which it was measured.
    capacitance
        Capacitance (F) of the layer's own membranes over their voltages (V).
    phase, step
        Length of the phase, largest step (s).

    Returns
    -------
    Array
        As ``voltage``; the phase's length where the read-out takes longer.
    """
    remaining, now = readout.time(voltage), voltage
    result = np.full(voltage.shape, phase)
    silent = np.zeros((len(voltage), state.shape[2]))
    count = int(np.ceil(phase / step))
    length, before = phase / count, np.zeros_like(voltage)
    for index in range(count):
        ramp = readout.slope(now) * length
        load = reference(now)
        after = charge_until((index + 1) * length)
        charge, extra = nodes.load(state, now, length, 1 - silent)
        brought = after - before + leakage(now) * length - charge
        change = (ramp * load + brought) / (capacitance(now) + extra)
        state = nodes.followed(state, now, change, length, silent)
        share = _effect(readout, now, remaining, index * length, length)
        passed = length - share * (change - ramp)
        arrived = (remaining > 0) & (remaining <= passed)
        crossing = (index + remaining / np.where(arrived, passed, 1.0)) * length
        result = np.where(arrived, crossing, result)
        remaining, now, before = remaining - passed, now + change, after
    return result


def _effect(readout: ReadoutModel, voltage: Array, remaining: Array, time: float, length: float) -> Array:
    """How far a volt now moves the spike (s/V).

    While the comparator wakes, the slope of the read-out's time over the voltage from which it starts.
    Afterwards the ramp's, until only the comparator's delay is left: then nothing moves the spike any more.
    """
    if time < readout.spike_time[0]:
        return readout.time_slope(voltage)
    return -np.clip((remaining - readout.delay) / length, 0.0, 1.0) / readout.slope(voltage)
