"""The circuit neuron's layer against independent solutions of its equation and the normalised emulator."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from cimspice.emulator import SpikingLayer
from cimspice.emulator.neuron_layer import NeuronLayer
from cimspice.errors import ParameterError
from cimspice.models.neuron.edges import EdgeModel
from cimspice.models.neuron.neuron import NeuronModel
from cimspice.models.neuron.readout import ReadoutModel
from cimspice.models.neuron.separable import SeparableTable
from cimspice.models.neuron.synapse import SynapseModel

PHASE, REST, SWITCH, CAPACITANCE = 1e-6, 1.3, 0.45, 140e-15
SWING = REST - SWITCH
UNIT = CAPACITANCE * SWING / PHASE
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
    ramp=(PHASE / SWING, 0.0),
    reset_step=0.0,
    neurons=(1, 2, 3, 4),
) -> NeuronModel:
    """A neuron whose laws are written down: constant capacitance, no leakage, no charge at a spike's start.

    Current ``UNIT · exp(program) · (1 − v/E + cubic · v³)`` with v = (V0 − V)/V_th; charge ``off[0] + off[1]
    · ln(delay / DELAYS[0])`` (C) after the end of the phase; read-out on a ramp that takes ``ramp[0]`` (s/V)
    at V0 and whose slope is proportional to ``1 + ramp[1] · (V − V0)``.
    """
    program, voltage = np.linspace(-6, 2, 17), np.linspace(-40, 40, 2001)
    v = (REST - voltage) / SWING
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
                else:  # parked: its gate bias is at the rail, on or off
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
                    charge += direction * float(edges[name].parked(voltage)[0])
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


@pytest.fixture(scope="module")
def layer(neuron) -> NeuronLayer:
    polarity = np.array([[1, -1, 1], [-1, 0, 1]])
    return circuit_layer(
        neuron, polarity, neuron.unit_current(3) * np.array([[0.6, 0.4, 0.9], [1.2, 0.5, 0.25]])
    )


CASES = {
    "apart": [0.15, 0.42, 0.8],
    "all at once": [0.3, 0.3, 0.3],
    "two at once": [0.2, 0.7, 0.2],
    "at 0": [0.0, 0.5, 0.0],
    "at the end": [1.0, 0.25, 1.0],
    "just before the end": [0.999999, 0.5, 0.1],
    "none": [1.0, 1.0, 1.0],
}


@pytest.mark.parametrize("case", list(CASES))
def test_membrane_of_the_circuit_equals_an_ode_solver(neuron, layer, case):
    times = np.array(CASES[case]) * neuron.phase
    voltage = layer.accumulate(times[None])[0][0]
    expected = np.array(
        [
            integrated(neuron, polarity, program, times)
            for polarity, program in zip(layer.polarity, layer.program, strict=True)
        ]
    )
    # towards a rail a current bends sharply: there the default step leaves a few microvolts
    tolerance = np.where(expected < 1.6, 1e-7, 1e-5)
    assert np.all(np.abs(voltage - expected) < tolerance)
    fine = replace(layer, step=0.25e-9).accumulate(times[None])[0][0]
    np.testing.assert_allclose(fine, expected, rtol=0, atol=1e-7)


def test_second_order_in_the_step_against_an_ode_solver():
    """A cubic law, so that splines are exact and the step's error stands alone."""
    model = synthetic(cubic=0.6)
    polarity, program = programmed([[0.8, -0.7, 0.5]])
    times = np.array([[0.1, 0.35, 0.6]]) * PHASE
    exact = integrated(model, polarity[0], program[0], times[0])
    errors = [
        abs(NeuronLayer(model, polarity, program, step=step).accumulate(times)[0][0, 0] - exact)
        for step in (5e-9, 2.5e-9, 1.25e-9)
    ]
    assert errors[0] < 1e-6
    for coarse, fine in pairwise(errors):
        assert 3.5 < coarse / fine < 4.5


def test_default_step_has_converged_on_the_circuit(layer):
    times = np.random.default_rng(5).uniform(0, 1.1, (40, 3)) * layer.model.phase
    voltage, spikes = layer(times)
    finer_voltage, finer_spikes = replace(layer, step=0.5e-9)(times)
    assert np.max(np.abs(voltage - finer_voltage)) < 5e-6
    assert np.max(np.abs(spikes - finer_spikes)) < 5e-12


