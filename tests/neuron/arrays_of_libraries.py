"""Layers and networks on another array library than numpy; what numpy gives is in the other tests."""

import numpy as np

from cimspice.arrays import values
from cimspice.neuron.emulator.dstd import Discretisation
from cimspice.neuron.emulator.ramp import Ramp
from cimspice.neuron.emulator.spiking_layer import SpikingLayer
from cimspice.neuron.emulator.spiking_network import SpikingNetwork

METHODS = {
    "exact": {},
    "compiled": {"method": "compiled"},
    "second order": {"method": "dstd", "discretisation": Discretisation(6)},
    "third order": {"method": "dstd", "discretisation": Discretisation(6, order=3)},
}


def problem():
    """Weights of two layers, a silent neuron in them, and spike times (batch, in), equal and none too."""
    rng = np.random.default_rng(4)
    first, second = rng.normal(0.2, 0.6, (6, 8)), rng.normal(0.2, 0.6, (3, 6))
    first[2] = -0.3
    times = rng.uniform(0, 1, (5, 8))
    times[0, 1] = times[0, 2]
    times[1, :3] = 0.0, 1.0, np.inf
    return [first, second], times


def network(weights, **settings):
    settings = {"e_plus": 2.8, "e_minus": np.full((1, 1), -1.5)} | settings
    return SpikingNetwork([SpikingLayer(w, ramp=Ramp(0.15), initial=0.02, **settings) for w in weights])


def check_library(made, method):
    """Times, weights and both as arrays of the library that ``made`` makes of a numpy array."""
    weights, times = problem()
    expected = network(weights, **METHODS[method])
    for given_weights, given_times in (
        (weights, made(times)),
        ([made(w) for w in weights], times),
        ([made(w) for w in weights], made(times)),
    ):
        found = network(given_weights, **METHODS[method])
        trace = found.trace(given_times)
        for one, other in zip(
            (*trace.membranes, *trace.spike_times),
            (*expected.trace(times).membranes, *expected.trace(times).spike_times),
            strict=True,
        ):
            assert type(one) is type(made(times))
            np.testing.assert_allclose(values(one), other, rtol=0, atol=1e-12)
        np.testing.assert_array_equal(found.decisions(given_times), expected.decisions(times))
