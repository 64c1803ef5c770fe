"""Ranges: what counts as outside, and that the warning comes once."""

import warnings

import numpy as np
import pytest

from cimspice.errors import ParameterError
from cimspice.fit import ModelRangeWarning, Range, Ranges


def test_ends_and_round_off_lie_inside():
    seen = Range(0.43, 1.36, "V")
    assert seen.contains([0.43, 1.36])
    assert seen.contains(0.43 - 1e-12)
    assert not seen.contains(0.42)
    assert seen.contains([])


@pytest.mark.parametrize(("low", "high"), [(1.0, 0.0), (0.0, np.inf), (np.nan, 1.0)])
def test_what_is_no_range_is_refused(low, high):
    with pytest.raises(ParameterError, match="not a range"):
        Range(low, high)


def test_the_warning_names_model_input_and_range_and_comes_once_per_input():
    ranges = Ranges({"gate_bias": Range(0.4, 0.6, "V"), "membrane_voltage": Range(0.4, 1.3, "V")})
    with pytest.warns(ModelRangeWarning, match=r"law: gate_bias .* 0\.7 V .* 0\.4 to 0\.6 V"):
        ranges.check("law", gate_bias=[0.5, 0.7])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ranges.check("law", gate_bias=0.9, membrane_voltage=1.0, unknown=99.0)
    with pytest.warns(ModelRangeWarning, match="membrane_voltage"):
        ranges.check("law", membrane_voltage=0.0)


def test_ranges_compare_by_content():
    assert Ranges.seen({"x": "V"}, x=[1, 3, 2]) == Ranges({"x": Range(1, 3, "V")})
    assert Ranges() != Ranges({"x": Range(1, 3)})
