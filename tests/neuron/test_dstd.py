"""DSTD: that both published forms agree, how its error falls, where it is exact."""

import numpy as np
import pytest

from cimspice.errors import ParameterError
from cimspice.neuron.emulator.dstd import Discretisation, occupancy
from cimspice.neuron.emulator.spiking_layer import SpikingLayer


@pytest.fixture
def problem():
    rng = np.random.default_rng(3)
    return rng.normal(0.05, 0.4, (40, 12)), rng.uniform(0, 1, (60, 12))


def error(problem, steps, scale=1.0, order=2):
    """Root mean square over neurons and samples, with E = scale · (2.8, −1.5)."""
    weights, times = problem
    e = (2.8 * scale, -1.5 * scale)
    approximate = SpikingLayer(weights, *e, method="dstd", discretisation=Discretisation(steps, order))
    return np.sqrt(np.mean((approximate.membrane(times) - SpikingLayer(weights, *e).membrane(times)) ** 2))


def occupancy_by_running_sum(times: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The published form: running sum of hat functions centred on the edges, (intervals, batch, in)."""
    widths = np.diff(edges)
    shape = (-1, 1, 1)
    falling = (edges[1:].reshape(shape) - times) / widths.reshape(shape)
    rising = np.ones_like(falling)  # left of the first edge there is no time
    rising[1:] = (times - edges[:-2].reshape(shape)) / widths[:-1].reshape(shape)
    hats = np.clip(np.minimum(falling, rising), 0.0, 1.0)
    return np.cumsum(hats, axis=0)


@pytest.mark.parametrize("offset", [0.0, 0.03, 0.0999])
def test_closed_form_is_the_running_sum_of_hats(offset):
    times = np.random.default_rng(1).uniform(0, 1, (5, 9))
    times[0, :2] = 0.0, 1.0
    edges = Discretisation(10).edges(offset)
    closed = occupancy(times, edges[:-1], edges[1:])
    np.testing.assert_allclose(occupancy_by_running_sum(times, edges), closed, rtol=0, atol=1e-12)


def test_edges_cover_the_phase_whatever_the_offset():
    for steps in (1, 7, 10, 49):
        assert len(Discretisation(steps).edges()) == steps + 1
        for offset in (1e-20, 0.3 / steps, np.nextafter(1 / steps, 0)):
            edges = Discretisation(steps).edges(offset)
            assert edges[0] == 0
            assert edges[-1] == 1
            assert (np.diff(edges) > 0).all()
            assert np.diff(edges).max() <= (1 + 1e-8) / steps


def test_error_falls_with_the_square_of_the_interval(problem):
    ratio = error(problem, 10) / error(problem, 40)
    assert 12 < ratio < 20  # 4² with the next order's share


def test_error_falls_with_the_reversal_potential(problem):
    ratio = error(problem, 20, scale=5) / error(problem, 20, scale=50)
    assert 8 < ratio < 12


def test_third_order_beats_second_at_equal_cost_and_falls_faster(problem):
    assert error(problem, 5, order=3) < 0.3 * error(problem, 10, order=2)
    assert error(problem, 5, order=3) / error(problem, 20, order=3) > 40  # 4³ = 64


def test_infinite_reversal_potential_has_no_error(problem):
    weights, times = problem
    coarse = SpikingLayer(weights, method="dstd", discretisation=Discretisation(3))
    np.testing.assert_allclose(
        coarse.membrane(times, offset=0.2), (1 - times) @ weights.T, rtol=0, atol=1e-12
    )


def test_spikes_on_the_edges_are_exact(problem):
    weights, _ = problem
    times = np.random.default_rng(5).integers(0, 11, (20, 12)) / 10
    dstd = SpikingLayer(weights, 2.8, -1.5, initial=0.1, method="dstd")
    exact = SpikingLayer(weights, 2.8, -1.5, initial=0.1)
    np.testing.assert_allclose(dstd.membrane(times), exact.membrane(times), rtol=0, atol=1e-12)


def test_offset_moves_the_error_not_the_limit(problem):
    weights, times = problem
    layer = SpikingLayer(weights, 2.8, -1.5)
    approximate = SpikingLayer(weights, 2.8, -1.5, method="dstd")
    moved, centred = approximate.membrane(times, offset=0.04), approximate.membrane(times)
    exact = layer.membrane(times)
    assert np.abs(moved - centred).max() > 1e-5
    assert np.abs(moved - exact).max() < 3 * np.abs(centred - exact).max()


@pytest.mark.parametrize("make", [lambda: Discretisation(0), lambda: Discretisation(4, 4)])
def test_wrong_discretisations_are_refused(make):
    with pytest.raises(ParameterError):
        make()


@pytest.mark.parametrize("offset", [-0.01, 0.1, np.nan])
def test_offset_outside_one_interval_is_refused(offset):
    with pytest.raises(ParameterError, match="offset"):
        Discretisation(10).edges(offset)
