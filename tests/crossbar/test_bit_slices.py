"""Weights to rows of cells, sections and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimspice.crossbar.programming.bit_slices import BitSlices, gray_rank, quantise
from cimspice.crossbar.programming.sections import cut, outputs_per_section, restore
from cimspice.errors import MappingError, ParameterError

slices = st.builds(BitSlices, st.integers(1, 15), st.sampled_from(["column", "periphery"]))


@given(slices, st.lists(st.floats(-1, 1), min_size=1, max_size=40))
def test_levels_survive_the_cells(slices, shares):
    levels = np.rint(np.array(shares) * ((1 << slices.bits) - 1)).astype(int)
    words = slices.words(levels)
    assert words.max() < 1 << slices.columns
    np.testing.assert_array_equal(slices.levels(words, levels < 0), levels)


@given(slices, st.data())
def test_cells_are_powers_of_two(slices, data):
    level = data.draw(st.integers(0, (1 << slices.bits) - 1))
    cells = [int(slices.words(level)) >> column & 1 for column in range(slices.bits)]
    assert sum(cell * 2**column for column, cell in enumerate(cells)) == level


@given(st.integers(1, 12), st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=30))
def test_quantisation_is_off_by_half_a_step_at_most(bits, values):
    weights = np.array(values) / 7e3
    levels, step = quantise(weights, bits)
    assert np.abs(levels).max() <= (1 << bits) - 1
    assert np.all(np.abs(weights - step * levels) <= 0.5 * step * (1 + 1e-9))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused_with_their_place(bad):
    with pytest.raises(MappingError, match=r"\(1, 2\)"):
        quantise([[0, 0, 0], [0, 0, bad]], 4)


@pytest.mark.parametrize("bits", [0, -3, 16])
def test_bits_that_make_no_row_are_refused(bits):
    with pytest.raises(ParameterError, match=str(bits)):
        BitSlices(bits)


@given(st.integers(1, 10), st.integers(0, 12))
def test_neighbours_in_the_gray_sequence_differ_in_one_cell(columns, turned):
    words = np.arange(1 << columns)
    order = np.argsort(gray_rank(words, columns, turned=turned))
    assert all(int(a ^ b).bit_count() == 1 for a, b in zip(words[order[:-1]], words[order[1:]], strict=True))


@given(
    st.tuples(st.integers(1, 6), st.integers(1, 15)),
    st.integers(1, 20),
    st.sampled_from(["none", "magnitude", "gray"]),
    st.sampled_from(["layer", "output"]),
    st.integers(0, 5),
)
def test_the_index_restores_the_order(shape, rows, sort, scope, seed):
    levels = np.random.default_rng(seed).integers(-31, 32, shape)
    slices = BitSlices(5)
    sections = cut(levels, slices, rows, sort=sort, scope=scope, turned=seed)
    np.testing.assert_array_equal(restore(slices.levels(sections.words), sections.index, shape), levels)
    if scope == "output":
        assert outputs_per_section(sections.index, shape[1]) == 1.0


def test_sorted_sections_rise_in_magnitude():
    levels = np.random.default_rng(1).integers(-255, 256, (7, 30))
    sections = cut(levels, BitSlices(8), 16, sort="magnitude")
    magnitude = np.abs(levels.reshape(-1)[sections.index[sections.used]])
    assert np.all(np.diff(magnitude) >= 0)