@settings(deadline=None, max_examples=40)
@given(
    weights=st.lists(st.lists(st.floats(-2, 2), min_size=4, max_size=4), min_size=1, max_size=4),
    times=st.lists(st.lists(st.floats(0, 1), min_size=4, max_size=4), min_size=1, max_size=3),
    reversal=st.tuples(st.floats(0.3, 100), st.floats(-100, -0.3)),
    initial=st.floats(-0.2, 0.2),
)
def test_linear_laws_give_what_the_normalised_emulator_gives(weights, times, reversal, initial):
    weights = np.where(np.abs(weights) < 0.02, 0.0, weights)  # a gate bias has a smallest current
    times = np.array(times)
    model = synthetic(reversal, reset_step=-initial * SWING)
    layer = NeuronLayer(model, *programmed(weights))
    normalised = SpikingLayer(weights, *reversal, initial=initial)
    voltage, spikes = layer(times * PHASE)
    np.testing.assert_allclose((REST - voltage) / SWING, normalised.membrane(times), rtol=0, atol=1e-9)
    np.testing.assert_allclose(spikes / PHASE, normalised(times), rtol=0, atol=1e-9)


def test_two_linear_layers_give_what_two_normalised_layers_give():
    rng = np.random.default_rng(2)
    first, second = rng.normal(0.3, 0.6, (4, 3)), rng.normal(0.3, 0.6, (2, 4))
    times = rng.uniform(0, 1, (20, 3))
    model = synthetic()
    model = replace(model, readouts={**model.readouts, (3, 2): model.readouts[3, 0]})
    _, hidden = NeuronLayer(model, *programmed(first), fan_out=2)(times * PHASE)
    _, out = NeuronLayer(model, *programmed(second))(hidden)
    expected = SpikingLayer(second, 2.5, -1.6)(SpikingLayer(first, 2.5, -1.6)(times))
    np.testing.assert_allclose(out / PHASE, expected, rtol=0, atol=2e-9)


def test_a_row_of_a_batch_equals_the_row_alone(layer):
    """Rows share step counts, so they agree to the step's error and not to the bit."""
    times = np.random.default_rng(3).uniform(0, 1.2, (12, 3)) * layer.model.phase
    times[4] = [0.0, 0.0, 1e-6]
    times[7] = 2e-6
    voltage, spikes = layer(times)
    for row in range(len(times)):
        alone_voltage, alone_spikes = layer(times[row : row + 1])
        np.testing.assert_allclose(voltage[row], alone_voltage[0], rtol=0, atol=3e-6)
        np.testing.assert_allclose(spikes[row], alone_spikes[0], rtol=0, atol=3e-12)
    np.testing.assert_array_equal(layer(np.tile(times[2], (3, 1)))[0], np.tile(layer(times[2:3])[0], (3, 1)))


@settings(deadline=None, max_examples=30)
@given(
    order=st.permutations(range(3)), times=st.lists(st.floats(0, 1.1), min_size=3, max_size=3, unique=True)
)
def test_order_of_the_inputs_does_not_matter(layer, order, times):
    times = np.array([times]) * layer.model.phase
    voltage, spikes = layer(times)
    other = replace(layer, polarity=layer.polarity[:, order], program=layer.program[:, order])
    permuted_voltage, permuted_spikes = other(times[:, order])
    np.testing.assert_allclose(permuted_voltage, voltage, rtol=0, atol=1e-9)
    np.testing.assert_allclose(permuted_spikes, spikes, rtol=0, atol=1e-15)


def test_order_of_simultaneous_spikes_matters_less_than_a_microvolt(layer):
    times = np.array([[0.3, 0.3, 0.3]]) * layer.model.phase
    voltage = layer.accumulate(times)[0]
    reversed_layer = replace(layer, polarity=layer.polarity[:, ::-1], program=layer.program[:, ::-1])
    np.testing.assert_allclose(reversed_layer.accumulate(times)[0], voltage, rtol=0, atol=1e-6)


def test_order_of_the_neurons_does_not_matter(layer):
    times = np.random.default_rng(4).uniform(0, 1, (5, 3)) * layer.model.phase
    swapped = replace(layer, polarity=layer.polarity[::-1], program=layer.program[::-1])
    for mine, other in zip(layer(times), swapped(times), strict=True):
        np.testing.assert_allclose(other[:, ::-1], mine, rtol=1e-12)


