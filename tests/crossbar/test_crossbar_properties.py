"""What any crossbar must obey (superposition, reciprocity, power balance, symmetry), and what rests on it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cimspice.crossbar import Crossbar
from cimspice.crossbar.emulator.sensitivity import updated_matrix

BOTH = pytest.mark.parametrize("compiled", [False, True])
TWO_SIDED = {"drive": "both", "sense": "both", "source_resistance": 20.0, "sense_resistance": 10.0}


def drawn(shape, seed=0, batch=4):
    rng = np.random.default_rng(seed)
    return rng.uniform(1e-6, 1e-3, shape), rng.uniform(-1, 1, (batch, shape[0]))


@BOTH
@settings(max_examples=15, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 99), st.sampled_from([{}, TWO_SIDED]))
def test_drivers_deliver_what_cells_and_wires_turn_into_heat(compiled, rows, columns, seed, ends):
    g, v = drawn((rows, columns), seed)
    solution = Crossbar(g, word_line_resistance=30, bit_line_resistance=40, compiled=compiled, **ends).solve(
        v
    )
    heat = solution.cell_power.sum(axis=(1, 2)) + solution.word_line_power + solution.bit_line_power
    np.testing.assert_allclose(heat, solution.power, rtol=1e-11)


def test_segment_currents_are_the_voltage_drops_over_the_segments():
    g, v = drawn((5, 7))
    word, bit = (
        np.random.default_rng(1).uniform(1, 50, (5, 8)),
        np.random.default_rng(2).uniform(1, 50, (6, 7)),
    )
    crossbar = Crossbar(g, word_line_resistance=word, bit_line_resistance=bit, drive="both", sense="both")
    s = crossbar.solve(v)
    ends = np.broadcast_to(v[:, :, None], (4, 5, 1))
    along = np.concatenate([ends, s.word_line_voltages, ends], axis=2)
    np.testing.assert_allclose(s.word_segment_currents, -np.diff(along, axis=2) / word, rtol=1e-9, atol=1e-15)
    ends = np.zeros((4, 1, 7))
    along = np.concatenate([ends, s.bit_line_voltages, ends], axis=1)
    np.testing.assert_allclose(s.bit_segment_currents, -np.diff(along, axis=1) / bit, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(s.column_currents, crossbar.currents(v), rtol=1e-12)


@BOTH
def test_currents_of_a_sum_are_the_sum_of_currents(compiled):
    g, v = drawn((30, 20))
    crossbar = Crossbar(g, method="conjugate", compiled=compiled)
    together = crossbar.currents(v.sum(axis=0))
    np.testing.assert_allclose(crossbar.currents(v).sum(axis=0), together, rtol=1e-10, atol=1e-16)


def test_mirror_images_have_mirrored_matrices():
    g, _ = drawn((11, 8))
    wires = {"word_line_resistance": 5, "bit_line_resistance": 9}
    one = Crossbar(g, **wires).effective_conductance
    mirrored = Crossbar(g[:, ::-1], drive="right", **wires).effective_conductance
    np.testing.assert_allclose(mirrored[:, ::-1], one, rtol=1e-12)
    flipped = Crossbar(g[::-1], sense="top", **wires).effective_conductance
    np.testing.assert_allclose(flipped[::-1], one, rtol=1e-12)


def test_reciprocity_driver_and_sense_terminal_can_change_places():
    # bit lines driven and word lines sensed is the transposed array, its lines seen from their other ends
    g, _ = drawn((11, 8))
    one = Crossbar(g, word_line_resistance=5, bit_line_resistance=9).effective_conductance
    # row j is bit line j from its bottom end, column i counts word lines from the bottom, sensed at the left
    exchanged = Crossbar(g.T[:, ::-1], word_line_resistance=9, bit_line_resistance=5, sense="top")
    np.testing.assert_allclose(exchanged.effective_conductance[:, ::-1].T, one, rtol=1e-11)


@BOTH
@pytest.mark.parametrize("ends", [{}, TWO_SIDED])
@pytest.mark.parametrize("batch", [2, 9])
def test_gradient_is_the_slope_of_the_currents(compiled, ends, batch):
    g, v = drawn((6, 5), batch=batch)
    weights = np.random.default_rng(3).normal(size=(batch, 5))
    wires = {"word_line_resistance": 100, "bit_line_resistance": 50, "compiled": compiled, **ends}

    def weighted(cells):
        return np.sum(weights * Crossbar(cells, **wires).currents(v))

    found = Crossbar(g, **wires).gradient(v, weights)
    for cell in np.ndindex(g.shape):
        step = 1e-4 * g[cell]
        up, down = g.copy(), g.copy()
        up[cell] += step
        down[cell] -= step
        slope = (weighted(up) - weighted(down)) / (2 * step)
        assert found[cell] == pytest.approx(slope, rel=1e-6, abs=1e-7 * np.abs(found).max())


@BOTH
@pytest.mark.parametrize("ends", [{}, TWO_SIDED])
def test_a_correction_of_low_rank_is_the_new_array(compiled, ends):
    g, _ = drawn((20, 14))
    rows, columns = np.array([3, 3, 19, 0]), np.array([0, 5, 13, 7])
    values = np.array([0.0, 1e-2, 5e-5, 2e-6])
    before = Crossbar(g, compiled=compiled, **ends)
    changed = g.copy()
    changed[rows, columns] = values
    corrected = updated_matrix(before, before.effective_conductance, rows, columns, values - g[rows, columns])
    after = Crossbar(changed, compiled=compiled, **ends)
    np.testing.assert_allclose(corrected, after.effective_conductance, rtol=1e-10)
    np.testing.assert_allclose(
        before.with_cells(rows, columns, values).effective_conductance,
        after.effective_conductance,
        rtol=1e-10,
    )


def test_a_cell_of_a_large_array_changes_without_a_new_matrix():
    g, v = drawn((160, 160))
    before = Crossbar(g / 10)
    before.effective_conductance  # noqa: B018 (computed when asked for)
    after = before.with_cells([7], [150], [1e-3])
    assert after._matrix is not None
    expected = Crossbar(after.conductances, method="merge").currents(v)
    np.testing.assert_allclose(after.currents(v), expected, rtol=1e-10, atol=1e-14)


@BOTH
def test_single_precision_errs_by_what_is_stated(compiled):
    rng = np.random.default_rng(4)
    g, v = rng.uniform(1e-6, 1e-4, (128, 128)), rng.uniform(0, 1, (5, 128))
    exact = Crossbar(g, compiled=compiled).currents(v)
    single = Crossbar(g, compiled=compiled, dtype=np.float32, method="merge").currents(v)
    assert np.abs(single - exact).max() < 5e-6 * np.abs(exact).max()


def test_many_small_calls_end_in_a_matrix():
    g, v = drawn((24, 24), batch=1)
    crossbar = Crossbar(g / 10)
    first = crossbar.currents(v)
    assert crossbar._matrix is None
    for _ in range(400):
        crossbar.currents(v)
    assert crossbar._matrix is not None
    np.testing.assert_allclose(crossbar.currents(v), first, rtol=1e-11)


def test_floating_lines_carry_nothing_and_islands_have_no_voltage():
    g, v = drawn((4, 4))
    source = np.array([0.0, np.inf, 0.0, 0.0])
    crossbar = Crossbar(g, source_resistance=source)
    solution = crossbar.solve(v)
    np.testing.assert_allclose(solution.source_currents[:, 1], 0.0, atol=1e-15)
    assert np.isfinite(solution.word_line_voltages).all()
    alone = g.copy()
    alone[1] = 0.0
    solution = Crossbar(alone, source_resistance=source).solve(v)
    assert np.isnan(solution.word_line_voltages[:, 1]).all()
    assert np.isfinite(solution.word_line_voltages[:, [0, 2, 3]]).all()
