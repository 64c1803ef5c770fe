"""Waveforms answer value-at and crossing-of as linear interpolation does, and refuse to extrapolate."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

from cimspice.errors import ParameterError
from cimspice.spice import Waveforms


@pytest.fixture
def triangle():
    time = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    return Waveforms("time", {"time": time, "out": np.array([0.0, 1.0, 0.0, 1.0, 0.0]), "v1#branch": -time})


def test_vectors_are_found_under_every_usual_name(triangle):
    np.testing.assert_array_equal(triangle["V(OUT)"], triangle["out"])
    np.testing.assert_array_equal(triangle["i(v1)"], triangle["v1#branch"])
    assert "v(out)" in triangle
    assert triangle.names == ("out", "v1#branch")
    with pytest.raises(ParameterError, match="nowhere"):
        triangle["nowhere"]


def test_at_interpolates_and_never_extrapolates(triangle):
    assert triangle.at(0.25)["out"] == pytest.approx(0.25)
    with pytest.raises(ParameterError, match="outside"):
        triangle.at(4.5)


def test_at_follows_a_falling_sweep():
    falling = Waveforms("v-sweep", {"v-sweep": np.array([2.0, 1.0, 0.0]), "out": np.array([4.0, 1.0, 0.0])})
    assert falling.at(1.5)["out"] == pytest.approx(2.5)


def test_at_refuses_a_nested_sweep():
    nested = Waveforms("v-sweep", {"v-sweep": np.array([0.0, 1.0, 0.0, 1.0]), "out": np.arange(4.0)})
    with pytest.raises(ParameterError, match="monotonic"):
        nested.at(0.5)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"edge": "rise"}, 0.25),
        ({"edge": "fall"}, 1.75),
        ({"edge": "rise", "after": 1.0}, 2.25),
        ({"edge": "either", "count": 3}, 2.25),
        ({"edge": "rise", "count": 3}, math.nan),
    ],
)
def test_crossings_are_interpolated(triangle, arguments, expected):
    assert triangle.crossing("out", 0.25, **arguments) == pytest.approx(expected, nan_ok=True)


def test_a_touch_of_the_level_counts_once():
    touch = Waveforms("time", {"time": np.arange(3.0), "out": np.array([0.0, 0.5, 1.0])})
    assert list(touch.crossings("out", 0.5)) == [1.0]


def test_frame_has_the_axis_as_index(triangle):
    frame = triangle.frame()
    assert frame.index.name == "time"
    assert list(frame.columns) == ["out", "v1#branch"]


def test_waveforms_survive_pickling(triangle):
    again = pickle.loads(pickle.dumps(triangle))
    np.testing.assert_array_equal(again["out"], triangle["out"])