def test_without_spikes_only_leakage_moves_the_membrane(neuron, layer):
    voltage, spikes = layer(np.full((2, 3), neuron.phase))
    start = neuron.rest_voltage + neuron.reset_step[3]
    assert np.all(np.abs(voltage - start) < 1e-3)
    assert np.all(voltage != start)
    assert np.all(spikes > 0.999 * neuron.phase)
    np.testing.assert_array_equal(layer(np.full((2, 3), np.inf))[0], voltage)
    np.testing.assert_array_equal(layer(np.full((2, 3), 5e-6))[1], spikes)


def test_a_spike_at_the_end_of_the_phase_is_none_and_one_just_before_is_its_edge(neuron, layer):
    quiet, single = np.full((1, 3), neuron.phase), np.array([[1.0, 1.0, 1.0 - 1e-12]]) * neuron.phase
    step = layer.accumulate(single)[0] - layer.accumulate(quiet)[0]
    n, p = neuron.edges[2]["n"], neuron.edges[2]["p"]
    voltage = layer.accumulate(quiet)[0][0]
    for index in range(2):
        charge = -n.on_charge(layer.program[index, 2], voltage[index]) + p.parked(voltage[index])[0]
        assert step[0, index] == pytest.approx(
            charge / neuron.membrane_capacitance(3)(voltage[index]), rel=1e-3
        )


@pytest.mark.parametrize(("sign", "rail"), [(1, 0.0), (-1, 1.8)])
def test_membrane_at_a_rail_stays_there_finite_for_any_step(neuron, sign, rail):
    polarity = np.full((2, 3), sign)
    largest = neuron.synapses["n" if sign > 0 else "p"].rest_current.max()
    times = np.array([[0.0, 0.01, 0.5], [0.0, 0.0, 0.0]]) * neuron.phase
    ends = []
    for step in (1e-9, 5e-9, 200e-9, 1e-6):  # explicit steps of these lengths would blow up
        strong = circuit_layer(neuron, polarity, np.full((2, 3), 0.99 * largest), step=step)
        voltage, points = strong.accumulate(times, trace=True)
        trace = np.array([point[1] for point in points])
        assert np.all((trace >= -0.1) & (trace <= 1.9)), "beyond the tables, or not finite"
        assert np.all(np.isfinite(strong(times)[1]))
        if step <= NeuronLayer.step:
            assert np.all(np.abs(voltage - rail) < 1e-4)
            ends.append(voltage)
    np.testing.assert_allclose(ends[1], ends[0], rtol=0, atol=1e-6)


def test_a_nearly_empty_membrane_fires_at_once_and_a_full_one_not_at_all(neuron):
    largest = neuron.synapses["n"].rest_current.max() * 0.99
    times = np.zeros((1, 3))
    down = circuit_layer(neuron, np.ones((2, 3), int), np.full((2, 3), largest))
    up = circuit_layer(neuron, -np.ones((2, 3), int), np.full((2, 3), largest))
    assert np.all(down(times)[1] < 6e-9)
    np.testing.assert_array_equal(up(times)[1], neuron.phase)


def test_trace_runs_from_reset_to_the_returned_voltage(neuron, layer):
    times = np.array([[0.2, 0.5, 0.9], [0.0, 1.0, 0.4]]) * neuron.phase
    voltage, points = layer.accumulate(times, trace=True)
    instants = np.array([point[0][:, 0] for point in points])
    assert np.all(np.diff(instants, axis=0) >= -1e-18)
    np.testing.assert_allclose(instants[[0, -1]], [[0, 0], [neuron.phase] * 2], atol=1e-18)
    np.testing.assert_array_equal(points[0][1], neuron.rest_voltage + neuron.reset_step[3])
    np.testing.assert_array_equal(points[-1][1], voltage)
    assert layer.accumulate(times)[1] == []


