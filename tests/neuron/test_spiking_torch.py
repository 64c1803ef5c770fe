"""Spiking layers on torch tensors, with gradients; `make test-torch` where torch is there."""

import numpy as np
import pytest
from arrays_of_libraries import METHODS, check_library, network, problem

from cimspice.neuron.emulator.ramp import Ramp
from cimspice.neuron.emulator.spiking_layer import SpikingLayer
from cimspice.neuron.training.dstd_gradient import DstdPass
from cimspice.neuron.training.exact_gradient import ExactPass

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("method", METHODS)
def test_networks_are_the_same_on_tensors(method):
    check_library(torch.tensor, method)


def test_single_precision_stays_single():
    weights, times = problem()
    found = network(weights)(torch.tensor(times, dtype=torch.float32))
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found.numpy(), network(weights)(times), atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("e", [(2.8, -1.5), (np.inf, -np.inf), (0.05, -0.03)])
def test_gradients_of_tensors_are_those_of_the_project(method, e):
    rng = np.random.default_rng(2)
    weights, times = rng.normal(0.2, 0.8, (3, 5)), rng.uniform(0.02, 0.98, (4, 5))
    inverse = np.where(weights >= 0, 1 / e[0], 1 / e[1])
    direction = rng.normal(size=(4, 3))
    given_weights = torch.tensor(weights, requires_grad=True)
    given_times = torch.tensor(times, requires_grad=True)
    layer = SpikingLayer(given_weights, *e, **METHODS[method])
    discretisation = METHODS[method].get("discretisation")
    for _ in range(2):  # weights of a layer may be stepped and the layer used again
        given_times.grad = given_weights.grad = None
        (layer.membrane(given_times) * torch.tensor(direction)).sum().backward()
        if discretisation is None:
            passed = ExactPass.forward(times, weights, inverse)
        else:
            passed = DstdPass.forward(times, weights, inverse, discretisation)
        for found, expected in zip((given_times, given_weights), passed.backward(direction), strict=True):
            np.testing.assert_allclose(found.grad.numpy(), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("beta", [0.0, 0.15])
def test_the_gradient_of_the_ramp_is_its_slope(beta):
    v = torch.tensor([-0.2, 0.3, 0.9, 1.1], dtype=torch.float64, requires_grad=True)
    Ramp(beta).spike_times(v).sum().backward()
    inside = np.array([0, 1, 1, 0])
    np.testing.assert_allclose(v.grad.numpy(), inside * Ramp(beta).slope(v.detach().numpy()), rtol=1e-12)
