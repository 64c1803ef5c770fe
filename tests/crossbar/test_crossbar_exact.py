"""The linear crossbar against circuits solved by hand and dense nodal analysis of whatever is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from crossbar_nodal import nodal_currents
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cimspice.crossbar import Crossbar

WAYS = [(method, compiled) for method in ("merge", "conjugate") for compiled in (False, True)]


@pytest.mark.parametrize(("method", "compiled"), WAYS)
class TestByHand:
    def test_one_cell_is_three_resistors_and_two_ends_in_series(self, method, compiled):
        crossbar = Crossbar(
            [[1e-4]], word_line_resistance=100, bit_line_resistance=200, source_resistance=30,
            sense_resistance=40, method=method, compiled=compiled,
        )  # fmt: skip
        assert crossbar.currents([0.5]) == pytest.approx([0.5 / (1e4 + 370)], rel=1e-14)

    def test_contacts_at_the_cells_leave_out_the_outer_segments(self, method, compiled):
        crossbar = Crossbar(
            [[1e-4]], word_line_resistance=100, bit_line_resistance=200, contacts="cell",
            method=method, compiled=compiled,
        )  # fmt: skip
        assert crossbar.currents([0.5]) == pytest.approx([0.5e-4], rel=1e-14)

    def test_two_sided_ends_halve_the_wire(self, method, compiled):
        crossbar = Crossbar(
            [[1e-4]], word_line_resistance=100, bit_line_resistance=200, drive="both", sense="both",
            method=method, compiled=compiled,
        )  # fmt: skip
        assert crossbar.currents([1.0]) == pytest.approx([1 / (1e4 + 150)], rel=1e-14)

    def test_uniform_word_line_is_the_discrete_cable(self, method, compiled):
        # one row, grounded behind every cell: v_k = V cosh((n - k + 1/2) x) / cosh((n + 1/2) x), open far end
        n, r, g = 40, 50.0, 2e-4
        x = 2 * np.arcsinh(np.sqrt(r * g) / 2)
        k = np.arange(1, n + 1)
        expected = g * np.cosh((n - k + 0.5) * x) / np.cosh((n + 0.5) * x)
        crossbar = Crossbar(
            np.full((1, n), g),
            word_line_resistance=r,
            bit_line_resistance=0,
            method=method,
            compiled=compiled,
        )
        np.testing.assert_allclose(crossbar.currents([1.0]), expected, rtol=1e-12)

    def test_ideal_wires_give_the_product_itself(self, method, compiled):
        rng = np.random.default_rng(1)
        g, v = rng.uniform(1e-6, 1e-4, (17, 23)), rng.normal(size=(4, 17))
        crossbar = Crossbar(
            g, word_line_resistance=0, bit_line_resistance=0, method=method, compiled=compiled
        )
        np.testing.assert_allclose(crossbar.currents(v), v @ g, rtol=1e-13, atol=1e-19)


def segments(shape):
    """Wires of one size per array, some ideal and some open."""
    size = st.sampled_from([1e-2, 1.0, 30.0, 1e3])
    kind = arrays(np.int64, shape, elements=st.sampled_from([1] * 12 + [0, 2]))
    spread = arrays(np.float64, shape, elements=st.floats(0.5, 2.0))
    return st.tuples(size, kind, spread).map(
        lambda drawn: drawn[0] * drawn[2] * np.array([0.0, 1.0, np.inf])[drawn[1]]
    )


@st.composite
def circuits(draw):
    rows, columns = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    largest = draw(st.sampled_from([1e-4, 1e-2]))
    kind = draw(arrays(np.int64, (rows, columns), elements=st.sampled_from([1] * 6 + [0])))
    g = largest * kind * draw(arrays(np.float64, (rows, columns), elements=st.floats(1e-3, 1.0)))
    word, bit = draw(segments((rows, columns + 1))), draw(segments((rows + 1, columns)))
    ends = draw(st.sampled_from(["left", "right", "both"])), draw(st.sampled_from(["bottom", "top", "both"]))
    v = draw(arrays(np.float64, (2, rows), elements=st.floats(-1, 1)))
    return g, word, bit, ends, v


@settings(max_examples=120, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(circuits())
def test_any_array_with_faults_agrees_with_nodal_analysis(circuit):
    g, word, bit, (drive, sense), v = circuit
    word_ends, bit_ends = word.copy(), bit.copy()
    if drive != "both":
        word_ends[:, -1 if drive == "left" else 0] = np.inf
    if sense != "both":
        bit_ends[-1 if sense == "top" else 0] = np.inf
    expected = nodal_currents(g, word_ends, bit_ends, v)
    scale = np.abs(v).max() * g.sum(axis=0).max()
    for method, compiled in (*WAYS, ("auto", True)):
        crossbar = Crossbar(
            g, word_line_resistance=word, bit_line_resistance=bit, drive=drive, sense=sense,
            method=method, compiled=compiled,
        )  # fmt: skip
        # dense nodal analysis itself loses 1/(g r) digits next to nearly ideal wires
        np.testing.assert_allclose(crossbar.currents(v), expected, rtol=1e-7, atol=1e-9 * scale)


@pytest.mark.parametrize(("method", "compiled"), WAYS)
def test_a_bit_line_that_hangs_on_cells_alone_carries_nothing(method, compiled):
    # its slow mode is reached by a hundred-millionth of the currents: one quick step is not convergence
    crossbar = Crossbar(
        [[7.5e-05], [8e-06]], word_line_resistance=[[0.019, 0.019], [0.006, np.inf]],
        bit_line_resistance=[[np.inf], [0.01], [np.inf]], drive="right", sense="both",
        method=method, compiled=compiled,
    )  # fmt: skip
    np.testing.assert_allclose(crossbar.currents([-0.4, 0.1]), [0.0], atol=1e-13 * 0.4 * 8.3e-5)


@pytest.mark.parametrize(("method", "compiled"), WAYS)
@pytest.mark.parametrize("size", [1e-272, 1e-310, 1e200])
def test_currents_are_as_exact_for_extreme_voltages(method, compiled, size):
    rng = np.random.default_rng(8)
    g, v = rng.uniform(1e-5, 1e-2, (5, 7)), rng.uniform(-1, 1, (3, 5))
    crossbar = Crossbar(g, word_line_resistance=30.0, method=method, compiled=compiled)
    digits = 1e-12 if size > 1e-300 else 1e-2  # below 2e-308 a number itself has few
    np.testing.assert_allclose(crossbar.currents(size * v), size * crossbar.currents(v), rtol=digits)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (3, 200), (200, 3), (63, 65), (96, 96)])
def test_shapes_agree_between_merging_and_iteration(shape):
    rng = np.random.default_rng(5)
    g, v = rng.uniform(1e-6, 1e-4, shape), rng.uniform(0, 1, (3, shape[0]))
    reference = Crossbar(g, method="conjugate", compiled=False).currents(v)
    for method, compiled in WAYS:
        found = Crossbar(g, method=method, compiled=compiled).currents(v)
        np.testing.assert_allclose(found, reference, rtol=1e-11)


def test_a_short_carries_what_the_wires_let_through():
    # the short at (0, 0) ties word line 0 to bit line 0: V over two segments, in series with nothing else
    g = np.array([[np.inf, 0.0], [0.0, 0.0]])
    crossbar = Crossbar(g, word_line_resistance=3.0, bit_line_resistance=2.0)
    np.testing.assert_allclose(crossbar.currents([1.0, 1.0]), [1 / (3.0 + 2 * 2.0), 0.0], rtol=1e-14)


def test_large_conductance_tends_to_the_short():
    g = np.random.default_rng(2).uniform(1e-6, 1e-4, (6, 5))
    v = np.linspace(0.1, 1, 6)
    g[2, 3] = 1e12
    nearly = Crossbar(g, method="merge").currents(v)
    g[2, 3] = np.inf
    np.testing.assert_allclose(nearly, Crossbar(g).currents(v), rtol=1e-10)


@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e9])
def test_only_the_ratio_of_wire_to_cell_matters(unit):
    rng = np.random.default_rng(3)
    g, v = rng.uniform(1e-6, 1e-4, (20, 30)), rng.uniform(0, 1, (2, 20))
    plain = Crossbar(g, word_line_resistance=5, bit_line_resistance=7).currents(v)
    for method, compiled in WAYS:
        scaled = Crossbar(
            g * unit, word_line_resistance=5 / unit, bit_line_resistance=7 / unit, method=method,
            compiled=compiled,
        )  # fmt: skip
        np.testing.assert_allclose(scaled.currents(v), plain * unit, rtol=1e-12)
