from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimspice.campaign.axis import axis_values

ends = st.floats(-1e6, 1e6).map(lambda value: round(value, 6))


@given(start=ends, count=st.integers(1, 300), step=st.integers(1, 10**6), sign=st.sampled_from((1, -1)))
def test_range_by_step_gives_the_doubles_nearest_to_the_decimal_values(start, count, step, sign):
    step_text = f"{sign * step}e-6"
    stop = float(Fraction(repr(start)) + (count - 1) * Fraction(step_text))
    values = axis_values({"start": start, "stop": stop, "step": float(step_text)})
    assert values == tuple(float(Fraction(repr(start)) + i * Fraction(step_text)) for i in range(count))


@given(start=ends, width=st.floats(1e-3, 1e6), count=st.integers(2, 200))
def test_linear_range_agrees_with_linspace_and_keeps_both_ends(start, width, count):
    values = axis_values({"start": start, "stop": start + width, "num": count})
    np.testing.assert_allclose(
        values, np.linspace(start, start + width, count), rtol=1e-12, atol=1e-9 * width
    )
    assert (values[0], values[-1]) == (start, start + width)


@given(start=st.floats(1e-15, 1e3), ratio=st.floats(1.1, 1e9), count=st.integers(2, 100))
def test_log_range_agrees_with_geomspace_and_keeps_both_ends(start, ratio, count):
    values = axis_values({"start": start, "stop": start * ratio, "num": count, "scale": "log"})
    np.testing.assert_allclose(values, np.geomspace(start, start * ratio, count), rtol=1e-11)
    assert (values[0], values[-1]) == (start, start * ratio)


def test_log_decades_are_exact():
    assert axis_values({"start": 1e-9, "stop": 1e-6, "num": 4, "scale": "log"}) == (1e-9, 1e-8, 1e-7, 1e-6)


def test_range_that_does_not_meet_its_stop_ends_before_it():
    assert axis_values({"start": 0.0, "stop": 1.0, "step": 0.3}) == (0.0, 0.3, 0.6, 0.9)


@given(
    st.lists(
        st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)), min_size=1, unique=True
    )
)
def test_list_is_taken_as_it_stands(values):
    assert axis_values(values) == tuple(values)


@pytest.mark.parametrize(
    ("raw", "reported"),
    [
        ([], "at least one value"),
        ([1.0, 2.0, 1], "twice"),
        ([1.0, float("nan")], "not a finite number"),
        ([float("inf")], "not a finite number"),
        ([[1.0]], "not a number"),
        (0.5, "one value belongs in"),
        ("tt", "one value belongs in"),
        ({"start": 0, "stop": 1}, "either step or num"),
        ({"start": 0, "stop": 1, "step": 0.1, "num": 3}, "either step or num"),
        ({"start": 0, "stop": 1, "step": -0.1}, "does not lead from start to stop"),
        ({"start": 0, "stop": 1, "step": 0}, "does not lead from start to stop"),
        ({"start": 0, "stop": 1, "step": 1e-9}, "more than 1000000"),
        ({"start": 0, "stop": 1, "num": 10**9}, "less than or equal to 1000000"),
        ({"start": 0, "stop": 1, "num": 5, "scale": "log"}, "must be greater than 0"),
        ({"start": 1, "stop": 2, "step": 0.5, "scale": "log"}, "takes num, not step"),
        ({"start": 1, "stop": 1, "num": 5}, "swept more than once"),
        ({"start": 1, "stop": 2, "num": 1}, "needs start = stop"),
        ({"start": 1, "stop": 2, "number": 3}, "Extra inputs"),
        ({"start": 0, "stop": float("nan"), "num": 3}, "finite"),
    ],
)
def test_wrong_axis_is_refused_with_the_reason(raw, reported):
    with pytest.raises(ValueError, match=reported):
        axis_values(raw)


@pytest.mark.parametrize("wrong", [{"start": "0"}, {"stop": "1e5"}, {"step": "0.2"}, {"start": True}])
def test_text_that_looks_like_a_number_is_no_end_of_a_range(wrong):
    with pytest.raises(ValueError, match="valid number"):
        axis_values({"start": 0.0, "stop": 1.0, "step": 0.5} | wrong)
