"""Read-out ramps and networks of layers."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from cimspice.errors import ParameterError
from cimspice.neuron.emulator.ramp import Ramp
from cimspice.neuron.emulator.spiking_layer import SpikingLayer
from cimspice.neuron.emulator.spiking_network import SpikingNetwork


def test_ideal_ramp_is_one_minus_v_clipped():
    np.testing.assert_array_equal(
        Ramp().spike_times(np.array([-0.4, 0.0, 0.25, 1.0, 1.7])), [1, 1, 0.75, 0, 0]
    )


@pytest.mark.parametrize("beta", [0.155, 0.7, -0.5])
def test_circuit_ramp_crosses_the_threshold_when_an_ode_solver_says(beta):
    alpha = -np.log1p(-beta) / beta

    def crossing(_, v):
        return v[0] - 1.0

    crossing.terminal = True
    for v0 in (0.0, 0.2, 0.9):
        solution = solve_ivp(
            lambda _, v: [alpha * (1 - beta * v[0])], (0, 2), [v0], events=crossing, rtol=1e-11, atol=1e-13
        )
        assert Ramp(beta).spike_times(np.array([v0]))[0] == pytest.approx(solution.t_events[0][0], abs=1e-9)


@pytest.mark.parametrize("beta", [0.0, 1e-12, 0.155, -0.5])
def test_ramp_has_its_inverse_and_its_slope(beta):
    ramp, v = Ramp(beta), np.linspace(0.01, 0.99, 21)
    np.testing.assert_allclose(ramp.membrane(ramp.spike_times(v)), v, rtol=0, atol=1e-12)
    difference = (ramp.spike_times(v + 1e-6) - ramp.spike_times(v - 1e-6)) / 2e-6
    np.testing.assert_allclose(ramp.slope(v), difference, rtol=1e-7)


@pytest.mark.parametrize("beta", [1.0, 2.0, np.nan, np.inf])
def test_ramp_that_never_reaches_the_threshold_is_refused(beta):
    with pytest.raises(ParameterError, match="beta"):
        Ramp(beta)


def test_network_passes_spike_times_from_layer_to_layer():
    rng = np.random.default_rng(0)
    ramp = Ramp(0.15)
    first = SpikingLayer(rng.normal(0.4, 0.4, (4, 3)), 2.8, -1.5, ramp)
    second = SpikingLayer(rng.normal(0.4, 0.4, (2, 4)), 2.8, -1.5, ramp)
    network, times = SpikingNetwork([first, second]), rng.uniform(0, 1, (6, 3))
    trace = network.trace(times)
    assert network.sizes == (3, 4, 2)
    np.testing.assert_array_equal(trace.spike_times[0], first(times))
    np.testing.assert_array_equal(trace.membranes[1], second.membrane(first(times)))
    np.testing.assert_array_equal(network(times), second(first(times)))
    np.testing.assert_array_equal(network.decisions(times), network(times).argmin(axis=1))


def test_neighbours_that_do_not_fit_are_refused():
    with pytest.raises(ParameterError, match="2 neurons"):
        SpikingNetwork([SpikingLayer(np.ones((2, 3))), SpikingLayer(np.ones((2, 4)))])
    with pytest.raises(ParameterError, match="without layers"):
        SpikingNetwork([])
