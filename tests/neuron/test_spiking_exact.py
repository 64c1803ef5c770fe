"""The exact RC-Spike solution against an independent ODE solver and against what must hold in any case."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from cimspice.errors import ParameterError
from cimspice.neuron.emulator.relaxation import phi, psi
from cimspice.neuron.emulator.spiking_layer import SpikingLayer


def integrated(times, weights, reversal, initial, until=1.0):
    """One neuron's v(until) by an adaptive Runge-Kutta of order 8 that restarts at every spike."""
    v = initial
    instants = np.unique(np.concatenate([[0.0, until], times[times < until]]))
    for start, stop in pairwise(instants):
        on = times <= start

        def slope(_, y, on=on):
            return [np.sum(weights[on] * (1 - y[0] / reversal[on]))]

        v = solve_ivp(slope, (start, stop), [v], method="DOP853", rtol=1e-12, atol=1e-14).y[0, -1]
    return v


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.mark.parametrize("method", ["exact", "compiled"])
@pytest.mark.parametrize(
    ("e_plus", "e_minus", "spread"), [(2.8, -1.5, 1.0), (1e9, -1e9, 1.0), (0.05, -0.03, 2.0)]
)
def test_membrane_equals_ode_solver(rng, method, e_plus, e_minus, spread):
    weights = rng.normal(0.2, spread, (4, 7))
    weights[0, 0] = 0.0
    times = rng.uniform(0, 1, (5, 7))
    times[0, 1] = times[0, 2]  # two spikes at once
    times[1, 3], times[1, 4] = 0.0, 1.0
    reversal = np.where(weights >= 0, e_plus, e_minus)
    expected = [[integrated(t, w, e, 0.1) for w, e in zip(weights, reversal, strict=True)] for t in times]
    layer = SpikingLayer(weights, e_plus, e_minus, initial=0.1, method=method)
    np.testing.assert_allclose(layer.membrane(times), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("method", ["exact", "compiled"])
def test_each_weight_can_have_its_own_reversal_potential(rng, method):
    weights, times = rng.normal(0, 1, (3, 6)), rng.uniform(0, 1, (4, 6))
    e_plus, e_minus = rng.uniform(1, 4, (3, 6)), rng.uniform(-4, -1, (3, 1))
    reversal = np.where(weights >= 0, e_plus, e_minus)
    expected = [[integrated(t, w, e, 0.0) for w, e in zip(weights, reversal, strict=True)] for t in times]
    layer = SpikingLayer(weights, e_plus, e_minus, method=method)
    np.testing.assert_allclose(layer.membrane(times), expected, rtol=0, atol=1e-10)


def test_trace_equals_ode_solver_at_every_instant(rng):
    weights, times = rng.normal(0.2, 1, (2, 5)), rng.uniform(0, 1, (3, 5))
    instants = np.array([0.7, 0.0, 0.31, 1.0, times[0, 2]])
    reversal = np.where(weights >= 0, 2.8, -1.5)
    trace = SpikingLayer(weights, 2.8, -1.5, initial=-0.05).membrane_trace(times, instants)
    for b, p, j in np.ndindex(trace.shape):
        until = instants[p]
        expected = integrated(times[b], weights[j], reversal[j], -0.05, until) if until else -0.05
        assert trace[b, p, j] == pytest.approx(expected, abs=1e-10)


def test_infinite_reversal_potential_is_the_multiply_accumulate(rng):
    weights, times = rng.normal(0, 1, (8, 30)), rng.uniform(0, 1, (6, 30))
    np.testing.assert_allclose(
        SpikingLayer(weights).membrane(times), (1 - times) @ weights.T, rtol=0, atol=1e-13
    )


def test_spike_at_the_end_and_no_spike_contribute_nothing(rng):
    weights = rng.normal(0, 1, (3, 4))
    layer = SpikingLayer(weights, 2.8, -1.5)
    np.testing.assert_array_equal(layer.membrane([[1.0, np.inf, 1.0, np.inf]]), np.zeros((1, 3)))
    times = np.array([[0.2, 1.0, 0.6, np.inf]])
    without = SpikingLayer(weights[:, [0, 2]], 2.8, -1.5)
    np.testing.assert_allclose(layer.membrane(times), without.membrane(times[:, [0, 2]]), rtol=0, atol=1e-15)


def test_compiled_equals_numpy_over_blocks_and_every_series(rng):
    for spread, inputs, outputs in ((0.001, 90, 130), (0.05, 300, 64), (3.0, 20, 65)):
        weights, times = rng.normal(0, spread, (outputs, inputs)), rng.uniform(0, 1, (9, inputs))
        exact = SpikingLayer(weights, 2.8, -1.5).membrane(times)
        compiled = SpikingLayer(weights, 2.8, -1.5, method="compiled").membrane(times)
        np.testing.assert_allclose(compiled, exact, rtol=0, atol=1e-13)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 50), st.floats(-50, -0.1))
def test_membrane_never_passes_the_reversal_potentials(seed, e_plus, e_minus):
    rng = np.random.default_rng(seed)
    weights, times = rng.normal(0, 3, (3, 5)), rng.uniform(0, 1, (4, 5))
    v = SpikingLayer(weights, e_plus, e_minus).membrane(times)
    assert (v <= e_plus * (1 + 1e-12)).all()
    assert (v >= e_minus * (1 + 1e-12)).all()


def test_phi_and_psi_keep_their_digits_down_to_zero():
    x = np.array([0.0, 1e-300, 1e-12, 1e-3, 0.29999, 0.30001, 1.0, 30.0, 800.0])
    wide = x.astype(np.longdouble)
    nodes, node_weights = np.polynomial.legendre.leggauss(40)
    s = (0.5 * (nodes + 1))[:, None].astype(np.longdouble)
    half = 0.5 * node_weights[:, None]
    accurate = x < 40  # the quadrature's own reach
    expected_phi, expected_psi = (half * np.exp(-wide * s)).sum(0), (half * s * np.exp(-wide * s)).sum(0)
    np.testing.assert_allclose(phi(x)[accurate], expected_phi.astype(float)[accurate], rtol=1e-13)
    np.testing.assert_allclose(psi(x)[accurate], expected_psi.astype(float)[accurate], rtol=1e-13)
    assert phi(x)[-1] == pytest.approx(1 / 800)
    assert psi(x)[-1] == pytest.approx(1 / 800**2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weights": [[0.1, np.nan]]}, r"weights\[0, 1\]"),
        ({"weights": [0.1, 0.2]}, "shape"),
        ({"e_plus": -1.0}, "e_plus"),
        ({"e_minus": 0.0}, "e_minus"),
        ({"e_minus": np.nan}, "e_minus"),
        ({"e_plus": [1.0, 2.0, 3.0]}, "broadcast|does not fit"),
        ({"method": "magic"}, "magic"),
    ],
)
def test_wrong_layers_are_refused_by_name(change, words):
    with pytest.raises(ParameterError, match=words):
        SpikingLayer(**({"weights": [[0.1, 0.2]], "e_plus": 2.0, "e_minus": -2.0} | change))


@pytest.mark.parametrize("times", [[[0.1, 1.2]], [[0.1, -0.1]], [[np.nan, 0.1]], [[0.1]], [0.1, 0.2]])
def test_wrong_spike_times_are_refused(times):
    with pytest.raises(ParameterError, match="spike time"):
        SpikingLayer([[0.1, 0.2]])(times)
