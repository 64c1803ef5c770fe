"""Non-linear crossbars: against arrays whose answer is known otherwise, and against their own equations."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy.optimize import brentq

from cimspice.crossbar import (
    Crossbar,
    CrossbarNonConvergence,
    CrossbarTooLarge,
    NonlinearCrossbar,
    SeriesCell,
    SinhCell,
    TwoTerminalCell,
)

BOTH = pytest.mark.parametrize("compiled", [False, True])


def resistor(resistance):
    return TwoTerminalCell(lambda v: v / resistance, lambda v: np.broadcast_to(1 / resistance, v.shape))


@BOTH
def test_one_sinh_cell_is_a_scalar_equation(compiled):
    g, a, r = 1e-3, 4.0, 500.0
    crossbar = NonlinearCrossbar(
        SinhCell([[g]], a), word_line_resistance=r, bit_line_resistance=r, compiled=compiled
    )
    for v in (1e-6, 0.3, 1.0, -2.0):
        expected = brentq(
            lambda i, v=v: i - g / a * np.sinh(a * (v - 2 * r * i)), -1e-2, 1e-2, xtol=1e-18, rtol=1e-14
        )
        assert crossbar.currents([v])[0] == pytest.approx(expected, rel=1e-11)


@BOTH
def test_a_weak_nonlinearity_tends_to_the_linear_array(compiled):
    rng = np.random.default_rng(0)
    g, v = rng.uniform(1e-6, 1e-4, (9, 7)), rng.uniform(-1, 1, (5, 9))
    found = NonlinearCrossbar(SinhCell(g, 1e-6), compiled=compiled).currents(v)
    np.testing.assert_allclose(found, Crossbar(g).currents(v), rtol=1e-10)


@BOTH
@pytest.mark.parametrize("ends", [{}, {"drive": "both", "sense": "both", "source_resistance": 200.0}])
def test_the_solution_fulfils_the_law_and_the_wires(compiled, ends):
    rng = np.random.default_rng(1)
    g, v = rng.uniform(1e-5, 1e-3, (12, 10)), rng.uniform(-1, 1, (6, 12))
    law = SinhCell(g, rng.uniform(1, 6, g.shape))
    wires = {"word_line_resistance": 20, "bit_line_resistance": 30, **ends}
    s = NonlinearCrossbar(law, compiled=compiled, **wires).solve(v)
    current, _ = law(s.word_line_voltages, s.bit_line_voltages)
    np.testing.assert_allclose(current, s.cell_currents, rtol=1e-9, atol=1e-14)
    for k in range(len(v)):
        # a linear array with each cell's own chord has the same voltages
        across = s.word_line_voltages[k] - s.bit_line_voltages[k]
        linear = Crossbar(s.cell_currents[k] / across, **wires).currents(v[k])
        np.testing.assert_allclose(s.column_currents[k], linear, rtol=1e-10, atol=1e-15)


def test_two_laws_in_series_are_one():
    rng = np.random.default_rng(2)
    g, v = rng.uniform(1e-6, 1e-3, (6, 8)), rng.uniform(-1, 1, (4, 6))
    law = SeriesCell(resistor(2e3), resistor(1 / g))
    found = NonlinearCrossbar(law, (6, 8)).currents(v)
    np.testing.assert_allclose(found, Crossbar(1 / (1 / g + 2e3)).currents(v), rtol=1e-11)


def test_a_law_of_the_nodes_levels_converges_to_its_own_equations():
    # a triode-like access device, whose conductance falls with the level of both of its ends
    def access(word, bit):
        level = 1.8 - 0.4 * (word + bit)
        return 1e-4 * (word - bit) * level, 1e-4 * (1.8 - 0.4 * (word + bit))

    rng = np.random.default_rng(3)
    g, v = rng.uniform(1e-6, 1e-4, (8, 8)), rng.uniform(0, 0.5, (3, 8))
    law = SeriesCell(access, SinhCell(g, 3.0))
    s = NonlinearCrossbar(law, (8, 8), word_line_resistance=5, bit_line_resistance=5).solve(v)
    current, _ = law(s.word_line_voltages, s.bit_line_voltages)
    np.testing.assert_allclose(current, s.cell_currents, rtol=1e-8, atol=1e-15)


def test_a_wrong_slope_is_reported():
    law = TwoTerminalCell(lambda v: 1e-3 * np.sinh(8 * v), lambda v: np.full(v.shape, 1e-12))
    with pytest.raises(CrossbarNonConvergence, match="derivative of its current"):
        NonlinearCrossbar(law, (3, 3), word_line_resistance=1e4).currents(np.ones(3))


@BOTH
def test_what_does_not_fit_is_refused_before_it_starts_and_a_batch_needs_no_more_than_a_slice(compiled):
    """300 x 300 cells, five vectors at once: the peak stays below what is allowed; a lower limit is named."""
    rng = np.random.default_rng(0)
    cells, voltages = SinhCell(rng.uniform(1e-6, 5e-5, (300, 300)), 3.0), rng.uniform(0, 0.2, (11, 300))
    limits = {"enough": 140 * 2**20, "little": 60 * 2**20}
    fits, does_not = (
        NonlinearCrossbar(cells, compiled=compiled, memory_limit=limit) for limit in limits.values()
    )
    fits.currents(voltages[:1])  # what is compiled now is not counted
    tracemalloc.start()
    found = fits.currents(voltages)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < limits["enough"]
    one_by_one = [fits.currents(vector) for vector in voltages]
    np.testing.assert_allclose(found, one_by_one, rtol=1e-10)
    with pytest.raises(CrossbarTooLarge, match="solving 300 x 300 non-linear cells needs about"):
        does_not.currents(voltages)
    with pytest.raises(CrossbarTooLarge, match="solution of all nodes"):
        does_not.solve(voltages)
