"""Derivatives of the emulated circuit's spikes against differences, and what is built on them: calibration
and training through the circuit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from neuron_layers import circuit_layer
from test_gradients import differences

from cimspice.errors import ParameterError
from cimspice.neuron.characterisation.card import Conditions
from cimspice.neuron.emulator.network import NeuronNetwork
from cimspice.neuron.emulator.sensitivity import sensitivity
from cimspice.neuron.mapping import map_layer, weight_range
from cimspice.neuron.training import Objective, Schedule
from cimspice.neuron.training.calibration import calibrate
from cimspice.neuron.training.random_network import GUARD, random_network, random_weights
from cimspice.neuron.training.trainer import accuracy, train
from cimspice.neuron.validation import programmed, validate_random
from cimspice.neuron.validation.compare import rmse

WEIGHTS = [np.array([[0.6, -0.25, 0.7], [0.9, 0.4, -0.3]]), np.array([[0.5, 0.45], [0.8, -0.2]])]


@pytest.fixture(scope="module")
def layer(neuron):
    polarity = np.array([[1, -1, 1], [-1, 0, 1]])
    return circuit_layer(
        neuron, polarity, neuron.unit_current(3) * np.array([[0.6, 0.4, 0.9], [0.3, 0.5, 0.75]])
    )


@pytest.fixture(scope="module")
def times(neuron):
    drawn = np.random.default_rng(5).uniform(0.05, 0.9, (6, 3))
    drawn[0, 1], drawn[1] = 1.0, [1.0, 0.4, 1.0]  # some inputs do not spike
    return drawn * neuron.phase


def test_spikes_and_derivatives_to_programs_equal_differences_of_the_layer(layer, times):
    found = sensitivity(layer, times)
    voltage, spikes = layer(times)
    np.testing.assert_array_equal(found.times, spikes)
    np.testing.assert_array_equal(found.voltage, voltage)
    for source in range(3):
        step = np.zeros(layer.program.shape)
        step[:, source] = 1e-5
        above, below = (replace(layer, program=layer.program + sign * step)(times)[1] for sign in (1, -1))
        numeric = (above - below) / 2e-5
        assert np.abs(numeric).max() > 1e-7  # 100 ns/V: something to compare
        np.testing.assert_allclose(found.by_program[..., source], numeric, rtol=2e-4, atol=1e-10)


def test_derivatives_to_the_inputs_spikes_equal_differences_of_the_layer(layer, times, neuron):
    found = sensitivity(layer, times)
    for source in range(3):
        step = np.zeros(times.shape)
        step[:, source] = np.where(times[:, source] < neuron.phase, 1e-12, 0.0)
        numeric = (layer(times + step)[1] - layer(times - step)[1]) / 2e-12
        np.testing.assert_allclose(found.by_input[..., source], numeric, rtol=2e-3, atol=2e-4)


def test_gradient_of_the_loss_through_the_circuit_equals_finite_differences(neuron):
    rng = np.random.default_rng(2)
    weights = [matrix.copy() for matrix in WEIGHTS]
    spikes, labels = rng.uniform(0.05, 0.7, (5, 3)), rng.integers(0, 2, 5)
    objective = Objective(
        2.8,
        -1.7,
        circuit=neuron,
        temporal_weight=0.1,
        excursion_weight=0.3,
        final_range=(0.1, 0.4),
    )
    _, gradients = objective.evaluate(weights, spikes, labels)
    for matrix, gradient in zip(weights, gradients, strict=True):
        numeric = differences(lambda: objective.evaluate(weights, spikes, labels)[0], matrix, 1e-4)
        np.testing.assert_allclose(gradient, numeric, rtol=2e-3, atol=1e-3 * np.abs(numeric).max())


def test_calibration_finds_weights_of_another_circuit_whose_spikes_are_known(neuron):
    """From weights that are off by a tenth, one of them by its sign."""
    rng = np.random.default_rng(3)
    mapped = [map_layer(neuron, matrix) for matrix in WEIGHTS]
    network = NeuronNetwork(neuron, [each.polarity for each in mapped], [each.program for each in mapped])
    spikes, fresh = rng.uniform(0, 0.9, (2, 30, 3))
    wanted = [times / neuron.phase for _, times in network(spikes)]
    start = [matrix * rng.uniform(0.9, 1.1, matrix.shape) for matrix in WEIGHTS]
    start[1][1, 1] *= -0.1
    found = calibrate(neuron, start, spikes, wanted)
    assert max(np.abs(each.errors).max() for each in found) < 0.02e-9
    again = NeuronNetwork(
        neuron, [each.mapping.polarity for each in found], [each.mapping.program for each in found]
    )
    for (_, mine), (_, theirs) in zip(again(fresh), network(fresh), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=0.05e-9)


def test_a_bias_line_is_an_input_that_spikes_when_the_phase_starts_and_is_calibrated_like_one(neuron):
    weights = np.array([[0.7, -0.1], [0.4, 0.15]])
    mapped = map_layer(neuron, weights)
    inputs, line = (
        NeuronNetwork(neuron, [mapped.polarity], [mapped.program], bias_lines=lines)
        for lines in (False, True)
    )
    spikes = np.random.default_rng(8).uniform(0, 0.9, (20, 1))
    wanted = inputs(np.column_stack([spikes, np.zeros(20)]))[0][1]
    np.testing.assert_allclose(line(spikes)[0][1], wanted, rtol=0, atol=1e-15)
    (found,) = calibrate(neuron, [weights[:, :1]], spikes, [wanted / neuron.phase], bias_lines=True)
    assert np.abs(found.errors).max() < 0.02e-9
    np.testing.assert_allclose(found.mapping.realised, weights, rtol=0.01)


def test_a_random_network_is_drawn_together_as_far_as_its_guard_needs(neuron):
    """Each neuron is as drawn, or one of its membranes is at the guard."""
    rng = np.random.default_rng(1)
    drawn, spikes = random_weights((4, 3, 2), rng), rng.random((50, 4))
    network = random_network(neuron, drawn, spikes)
    for layer, matrix in zip(network.layers, drawn, strict=True):
        membranes = layer.membrane(spikes)
        assert GUARD[0] - 1e-3 < membranes.min()
        assert membranes.max() < GUARD[1] + 1e-3
        room = np.minimum(GUARD[1] - membranes.max(axis=0), membranes.min(axis=0) - GUARD[0])
        kept = np.all(layer.weights == matrix, axis=1)
        assert np.all(kept | (np.abs(room) < 1e-3))
        mean = 1 / layer.inputs
        ratios = (layer.weights - mean) / (matrix - mean)
        np.testing.assert_allclose(ratios, ratios[:, :1] * np.ones(layer.inputs))
        spikes = layer(spikes)


def test_calibration_keeps_to_what_synapses_can_carry(neuron):
    """A neuron that should spike at once asks for more than there is: the largest weights, no error."""
    spikes = np.random.default_rng(4).uniform(0.5, 0.9, (10, 3))
    for found in calibrate(neuron, WEIGHTS, spikes, [np.zeros((10, 2))] * 2):
        negative, positive = weight_range(neuron, found.mapping.wanted.shape[1])
        assert (found.mapping.wanted <= positive[1]).all()
        assert (found.mapping.wanted >= -negative[1]).all()
        assert found.mapping.clipped.sum() == 0


@pytest.mark.parametrize("seed", [0, 6])
def test_training_through_the_circuit_lowers_the_loss_and_reports_the_circuits_accuracy(neuron, seed):
    rng = np.random.default_rng(seed)
    spikes = rng.uniform(0.1, 0.9, (40, 3))
    labels = (spikes[:, 0] > spikes[:, 1]).astype(int)
    objective = Objective(2.8, -1.7, circuit=neuron, temporal_weight=0.02, leak=0.1)
    weights = [rng.normal(0.4, 0.2, (2, 3)), rng.normal(0.5, 0.2, (2, 2))]
    history = train(weights, spikes, labels, objective, Schedule(16, 20, 0.1), rng)
    assert history["loss"][-1] < 0.8 * history["loss"][0]
    mapped = [map_layer(neuron, matrix) for matrix in weights]
    network = NeuronNetwork(neuron, [each.polarity for each in mapped], [each.program for each in mapped])
    times = network(spikes)[-1][1]
    alone = (times == times.min(axis=1, keepdims=True)).sum(axis=1) == 1  # two first at once decide nothing
    assert accuracy(weights, spikes, labels, objective) == np.mean(alone & (times.argmin(axis=1) == labels))


@pytest.mark.spice
def test_calibrated_weights_and_bias_lines_bring_ngspice_nearer_to_the_network_that_was_mapped():
    """With bias lines to 1.5 ns; the emulated circuit of the weights as they are is the comparison."""
    calibrated = validate_random(Conditions(), (3, 2, 2), samples=2, seed=7, mapping="calibrated")
    weights = [found.wanted.copy() for found in calibrated.programmed.mappings]
    assert calibrated.programmed.bias_lines
    assert calibrated.wanted is not None
    assert calibrated.trained_rmse is not None
    assert calibrated.trained_rmse < 1.5e-9
    for matrix in weights:
        matrix[:, -1] = 0.0
    without = replace(programmed(calibrated.model, weights), bias_lines=True).network()
    assert calibrated.trained_rmse < 0.3 * rmse(without(calibrated.spikes)[-1][1], calibrated.wanted[-1])


def test_mappings_that_cannot_be_are_refused_before_anything_is_simulated():
    nowhere = Conditions(store="/dev/null/none.sqlite")
    with pytest.raises(ParameterError, match="not possible"):
        validate_random(nowhere, (3, 2), mapping="trained")
    with pytest.raises(ParameterError, match="resistor"):
        validate_random(replace(nowhere, synapse="resistor"), (3, 2), mapping="calibrated")
    with pytest.raises(ParameterError, match="bias lines with mapping 'scale'"):
        validate_random(nowhere, (3, 2), mapping="scale", bias_lines=True)
