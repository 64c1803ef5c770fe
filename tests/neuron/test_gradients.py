"""Gradients of the whole loss against finite differences, for the exact solution and for DSTD."""

import numpy as np
import pytest

from cimspice.neuron.emulator.dstd import Discretisation
from cimspice.neuron.emulator.ramp import Ramp
from cimspice.neuron.emulator.spiking_layer import SpikingLayer
from cimspice.neuron.training import Objective
from cimspice.neuron.training.dstd_gradient import DstdPass
from cimspice.neuron.training.exact_gradient import ExactPass

SOLVERS = [None, Discretisation(6), Discretisation(6, order=3)]


def differences(function, array, step=1e-6):
    """Central differences of a number by every element of ``array``."""
    gradient = np.empty_like(array)
    for place in np.ndindex(array.shape):
        kept = array[place]
        array[place] = kept + step
        above = function()
        array[place] = kept - step
        gradient[place] = (above - function()) / (2 * step)
        array[place] = kept
    return gradient


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(("e_plus", "e_minus"), [(2.8, -1.5), (np.inf, -np.inf), (0.3, -0.2)])
def test_loss_gradient_equals_finite_differences(solver, e_plus, e_minus):
    rng = np.random.default_rng(1)
    weights = [rng.normal(0.3, 0.5, (5, 4)), rng.normal(0.3, 0.5, (3, 5))]
    times, labels = rng.uniform(0, 1, (7, 4)), rng.integers(0, 3, 7)
    objective = Objective(
        e_plus,
        e_minus,
        Ramp(0.15),
        temperature=0.2,
        temporal_weight=0.1,
        excursion_weight=0.5,
        excursion_range=(-0.1, 0.3),
        discretisation=solver,
    )
    jitter = [rng.normal(0, 0.02, (7, 5)), rng.normal(0, 0.02, (7, 3))]
    arguments = {"offset": 0.07 if solver else 0.0, "jitter": jitter}
    _, gradients = objective.evaluate(weights, times, labels, **arguments)
    for matrix, gradient in zip(weights, gradients, strict=True):
        numeric = differences(lambda: objective.evaluate(weights, times, labels, **arguments)[0], matrix)
        assert np.abs(numeric).max() > 1e-3  # something to compare
        np.testing.assert_allclose(gradient, numeric, rtol=1e-6, atol=2e-8)


@pytest.mark.parametrize("solver", SOLVERS)
def test_spike_time_gradient_equals_finite_differences(solver):
    rng = np.random.default_rng(2)
    weights, times = rng.normal(0.2, 0.8, (3, 5)), rng.uniform(0.02, 0.98, (4, 5))
    inverse = np.where(weights >= 0, 1 / 2.8, -1 / 1.5)
    direction = rng.normal(size=(4, 3))

    def forward():
        if solver is None:
            return ExactPass.forward(times, weights, inverse)
        return DstdPass.forward(times, weights, inverse, solver, 0.05)

    gradient, _ = forward().backward(direction)
    numeric = differences(lambda: float(np.sum(direction * forward().membrane)), times)
    np.testing.assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("solver", SOLVERS)
def test_training_pass_computes_what_the_layer_computes(solver):
    rng = np.random.default_rng(3)
    weights, times = rng.normal(0.2, 0.8, (3, 5)), rng.uniform(0, 1, (4, 5))
    inverse = np.where(weights >= 0, 1 / 2.8, -1 / 1.5)
    if solver is None:
        layer = SpikingLayer(weights, 2.8, -1.5)
        passed = ExactPass.forward(times, weights, inverse)
    else:
        layer = SpikingLayer(weights, 2.8, -1.5, method="dstd", discretisation=solver)
        passed = DstdPass.forward(times, weights, inverse, solver)
    np.testing.assert_allclose(passed.membrane, layer.membrane(times), rtol=0, atol=1e-14)


def test_leak_lets_a_silent_neuron_learn_and_zero_leak_does_not():
    weights = [np.full((2, 3), -0.5)]
    times, labels = np.full((1, 3), 0.2), np.array([0])
    _, dead = Objective(2.8, -1.5).evaluate(weights, times, labels)
    _, alive = Objective(2.8, -1.5, leak=0.1).evaluate(weights, times, labels)
    np.testing.assert_array_equal(dead[0], 0.0)
    assert (alive[0][0] < 0).all()  # descent raises the wanted neuron's weights
