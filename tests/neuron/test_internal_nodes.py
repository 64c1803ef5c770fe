"""Internal nodes of resistor synapses against an independent solution of the same RC networks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from cimspice.neuron.emulator.layer import NeuronLayer
from cimspice.neuron.model.edges import EdgeModel
from cimspice.neuron.model.internal_node import InternalNodeModel
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.model.readout import ReadoutModel
from cimspice.neuron.model.separable import SeparableTable
from cimspice.neuron.model.synapse_currents import SynapseModel

PHASE, REST, SWITCH, SUPPLY = 200e-9, 1.0, 0.4, 1.8
CAPACITANCE, SELECTOR = 1e-12, 2e-15
PER_METRE, FARAD_PER_METRE = 7.4e9, 16e-12
SLOPE = (REST - SWITCH) / PHASE
RAILS = {"n": 0.0, "p": SUPPLY}
GRID = np.linspace(-0.5, 2.3, 57)
LENGTHS = np.geomspace(10e-6, 3e-3, 24)
DELAYS = 0.5e-9 * 2.0 ** np.arange(9)


def table(values, scale) -> SeparableTable:
    return SeparableTable(LENGTHS, GRID, values, scale, logarithmic=True)


def linear_neuron() -> NeuronModel:
    """Ideal resistors and selectors, a constant capacitance, and a ramp of one slope: nothing but RC."""
    nothing = np.zeros((len(LENGTHS), len(GRID)))
    empty = table(nothing, np.ones(len(LENGTHS)))
    synapses, edges = {}, {}
    for name, rail in RAILS.items():
        sign = 1 if name == "n" else -1
        conductance = 1 / (PER_METRE * LENGTHS)
        current = sign * conductance[:, None] * (GRID - rail)
        synapses[name] = SynapseModel(
            name, REST, table(current, conductance), empty, GRID, np.zeros(len(GRID)),
            InternalNodeModel(rail, LENGTHS, FARAD_PER_METRE * LENGTHS, GRID, np.full(len(GRID), SELECTOR)),
        )  # fmt: skip
        edges[name] = EdgeModel(
            empty, DELAYS, (empty,) * len(DELAYS), GRID, np.zeros(len(GRID)),
            np.zeros((len(DELAYS), len(GRID))),
        )  # fmt: skip
    start = np.linspace(SWITCH, 1.3, 60)
    ramp = np.linspace(0, 1.5 * PHASE, 60)
    readout = ReadoutModel(
        start_voltage=start,
        spike_time=(start - SWITCH) / SLOPE,
        ramp_time=ramp,
        ramp_voltage=1.3 - SLOPE * ramp,
        ramp_bias=0.6,
        switch_voltage=SWITCH,
    )
    return NeuronModel(
        phase=PHASE,
        rest_voltage=REST,
        switch_voltage=SWITCH,
        synapses=synapses,
        edges={1: edges},
        driver_delay={1: 0.0},
        capacitance_voltage=GRID,
        capacitance=np.full(len(GRID), CAPACITANCE),
        leakage=np.zeros(len(GRID)),
        reset_step={3: 0.0},
        readouts={(3, 0): readout},
    )


def solved(polarity, length, times) -> tuple[float, float]:
    """Membrane at the end of the phase and spike time, by Radau on membrane and internal nodes."""
    near = FARAD_PER_METRE * length
    resistance, far = PER_METRE * length, near + SELECTOR
    rail = np.where(polarity == 1, 0.0, SUPPLY)
    membrane = CAPACITANCE + near.sum()

    def right(on, ramp):
        def function(_, state):
            voltage, nodes = state[0], np.where(on, rail, state[1:])
            current = (voltage - nodes) / resistance
            return [-(current.sum() + ramp) / membrane, *np.where(on, 0.0, current / far)]

        return function

    state, begin = np.full(4, REST), 0.0
    for end in [*np.sort(times[times < PHASE]), PHASE]:
        on = times <= begin if begin else np.zeros(3, bool)
        state = solve_ivp(right(on, 0.0), (begin, end), state, method="Radau", rtol=1e-9, atol=1e-11).y[:, -1]
        begin = end
    state[1:] = np.where(times < PHASE, rail, state[1:])

    def switched(_, state):
        return state[0] - SWITCH

    switched.terminal, switched.direction = True, -1
    firing = solve_ivp(
        right(np.zeros(3, bool), SLOPE * CAPACITANCE), (0, PHASE), state, method="Radau", rtol=1e-9,
        atol=1e-11, events=switched,
    )  # fmt: skip
    spikes = firing.t_events[0]
    return state[0], spikes[0] if len(spikes) else PHASE


@pytest.mark.parametrize("seed", range(6))
def test_layer_equals_the_solution_of_membrane_and_internal_nodes(seed):
    random = np.random.default_rng(seed)
    polarity = random.choice([-1, 1], (1, 3), p=[0.3, 0.7])
    length = np.exp(random.uniform(np.log(60e-6), np.log(2.5e-3), (1, 3)))
    times = random.uniform(0.05, 1.1, (1, 3)) * PHASE
    voltage, spike = NeuronLayer(linear_neuron(), polarity, length, step=0.25e-9)(times)
    expected_voltage, expected_spike = solved(polarity[0], length[0], times[0])
    assert voltage[0, 0] == pytest.approx(expected_voltage, abs=2e-5)
    assert spike[0, 0] == pytest.approx(expected_spike, abs=0.03e-9)


def test_internal_nodes_matter_in_these_cases():
    # a long resistor that never spikes slows both phases by what hangs behind it
    polarity, length = np.array([[1, 1, -1]]), np.array([[100e-6, 2e-3, 2e-3]])
    times = np.array([[0.3, 1.0, 1.0]]) * PHASE
    _, spike = solved(polarity[0], length[0], times[0])
    _, without = solved(polarity[0], np.array([100e-6, 1e-9, 1e-9]), times[0])
    assert spike - without > 1e-9


def test_step_is_of_second_order():
    polarity, length = np.array([[1, -1, 1]]), np.array([[150e-6, 700e-6, 60e-6]])
    times = np.array([[0.1, 0.35, 0.6]]) * PHASE
    exact, _ = solved(polarity[0], length[0], times[0])
    coarse, fine = (
        abs(NeuronLayer(linear_neuron(), polarity, length, step=step)(times)[0][0, 0] - exact)
        for step in (1e-9, 0.25e-9)
    )
    assert coarse < 2e-4
    assert fine < coarse / 3


def test_several_samples_and_neurons_equal_each_alone():
    random = np.random.default_rng(3)
    polarity = random.choice([-1, 0, 1], (1, 3))
    length = random.uniform(50e-6, 2e-3, (1, 3))
    times = random.uniform(0, 1.1, (4, 3)) * PHASE
    layer = NeuronLayer(linear_neuron(), polarity, length, step=0.25e-9)
    voltage, spikes = layer(times)
    for index in range(4):
        alone, spike = layer(times[index : index + 1])
        assert voltage[index, 0] == pytest.approx(alone[0, 0], abs=2e-6)
        assert spikes[index, 0] == pytest.approx(spike[0, 0], abs=2e-12)
