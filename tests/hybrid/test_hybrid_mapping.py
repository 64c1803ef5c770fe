"""Weights as slices of cells, inputs as bits, crossbars, and how many scale factors a network has."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimspice.errors import ParameterError
from cimspice.hybrid import FORMATS, scale_factors, stored_bits
from cimspice.hybrid.mapping.slices import input_bits

RESNET_20 = [(3, 16, 16)] * 6 + [(3, 16, 32)] + [(3, 32, 32)] * 5 + [(3, 32, 64)] + [(3, 64, 64)] * 5
"""Kernel, channels in and out of its 18 convolutions behind the first."""


@pytest.mark.parametrize("name", FORMATS)
@given(data=st.data())
def test_slices_add_up_to_the_weight_and_have_the_values_of_their_cells(name, data):
    form = FORMATS[name]
    step = 2 if form.odd else 1
    allowed = list(range(form.low, form.high + 1, step))
    weights = np.array(data.draw(st.lists(st.sampled_from(allowed), min_size=1, max_size=20)))
    cells = form.sliced(weights)
    assert cells.shape == (form.slices, len(weights))
    assert set(np.unique(cells)) <= ({-1, 1} if form.odd else {-1, 0, 1})
    assert np.array_equal(sum(2**k * cells[k] for k in range(form.slices)), weights)


def test_three_slices_of_minus_4_to_3_use_the_third_for_minus_4_alone():
    cells = FORMATS["-4..3"].sliced(np.arange(-4, 4))
    assert cells.tolist() == [
        [0, -1, 0, -1, 0, 1, 0, 1],
        [0, -1, -1, 0, 0, 0, 1, 1],
        [-1, 0, 0, 0, 0, 0, 0, 0],
    ]


@pytest.mark.parametrize(
    ("name", "weights", "remedy"), [("-4..3", [4], "-4"), ("-3..3", [-4], "-3"), ("odd", [2], "odd weights")]
)
def test_weights_that_the_slices_do_not_have_are_refused(name, weights, remedy):
    with pytest.raises(ParameterError) as refused:
        FORMATS[name].sliced(np.array(weights))
    assert remedy in refused.value.remedy


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=20), st.sampled_from(sorted(FORMATS)))
def test_rounded_weights_are_the_nearest_that_the_format_has(values, name):
    form = FORMATS[name]
    allowed = np.arange(form.low, form.high + 1, 2 if form.odd else 1)
    found = form.rounded(np.array(values))
    nearest = np.abs(np.array(values)[:, None] - allowed).min(axis=1)
    assert set(found) <= set(allowed)
    assert np.allclose(np.abs(values - found), nearest)


@given(st.lists(st.integers(0, 255), min_size=1, max_size=20))
def test_bits_of_an_input_come_least_significant_first(codes):
    bits = input_bits(np.array(codes), 8)
    assert [[int(b) for b in format(code, "08b")[::-1]] for code in codes] == bits.T.tolist()


@pytest.mark.parametrize(("rows", "expected"), [(128, 22752), (64, 39456)])
def test_resnet_20_has_as_many_scale_factors_as_published(rows, expected):
    found = sum(
        scale_factors(k * k * inputs, outputs, rows=rows, weight_slices=3, input_bits=3)
        for k, inputs, outputs in RESNET_20
    )
    assert found == expected


def test_two_cells_of_a_weight_pull_the_lines_by_its_value():
    bits = stored_bits(np.array([1, 0, -1]))
    assert bits.tolist() == [1, 1, 0, 1, 0, 0]
    pulls = (2 * bits - 1).reshape(-1, 2).sum(axis=1) / 2  # a cell is half a unit
    assert pulls.tolist() == [1, 0, -1]
    with pytest.raises(ParameterError, match="cell values"):
        stored_bits(np.array([2]))
