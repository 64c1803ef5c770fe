"""Layers of the circuit neuron for tests: written-down laws, the stored circuit, an independent solution."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import numpy as np
from scipy.integrate import solve_ivp

from cimspice.neuron.emulator.layer import NeuronLayer
from cimspice.neuron.model.edges import EdgeModel
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.model.readout import ReadoutModel
from cimspice.neuron.model.separable import SeparableTable
from cimspice.neuron.model.synapse_currents import SynapseModel

PHASE, REST, SWITCH, CAPACITANCE = 1e-6, 1.3, 0.45, 140e-15
THRESHOLD = REST - SWITCH
UNIT = CAPACITANCE * THRESHOLD / PHASE
DELAYS = 0.5e-9 * 2.0 ** np.arange(12)


def flat(value: float, programs=2) -> SeparableTable:
    """The same number at every program and voltage."""
    return SeparableTable(
        np.linspace(-9, 9, programs),
        np.linspace(-40, 40, 5),
        np.full((programs, 5), value),
        np.ones(programs),
    )


def synthetic(
    reversal=(2.5, -1.6),
    cubic=0.0,
    off=(0.0, 0.0),
    ramp=(PHASE / THRESHOLD, 0.0),
    reset_step=0.0,
    neurons=(1, 2, 3, 4),
) -> NeuronModel:
    """A neuron whose laws are written down: constant capacitance, no leakage, no charge at a spike's start.

    Current ``UNIT · exp(program) · (1 − v/E + cubic · v³)`` with v = (V0 − V)/V_th; charge ``off[0] + off[1]
    · ln(delay / DELAYS[0])`` (C) after the end of the phase; read-out on a ramp that takes ``ramp[0]`` (s/V)
    at V0 and whose slope is proportional to ``1 + ramp[1] · (V − V0)``.
    """
    program, voltage = np.linspace(-6, 2, 17), np.linspace(-40, 40, 2001)
    v = (REST - voltage) / THRESHOLD
    size = UNIT * np.exp(program)
    grid = np.linspace(-40, 40, 5)
    synapses, edges = {}, {}
    for polarity, e in zip(("n", "p"), reversal, strict=True):
        law = 1 - v / e + cubic * v**3
        synapses[polarity] = SynapseModel(
            polarity,
            REST,
            SeparableTable(program, voltage, size[:, None] * law, size),
            flat(0.0),
            grid,
            np.zeros(5),
        )
        charges = tuple(flat(off[0] + off[1] * np.log(delay / DELAYS[0])) for delay in DELAYS)
        edges[polarity] = EdgeModel(flat(0.0), DELAYS, charges, grid, np.zeros(5), np.zeros((12, 5)))
    start = np.linspace(SWITCH, 1.6, 1161)
    time = partial(fall_time, ramp=ramp)
    ramp_voltage = np.linspace(1.75, 0.3, 1451)
    readout = ReadoutModel(start, time(start, SWITCH), time(1.75, ramp_voltage), ramp_voltage, 0.5, SWITCH)
    return NeuronModel(
        PHASE, REST, SWITCH, synapses, dict.fromkeys(neurons, edges), dict.fromkeys(neurons, 0.0),
        grid, np.full(5, CAPACITANCE), np.zeros(5), dict.fromkeys(range(1, 9), reset_step),
        {(inputs, 0): readout for inputs in range(1, 9)},
    )  # fmt: skip


def fall_time(high, low, ramp):
    """Seconds that the ramp takes from ``high`` to ``low``."""
    per_volt, bend = ramp
    if bend == 0:
        return per_volt * (high - low)
    return per_volt / bend * (np.log1p(bend * (high - REST)) - np.log1p(bend * (low - REST)))


def programmed(weights):
    """Polarity and program of normalised weights for :func:`synthetic`."""
    weights = np.asarray(weights, float)
    return np.sign(weights).astype(int), np.log(
        np.abs(weights), where=weights != 0, out=np.zeros_like(weights)
    )


def integrated(model: NeuronModel, polarity, program, times) -> float:
    """One neuron's membrane (V) at the phase's end by an adaptive Runge-Kutta of order 8.

    Every synapse's own current is looked up at every evaluation; charges are jumps where a line switches.
    """
    neurons = next(iter(model.edges))  # all loads of a model under test have the same charges
    fan_in = len(times)
    capacitance = model.membrane_capacitance(fan_in)
    chosen = {1: ("n", -1), -1: ("p", 1)}

    def slope(on, _, y):
        voltage = y[0]
        current = -float(model.leakage_at(voltage))
        for sign, value, active in zip(polarity, program, on, strict=True):
            for half, (name, direction) in chosen.items():
                synapse = model.synapses[name]
                if half == sign:
                    table = synapse.current if active else synapse.idle_current
                    current += direction * float(table(value, voltage))
                else:  # unselected: its gate bias is at the rail, on or off
                    rail = synapse.idle_current.program[0 if name == "n" else -1]
                    current += direction * float(synapse.idle_current(rail, voltage))
        return [current / float(capacitance(voltage))]

    voltage = model.rest_voltage + model.reset_step[fan_in]
    edges = model.edges[neurons]
    for start, stop in pairwise(np.unique([0.0, *np.minimum(times, model.phase), model.phase])):
        for switched in np.flatnonzero(np.asarray(times) == start):  # one after another, in the inputs' order
            charge = 0.0
            for sign, (name, direction) in chosen.items():
                if polarity[switched] == sign:
                    charge += direction * float(edges[name].on_charge(program[switched], voltage))
                else:
                    charge += direction * float(edges[name].unselected(voltage)[0])
            voltage += charge / float(capacitance(voltage))
        on = np.asarray(times) <= start
        voltage = solve_ivp(
            partial(slope, on), (start, stop), [voltage], method="DOP853", rtol=1e-10, atol=1e-11
        ).y[0, -1]
    return voltage


def circuit_layer(neuron, polarity, current, **options) -> NeuronLayer:
    """A layer of the stored circuit, programmed with currents (A) at V0."""
    program = np.zeros(np.shape(polarity))
    for sign, name in ((1, "n"), (-1, "p")):
        program[polarity == sign] = neuron.synapses[name].program_for(current[polarity == sign])
    return NeuronLayer(neuron, polarity, program, fan_out=2, **options)
