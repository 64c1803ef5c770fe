"""Cells that conduct far better than wires, breaks, steep cells: right to 1e-10 of the largest current.

Expected currents of linear arrays are exact fractions; those of non-linear ones come from Newton's method
with 50 digits (mpmath) on the nodal equations.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from crossbar_nodal import exact_currents
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cimspice.crossbar import (
    Crossbar,
    CrossbarNonConvergence,
    NonlinearCrossbar,
    SeriesCell,
    SinhCell,
    TwoTerminalCell,
)
from cimspice.crossbar.emulator.residual import residuals

BOTH = pytest.mark.parametrize("compiled", [False, True])
BAR = 1e-10


def near(found, expected, bar=BAR):
    expected = np.asarray(expected, dtype=float)
    return np.abs(np.asarray(found) - expected).max() <= bar * np.abs(expected).max()


def every_way(g, v, expected, **options):
    """Currents by each method, and those of the inside, agree with what is expected."""
    for compiled in (False, True):
        for method in ("merge", "conjugate", "auto"):
            crossbar = Crossbar(g, method=method, compiled=compiled, **options)
            assert near(crossbar.currents(v), expected)
        solution = crossbar.solve(v)
        assert near(solution.column_currents[0], expected)
        assert solution.residual.shape == (1,)
        assert solution.residual[0] <= 1e-12


@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(st.data())
def test_conductances_from_1e_12_to_1e15_siemens_give_the_exact_currents(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    shape = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))
    g = 10 ** rng.uniform(-12, 15, shape)
    if data.draw(st.booleans()):
        g = np.where(rng.random(shape) < 0.6, 10 ** rng.uniform(-6, -4, shape), g)
    word, bit = np.ones((shape[0], shape[1] + 1)), np.ones((shape[0] + 1, shape[1]))
    ends = data.draw(st.sampled_from([("left", "bottom"), ("right", "top"), ("both", "both")]))
    v = rng.uniform(0.05, 0.2, shape[0])
    every_way(g, v, exact_currents(g, word, bit, v, *ends), drive=ends[0], sense=ends[1])


@pytest.mark.parametrize("broken", [1e15, 1e18, 1e22])
def test_segments_of_1e15_ohm_and_more_give_the_exact_currents_by_every_method(broken):
    rng = np.random.default_rng(1)
    g, v = 10 ** rng.uniform(-6, -4, (4, 3)), rng.uniform(0.05, 0.2, 4)
    word, bit = np.ones((4, 4)), np.ones((5, 3))
    word[1, 1] = word[3, 0] = bit[2, 2] = broken
    g[1, 1] = 0.0
    expected = exact_currents(g, word, bit, v, "left", "bottom")
    every_way(g, v, expected, word_line_resistance=word, bit_line_resistance=bit)


@pytest.mark.parametrize(("cell", "like"), [(np.inf, 1e30), (1e15, 1e15)])
def test_shorts_in_one_row_and_column_beside_open_cells_give_the_exact_currents(cell, like):
    rng = np.random.default_rng(2)
    g, v = 10 ** rng.uniform(-6, -4, (3, 4)), rng.uniform(0.05, 0.2, 3)
    g[0, 0] = 0.0
    shorted = [(1, 1), (1, 3), (2, 1)]
    given_cells, finite = g.copy(), g.copy()
    for place in shorted:
        given_cells[place], finite[place] = cell, like
    expected = exact_currents(finite, np.ones((3, 5)), np.ones((4, 4)), v, "left", "bottom")
    every_way(given_cells, v, expected)


@BOTH
@pytest.mark.parametrize("short", [1e6, 1e13])
def test_the_gradient_beside_a_short_is_the_exact_slope_of_the_currents(compiled, short):
    rng = np.random.default_rng(3)
    g, v, weights = 10 ** rng.uniform(-6, -4, (2, 2)), np.array([0.1, 0.2]), np.array([1.0, -0.5])
    g[1, 0] = short
    wires = np.ones((2, 3)), np.ones((3, 2))

    def weighted(cells):
        return sum(exact * w for exact, w in zip(exact_currents(cells, *wires, v, "left", "bottom"),
                                                 map(int, 2 * weights), strict=True)) / 2  # fmt: skip

    cells = [[Fraction(x) for x in row] for row in g.tolist()]
    before, expected = weighted(cells), np.empty((2, 2))
    for i, j in np.ndindex(2, 2):
        moved = [list(row) for row in cells]
        step = moved[i][j] / 10**30
        moved[i][j] += step
        expected[i, j] = float((weighted(moved) - before) / step)
    found = Crossbar(g, compiled=compiled).gradient(v, weights)
    assert near(found, expected)


@BOTH
def test_a_short_that_is_mended_leaves_no_trace_in_the_matrix(compiled):
    rng = np.random.default_rng(4)
    g = 10 ** rng.uniform(-6, -4, (6, 5))
    shorted = g.copy()
    shorted[2, 2] = 1e13
    before = Crossbar(shorted, compiled=compiled)
    before.effective_conductance  # noqa: B018 (computed when asked for)
    after = before.with_cells([2], [2], [g[2, 2]]).effective_conductance
    assert near(after, Crossbar(g, compiled=compiled).effective_conductance, 1e-12)


G = 10 ** np.random.default_rng(7).uniform(-6, -4, (3, 4))
VOLTS = np.array([2.0, 1.7, -1.9])
NVT = 0.026


def selector():
    scale = G * 1e-8
    return TwoTerminalCell(lambda u: scale * np.expm1(u / NVT), lambda u: scale / NVT * np.exp(u / NVT))


def resistor():
    ohms = np.full((3, 4), 2000.0)
    ohms[1, 2] = 1e-9
    return TwoTerminalCell(lambda u: u / ohms, lambda u: np.broadcast_to(1 / ohms, u.shape))


def shorted():
    cells = G.copy()
    cells[1, 1], cells[1, 3], cells[0, 0] = 1e15, 1e12, 0.0
    return SinhCell(cells, 3.0)


IN_SERIES = [0.001166524736296288, 0.0011268985731904611, 0.18127878809087108, 0.0009962339736976737]
STEEP = {
    "sinh cells of 30 per volt at up to 2 V": (
        SinhCell(G, 30.0),
        [-0.20351333147842973, 0.08752142023279107, 0.1085373639138846, 0.11008799283349112],
    ),
    "selectors of 26 mV at 2 V": (
        selector(),
        [0.30751823786702437, 0.22965135237416326, 0.14145618001366603, 0.131898275478394],
    ),
    "selectors below resistors": (SeriesCell(resistor(), selector()), IN_SERIES),
    "selectors above resistors": (SeriesCell(selector(), resistor()), IN_SERIES),
    "shorts among sinh cells": (
        shorted(),
        [-0.001900771625728355, 0.3393731415309769, 0.0020910890367340394, 0.16979239588306652],
    ),
}


@BOTH
@pytest.mark.parametrize("kind", STEEP)
def test_steep_and_shorted_non_linear_cells_give_the_currents_of_50_digits(kind, compiled):
    law, expected = STEEP[kind]
    crossbar = NonlinearCrossbar(law, (3, 4), compiled=compiled)
    assert near(crossbar.currents(VOLTS), expected)
    solution = crossbar.solve(np.stack([VOLTS, 0.01 * VOLTS]))
    assert near(solution.column_currents[0], expected)
    assert (solution.residual <= 1e-12).all()


def test_sinh_cells_are_odd_functions_to_the_last_digits():
    law, volts = SinhCell(np.full((1, 1), 1e-5), 60.0), np.linspace(-2, 2, 81)[:, None, None]
    current, slope = law(volts, np.zeros_like(volts))
    np.testing.assert_allclose(current, 1e-5 / 60 * np.sinh(60 * volts), rtol=1e-13)
    np.testing.assert_allclose(slope, 1e-5 * np.cosh(60 * volts), rtol=1e-13)


@BOTH
@pytest.mark.parametrize("ends", [{}, {"drive": "both", "sense": "both"}, {"drive": "right", "sense": "top"}])
def test_the_residual_shows_a_current_that_kirchhoffs_laws_do_not_allow(compiled, ends):
    rng = np.random.default_rng(5)
    g, v = rng.uniform(1e-5, 1e-3, (6, 5)), rng.uniform(0.1, 1, (1, 6))
    crossbar = Crossbar(g, word_line_resistance=5.0, compiled=compiled, **ends)
    s = crossbar.solve(v)
    assert s.residual[0] < 1e-14
    wrong = s.cell_currents.copy()
    wrong[0, 3, 2] += 1e-3 * np.abs(wrong).max()
    up = s.word_line_voltages - v[:, :, None]
    left = g * (v[:, :, None] + up - s.bit_line_voltages) - wrong
    found = residuals(crossbar.wires, up, s.bit_line_voltages, wrong, g, left, compiled=compiled)
    assert 1e-5 < found[0] < 1e-2


@BOTH
def test_broken_lines_and_floating_pieces_fulfil_kirchhoffs_laws_too(compiled):
    rng = np.random.default_rng(6)
    g, v = rng.uniform(1e-5, 1e-3, (5, 6)), rng.uniform(0.1, 1, (2, 5))
    word, bit = np.full((5, 7), 3.0), np.full((6, 6), 2.0)
    word[1, 2] = word[1, 4] = word[3, 0] = bit[2, 2] = bit[4, 2] = bit[5, 5] = np.inf
    crossbar = Crossbar(g, word_line_resistance=word, bit_line_resistance=bit, compiled=compiled)
    solution = crossbar.solve(v)
    assert (solution.residual < 1e-12).all()
    assert near(solution.column_currents, crossbar.currents(v), 1e-12)


def test_cells_that_no_voltages_can_satisfy_are_refused_with_the_node():
    falling = TwoTerminalCell(lambda u: 1e-3 * np.sign(u - 0.5), lambda u: np.full(u.shape, 1e-9))
    with pytest.raises(CrossbarNonConvergence, match=r"of the largest current, 1e-10 is allowed") as refusal:
        NonlinearCrossbar(falling, (2, 2), word_line_resistance=500.0).currents(np.ones(2))
    assert "line node of cell (" in str(refusal.value)
