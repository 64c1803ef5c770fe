"""Writes against a simulation cell by cell; choices of cells; order and matching of rows."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cimspice.crossbar.programming.bit_sliced_crossbars import Crossbars
from cimspice.crossbar.programming.bit_slices import BitSlices
from cimspice.crossbar.programming.hamming_path import (
    _nearest_neighbours,
    _two_opt,
    cells_changed,
    hamming_distances,
    improve,
    path_length,
    shortened,
)
from cimspice.crossbar.programming.row_matching import _ONES, _assigned_by_scipy, match_rows
from cimspice.crossbar.programming.section_order import schedule
from cimspice.crossbar.programming.sections import cut, restore
from cimspice.crossbar.programming.write_choice import Exact, LargestFirst, NearestValue, RandomStucking
from cimspice.errors import ParameterError

SLICES = BitSlices(4)
ones = np.vectorize(lambda word: int(word).bit_count())


def cell_by_cell(sections, steps, crossbars, rows):
    """Every cell on its own: how often each was set and reset, and what it held when read."""
    cells = np.zeros((crossbars, rows, SLICES.columns), dtype=int)
    sets, resets = np.zeros_like(cells), np.zeros_like(cells)
    for step in steps:
        for crossbar, number in enumerate(step):
            if number < 0:
                continue
            for row in range(rows):
                if sections.index[number, row] < 0:
                    continue
                for column in range(SLICES.columns):
                    wanted = int(sections.words[number, row]) >> column & 1
                    sets[crossbar, row, column] += wanted > cells[crossbar, row, column]
                    resets[crossbar, row, column] += wanted < cells[crossbar, row, column]
                    cells[crossbar, row, column] = wanted
    return sets, resets


@settings(deadline=None, max_examples=30)
@given(
    st.tuples(st.integers(1, 5), st.integers(1, 12)),
    st.integers(1, 6),
    st.integers(1, 4),
    st.sampled_from(["chunks", "dealt"]),
    st.sampled_from(["layer", "output"]),
    st.integers(0, 99),
)
def test_writes_equal_a_simulation_cell_by_cell(shape, rows, crossbars, assignment, scope, seed):
    levels = np.random.default_rng(seed).integers(-15, 16, shape)
    sections = cut(levels, SLICES, rows, sort="magnitude", scope=scope)
    steps = schedule(sections, crossbars, assignment)
    array = Crossbars(crossbars, rows, SLICES.columns)
    written = array.write(sections, steps, Exact(), np.random.default_rng(0))
    sets, resets = cell_by_cell(sections, steps, crossbars, rows)
    np.testing.assert_array_equal(array.sets, sets)
    np.testing.assert_array_equal(array.resets, resets)
    np.testing.assert_array_equal(restore(SLICES.levels(written.words), written.index, shape), levels)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 5), st.integers(1, 4), st.booleans(), st.integers(0, 99))
def test_any_order_and_matching_programs_every_weight_once(rows, crossbars, shorten, seed):
    levels = np.random.default_rng(seed).integers(-15, 16, (4, 9))
    sections = cut(levels, SLICES, rows, sort="gray", scope="output")
    array = Crossbars(crossbars, rows, SLICES.columns)
    steps = schedule(sections, crossbars, state=array.words, shorten=shorten)
    assert sorted(steps[steps >= 0]) == list(range(len(sections.words)))
    written = array.write(sections, steps, Exact(), np.random.default_rng(0), match=True)
    np.testing.assert_array_equal(restore(SLICES.levels(written.words), written.index, (4, 9)), levels)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 4), st.integers(1, 5), st.sampled_from([4, 32]), st.integers(0, 999))
def test_matched_rows_change_the_fewest_cells_of_all_permutations(crossbars, rows, most, seed):
    rng = np.random.default_rng(seed)
    state, wanted = rng.integers(0, most, (2, crossbars, rows)).astype(np.uint16)
    used = rng.random((crossbars, rows)) < 0.7
    found = match_rows(state, wanted, used)
    orders = np.array(list(permutations(range(rows))))
    ones = np.array([word.bit_count() for word in range(most)])
    for crossbar, order in enumerate(found):
        assert sorted(order) == list(range(rows))
        cells = np.where(used[crossbar], ones[state[crossbar][:, None] ^ wanted[crossbar]], 0)
        changed = cells[np.arange(rows), orders].sum(axis=1)
        assert cells[np.arange(rows), order].sum() == changed.min()


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 12), st.integers(1, 5), st.booleans(), st.integers(0, 999))
def test_a_shortened_order_never_changes_more_cells_than_the_order_given(count, rows, gaps, seed):
    rng = np.random.default_rng(seed)
    sections = rng.integers(0, 32, (count, rows)).astype(np.uint16)
    used = rng.random((count, rows)) < 0.7 if gaps else np.ones((count, rows), dtype=bool)
    held = rng.integers(0, 32, rows).astype(np.uint16)
    order = shortened(sections, used, held)
    assert sorted(order) == list(range(count))
    assert cells_changed(sections[order], used[order], held) <= cells_changed(sections, used, held)


@settings(deadline=None)
@given(st.integers(3, 40), st.integers(0, 999))
def test_compiled_paths_are_those_of_numpy(count, seed):
    pytest.importorskip("numba")
    from cimspice.crossbar.programming.hamming_path_compiled import nearest_neighbours, two_opt

    rng = np.random.default_rng(seed)
    distance = rng.integers(0, 50, (count, count), dtype=np.int32)
    distance = distance + distance.T
    np.testing.assert_array_equal(nearest_neighbours(distance), _nearest_neighbours(distance))
    one, other = (
        rng.permutation(count) for rng in (np.random.default_rng(seed), np.random.default_rng(seed))
    )
    assert two_opt(distance, one) == _two_opt(distance, other)
    np.testing.assert_array_equal(one, other)


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(0, 999), st.sampled_from([3, 9, 16]))
def test_compiled_assignments_are_those_of_scipy(rows, seed, bits):
    """The very same one where several are best, with rows to spare and crossbars without any word left."""
    pytest.importorskip("numba")
    from cimspice.crossbar.programming.row_matching_compiled import assigned

    rng = np.random.default_rng(seed)
    free_counts = rng.integers(0, rows + 1, 5)
    left_counts = rng.integers(0, free_counts + 1)
    starts = [np.concatenate([[0], np.cumsum(counts)]) for counts in (left_counts, free_counts)]
    left, free = (rng.integers(0, 1 << bits, at[-1]).astype(np.uint16) for at in starts)
    given = (left, starts[0], free, starts[1], _ONES)
    np.testing.assert_array_equal(assigned(*given), _assigned_by_scipy(*given))


@settings(deadline=None)
@given(st.integers(3, 10), st.integers(0, 999))
def test_improving_a_path_keeps_its_ends_and_never_lengthens_it(count, seed):
    rng = np.random.default_rng(seed)
    distance = rng.integers(0, 50, (count, count))
    distance = distance + distance.T
    path = rng.permutation(count)
    found = improve(distance, path)
    assert sorted(found) == list(range(count))
    assert (found[0], found[-1]) == (path[0], path[-1])
    assert path_length(distance, found) <= path_length(distance, path)


def test_hamming_distances_count_the_cells_of_rows_that_both_use():
    one, other = np.array([[0b101, 0b111]], np.uint16), np.array([[0b010, 0b110]], np.uint16)
    both, first = np.array([[True, True]]), np.array([[True, False]])
    assert hamming_distances(one, both, other, both).item() == 4
    assert hamming_distances(one, both, other, first).item() == 3


CHOICES = [RandomStucking(3, 1.0), LargestFirst(3, 1.0), RandomStucking(0, 0.2), NearestValue(SLICES, 0.0)]


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: type(choice).__name__)
def test_nothing_is_lost_where_all_cells_are_rewritten(choice):
    rng = np.random.default_rng(3)
    state, target = rng.integers(0, 32, (2, 5, 40)).astype(np.uint16)
    np.testing.assert_array_equal(choice.choose(state, target, rng), target)


@pytest.mark.parametrize("kind", [RandomStucking, LargestFirst])
def test_stucking_rewrites_the_fraction_and_only_in_low_columns(kind):
    rng = np.random.default_rng(4)
    state, target = rng.integers(0, 32, (2, 20, 2000)).astype(np.uint16)
    after = kind(3, 0.25).choose(state, target, rng)
    low = np.uint16(7)
    differed, left = ((state ^ target) & low), ((after ^ target) & low)
    np.testing.assert_array_equal(after & ~low, target & ~low)
    assert np.all(left & ~differed == 0)
    rewritten = 1 - ones(left).sum() / ones(differed).sum()
    assert rewritten == pytest.approx(0.25, abs=0.01)


def test_weightiest_columns_first_leaves_less_error_than_chance():
    rng = np.random.default_rng(5)
    state, target = rng.integers(0, 16, (2, 10, 500)).astype(np.uint16)
    error = [
        np.square(SLICES.levels(kind(4, 0.5).choose(state, target, rng)) - SLICES.levels(target)).sum()
        for kind in (LargestFirst, RandomStucking)
    ]
    assert error[0] < 0.5 * error[1]


@pytest.mark.parametrize("price", [0.3, 1.0, 7.0, 100.0])
def test_the_nearest_value_is_the_best_of_all_states(price):
    words = np.arange(32, dtype=np.uint16)
    values = SLICES.levels(words).astype(float)
    found = NearestValue(SLICES, price).choose(*np.meshgrid(words, words, indexing="ij"), None)
    changed = ones(words[:, None] ^ words)
    cost = (values[None, :, None] - values) ** 2 + price * changed[:, None, :]  # state, target, candidate
    reached = np.take_along_axis(cost, found[..., None].astype(int), axis=2)[..., 0]
    np.testing.assert_allclose(reached, cost.min(axis=2))


def test_a_worn_cell_keeps_its_value_and_the_others_do_not_care():
    levels = np.random.default_rng(6).integers(-15, 16, (3, 8))
    sections = cut(levels, SLICES, 4)
    worn = np.full((2, 4), 0b00010, dtype=np.uint16)
    array = Crossbars(2, 4, SLICES.columns, faulty=worn, fault_value=worn)
    written = array.write(sections, schedule(sections, 2), Exact(), np.random.default_rng(0))
    np.testing.assert_array_equal(written.words, sections.words | 0b00010)


@pytest.mark.parametrize("kind", [RandomStucking, LargestFirst])
@pytest.mark.parametrize(("columns", "fraction"), [(-1, 0.5), (2, 1.1), (2, -0.1), (2, float("nan"))])
def test_stucking_that_makes_no_sense_is_refused(kind, columns, fraction):
    with pytest.raises(ParameterError):
        kind(columns, fraction)


def test_a_table_of_too_many_states_is_refused():
    with pytest.raises(ParameterError, match="13 columns"):
        NearestValue(BitSlices(12), 1.0)
