"""The circuit neuron's membrane against independent solutions of its equation and the normalised emulator."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from neuron_layers import PHASE, REST, THRESHOLD, circuit_layer, integrated, programmed, synthetic

from cimspice.neuron.emulator.layer import NeuronLayer
from cimspice.neuron.emulator.spiking_layer import SpikingLayer


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
    model = synthetic(reversal, reset_step=-initial * THRESHOLD)
    layer = NeuronLayer(model, *programmed(weights))
    normalised = SpikingLayer(weights, *reversal, initial=initial)
    voltage, spikes = layer(times * PHASE)
    np.testing.assert_allclose((REST - voltage) / THRESHOLD, normalised.membrane(times), rtol=0, atol=1e-9)
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
        charge = -n.on_charge(layer.program[index, 2], voltage[index]) + p.unselected(voltage[index])[0]
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
