"""Spiking layers keep to the array API: the same results on its strict implementation as on numpy."""

import array_api_strict
import numpy as np
import pytest
from arrays_of_libraries import METHODS, check_library

from cimspice.arrays import values
from cimspice.errors import ParameterError
from cimspice.neuron.emulator.spiking_layer import SpikingLayer


@pytest.mark.parametrize("method", METHODS)
def test_networks_are_the_same_on_the_strict_array_api(method):
    check_library(array_api_strict.asarray, method)


def test_intervals_move_and_traces_are_numpy():
    weights = np.array([[0.5, -0.4, 0.3]])
    times = np.array([[0.2, 0.31, 0.77]])
    layer = SpikingLayer(weights, 2.8, -1.5, method="dstd")
    found = layer.membrane(array_api_strict.asarray(times), offset=0.03)
    np.testing.assert_allclose(values(found), layer.membrane(times, offset=0.03), rtol=0, atol=1e-12)
    other = SpikingLayer(array_api_strict.asarray(weights), 2.8, -1.5)
    assert isinstance(other.membrane_trace(times, [0.5]), np.ndarray)


@pytest.mark.parametrize(
    ("times", "words"),
    [([[0.1, 1.2]], r"\[0, 1\]"), ([[0.1]], "2 inputs"), ([[0, 1]], "type"), ([[0.1, np.nan]], r"\[0, 1\]")],
)
def test_wrong_spike_times_of_another_library_are_refused(times, words):
    with pytest.raises(ParameterError, match=words):
        SpikingLayer([[0.1, 0.2]])(array_api_strict.asarray(times))


@pytest.mark.parametrize("weights", [[[0.1, np.inf]], [0.1, 0.2]])
def test_wrong_weights_of_another_library_are_refused(weights):
    with pytest.raises(ParameterError, match="weights"):
        SpikingLayer(array_api_strict.asarray(weights))
