"""The law of 1T1R cells: inner nodes against a bracketing root search, compiled and not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import RectBivariateSpline
from scipy.optimize import brentq

from cimspice.crossbar import CrossbarNonConvergence, NonlinearCrossbar
from cimspice.crossbar.emulator.one_transistor import OneTransistorCell
from cimspice.rram import SkywaterReram, StanfordPku, Vteam
from cimspice.rram.model.access_table import AccessTable
from cimspice.rram.model.tensor_spline import TensorSpline

BOTH = pytest.mark.parametrize("compiled", [False, True])
LOW, ACROSS = np.linspace(-0.3, 0.4, 15), np.linspace(0.0, 0.7, 15)


def channel(low, across):
    """A made-up channel with body effect."""
    return 3e-4 * np.tanh(2 * across) * (1.5 - 0.8 * low - 0.2 * across)


TABLE = AccessTable(gate_voltage=3.3, low=LOW, across=ACROSS, currents=channel(LOW[:, None], ACROSS))
VOLTAGES = np.random.default_rng(1).uniform(-0.3, 0.4, (2, 3, 4, 5))


def test_pieces_are_the_spline_and_its_derivatives():
    rng = np.random.default_rng(0)
    x, y = np.sort(rng.uniform(0, 1, 9)), np.sort(rng.uniform(0, 1, 12))
    values = rng.normal(size=(9, 12))
    at_x, at_y = rng.uniform(x[0], x[-1], (50, 100)), rng.uniform(y[0], y[-1], (50, 100))
    reference = RectBivariateSpline(x, y, values, kx=5, ky=5, s=0)
    for found, orders in zip(
        TensorSpline.through(x, y, values, 5)(at_x, at_y), [(0, 0), (1, 0), (0, 1)], strict=True
    ):
        expected = reference.ev(at_x, at_y, *orders)
        np.testing.assert_allclose(found, expected, atol=1e-9 * np.abs(expected).max())


@BOTH
@pytest.mark.parametrize("device", [SkywaterReram.published(), StanfordPku.published(), Vteam.published()])
def test_an_inner_node_is_where_both_currents_meet(device, compiled):
    states = np.random.default_rng(2).uniform(0.05, 1, (4, 5))
    word, bit = VOLTAGES[0], VOLTAGES[1]
    bit[0, 0, :2] = word[0, 0, :2]  # no voltage across
    word[0, 1, 0] = bit[0, 1, 0] = 0.0
    found, slope = OneTransistorCell(device, states, TABLE, compiled)(word, bit)
    for place in np.ndindex(word.shape):
        top, bottom, state = word[place], bit[place], states[place[1:]]

        def through(inner, top=top, bottom=bottom, state=state):
            sign, low = np.sign(inner - bottom), min(inner, bottom)
            below = sign * TABLE.spline(np.array([low]), np.array([abs(inner - bottom)]))[0][0]
            return float(device.current(top - inner, state) - below)

        ends = sorted((top, bottom))
        inner = brentq(through, *ends, xtol=1e-16) if top != bottom else top
        expected = device.current(top - inner, state)
        assert found[place] == pytest.approx(expected, rel=1e-10, abs=1e-19)
    assert (slope > 0).all()


@BOTH
def test_the_slope_is_the_mean_derivative_to_both_nodes(compiled):
    law = OneTransistorCell(SkywaterReram.published(), np.full((4, 5), 0.8), TABLE, compiled)
    word, bit, step = VOLTAGES[0], VOLTAGES[1], 1e-6
    rise = (law(word + step, bit)[0] - law(word - step, bit)[0]) / (2 * step)
    fall = (law(word, bit + step)[0] - law(word, bit - step)[0]) / (2 * step)
    np.testing.assert_allclose(law(word, bit)[1], (rise - fall) / 2, rtol=1e-6)


@BOTH
def test_arrays_of_such_cells_obey_their_wires(compiled):
    states = np.random.default_rng(3).uniform(0.1, 1, (6, 3))
    law = OneTransistorCell(SkywaterReram.published(), states, TABLE, compiled)
    inputs = np.array([[0.1, 0.0, 0.3, -0.2, 0.2, 0.05], [0.0] * 6])
    solved = NonlinearCrossbar(law, (6, 3), word_line_resistance=50, compiled=compiled).solve(inputs)
    current, _ = law(solved.word_line_voltages, solved.bit_line_voltages)
    np.testing.assert_allclose(current, solved.cell_currents, rtol=1e-9, atol=1e-17)
    heat = solved.cell_power.sum(axis=(1, 2)) + solved.word_line_power + solved.bit_line_power
    np.testing.assert_allclose(heat, solved.power, rtol=1e-9)
    assert np.abs(solved.column_currents[1]).max() < 1e-18


@BOTH
def test_an_inner_node_that_is_not_found_is_reported(compiled):
    law = OneTransistorCell(SkywaterReram.published(), np.full((2, 2), 0.5), TABLE, compiled)
    with pytest.raises(CrossbarNonConvergence, match="inner node of a cell was not found"):
        law(np.full((1, 2, 2), np.nan), np.zeros((1, 2, 2)))