def fired(model, start, charge_at, ramp) -> float:
    """When a membrane that falls from ``start`` (V) and receives ``charge_at(t)`` (C) passes V_switch."""
    per_volt, bend = ramp

    def slope(t, y):
        charging = (charge_at(t * 1.0001) - charge_at(t * 0.9999)) / (2e-4 * t) / CAPACITANCE
        return [charging - (1 + bend * (y[0] - REST)) / per_volt]

    def passes(_, y):
        return y[0] - model.switch_voltage

    passes.terminal = True
    first = start + charge_at(DELAYS[0]) / CAPACITANCE
    first = brentq(lambda low: fall_time(first, low, ramp) - DELAYS[0], first - 0.1, first)
    solution = solve_ivp(
        slope, (DELAYS[0], 2 * PHASE), [first], method="DOP853", events=passes, rtol=1e-10, atol=1e-12
    )
    return solution.t_events[0][0]


@pytest.mark.parametrize("bend", [0.0, 0.35])
@pytest.mark.parametrize("weight", [0.5, -0.5])
@pytest.mark.parametrize("active", [1, 3])
def test_charge_that_synapses_drive_while_they_turn_off_moves_the_output_spike(bend, weight, active):
    ramp = (fall_time(REST, SWITCH, (1.0, bend)) ** -1 * PHASE, bend)
    off = (3e-17, 1.2e-17)
    model = synthetic(off=off, ramp=ramp)
    layer = NeuronLayer(model, *programmed([[weight] * 3]))
    times = np.where(np.arange(3) < active, 0.5, 1.0)[None] * PHASE

    def charge_at(t):
        return -np.sign(weight) * active * (off[0] + off[1] * np.log(t / DELAYS[0]))

    for start in (1.25, 0.9, 0.6):
        plain = float(model.readouts[3, 0].time(np.array(start)))
        expected = fired(model, start, charge_at, ramp)
        found = layer.fire(np.array([[start]]), times)[0, 0]
        assert abs(expected - plain) > 0.2e-9
        # on a straight ramp the shift is exact; on a bent one the model is of first order in the charge
        assert found == pytest.approx(expected, abs=(1e-3 if bend else 1e-6) * abs(expected - plain))


def test_output_is_never_later_than_the_phase(layer):
    times = layer.fire(np.linspace(-0.1, 1.9, 41)[:, None] * np.ones(2), np.zeros((41, 3)))
    assert np.all((times >= 0) & (times <= layer.model.phase))
    assert np.all(np.diff(times, axis=0) >= -1e-12)


def test_sizes_the_model_was_not_characterised_for_are_refused_by_name(neuron):
    with pytest.raises(ParameterError, match=r"\(2, 7\)") as caught:
        NeuronLayer(neuron, np.ones((2, 2), int), np.full((2, 2), 0.5), fan_out=7)(np.zeros((1, 2)))
    assert "(3, 2)" in str(caught.value)
    with pytest.raises(ParameterError, match="drivers of 5 neurons"):
        NeuronLayer(neuron, np.ones((5, 3), int), np.full((5, 3), 0.5), fan_out=2)(np.zeros((1, 3)))
    with pytest.raises(ParameterError, match="fan-in 4"):
        NeuronLayer(neuron, np.ones((2, 4), int), np.full((2, 4), 0.5), fan_out=2)(np.zeros((1, 4)))


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (np.zeros((1, 2)), r"shape \(1, 2\), the layer has 3 inputs"),
        (np.zeros(3), "shape"),
        (np.array([[0.0, np.nan, 0.0]]), "nan"),
        (np.array([[0.0, -1e-9, 0.0]]), "-1e-09"),
    ],
)
def test_spike_times_that_are_none_are_refused(layer, times, message):
    with pytest.raises(ParameterError, match=message):
        layer(times)


@pytest.mark.parametrize(
    ("polarity", "program", "message"),
    [
        (np.ones((2, 3), int), np.full((2, 2), 0.5), "shape"),
        (np.ones(3, int), np.full(3, 0.5), "shape"),
        (np.full((2, 3), 2), np.full((2, 3), 0.5), "polarity"),
        (np.ones((2, 3), int), np.full((2, 3), 0.2), "0.2"),  # below the characterised gate biases
        (np.ones((2, 3), int), np.full((2, 3), np.nan), "nan"),
    ],
)
def test_programming_that_the_tables_do_not_cover_is_refused(neuron, polarity, program, message):
    with pytest.raises(ParameterError, match=message):
        NeuronLayer(neuron, polarity, program, fan_out=2)(np.zeros((1, 3)))
