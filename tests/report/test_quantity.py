from __future__ import annotations

import numpy as np
import pytest

from cimspice.report.quantity import axis_label, cut, exponent, quantity, words


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (12.3e-6, "A", "12.3 µA"),
        (1e-9, "s", "1 ns"),
        (999.9e-9, "A", "999.9 nA"),
        (0.56, "V", "0.56 V"),
        (0.0, "V", "0 V"),
        (-2.5e-13, "C", "-250 fC"),
        (1e-25, "A", "1e-07 aA"),
        (0.004, "1", "0.004"),
        (85.0, "°C", "85 °C"),
        (1e6, "V/s", "1 MV/s"),
        (np.float64(2e3), "Hz", "2 kHz"),
        (float("nan"), "V", "nan"),
        (float("inf"), "V", "inf"),
        (True, "", "True"),
        (None, "V", "None"),
        ("nfet", "", "nfet"),
        ([1.0, 2], "V", "[1.0, 2]"),
        ({"a": np.arange(2)}, "", '{"a": [0, 1]}'),
    ],
)
def test_values_are_shown_with_the_prefix_that_suits(value, unit, shown):
    assert quantity(value, unit) == shown


def test_an_axis_takes_the_prefix_of_its_largest_value():
    power = exponent([1e-12, 3e-5, np.nan, -2e-4], "A")
    assert axis_label("drain_current", "A", power) == "drain current (µA)"
    assert axis_label("gain", "1", exponent([1e-9], "1")) == "gain"
    assert exponent([], "A") == 0


def test_long_texts_are_cut_and_odd_names_kept():
    assert cut("x" * 100, 10) == "xxxxxxxxx…"
    assert words("_") == "_"
