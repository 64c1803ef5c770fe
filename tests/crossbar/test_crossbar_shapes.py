"""Crossbars of any shape and input type against exact rational nodal analysis and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from crossbar_nodal import exact_currents, nodal_currents
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cimspice.crossbar import Crossbar, NonlinearCrossbar, SinhCell
from cimspice.crossbar.emulator.array import Method

WAYS: list[tuple[Method, bool]] = [
    (method, compiled) for method in ("merge", "conjugate") for compiled in (False, True)
]
ANY_WAY = pytest.mark.parametrize(("method", "compiled"), WAYS)
ENDS = [(drive, sense) for drive in ("left", "right", "both") for sense in ("bottom", "top", "both")]


@pytest.mark.parametrize(("drive", "sense"), ENDS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (4, 1), (2, 2), (2, 3), (3, 2)])
def test_small_arrays_are_the_exact_rational_solution(shape, drive, sense):
    rng = np.random.default_rng(shape[0] * 10 + shape[1])
    g = rng.integers(1, 100, shape) * 2.0**-20
    word = rng.integers(1, 50, (shape[0], shape[1] + 1)).astype(float)
    bit = rng.integers(1, 50, (shape[0] + 1, shape[1])).astype(float)
    volts = rng.integers(-8, 9, shape[0]) / 8
    expected = np.array(exact_currents(g, word, bit, volts, drive, sense), dtype=float)
    for method, compiled in WAYS:
        crossbar = Crossbar(
            g, word_line_resistance=word, bit_line_resistance=bit, drive=drive, sense=sense,
            method=method, compiled=compiled,
        )  # fmt: skip
        np.testing.assert_allclose(crossbar.currents(volts), expected, rtol=1e-12, atol=1e-20)


@ANY_WAY
def test_two_by_two_with_ideal_bit_lines_in_closed_form(method, compiled):
    # each word line is a ladder: r, g to ground, r, g to ground
    g, r, volts = np.array([[2e-4, 5e-4], [1e-4, 3e-4]]), 400.0, np.array([0.5, -0.25])
    crossbar = Crossbar(g, word_line_resistance=r, bit_line_resistance=0, method=method, compiled=compiled)
    near, far = g[:, 0], g[:, 1]
    load = far / (1 + r * far)
    first = volts / (1 + r * (near + load))
    expected = [np.sum(near * first), np.sum(load * first)]
    np.testing.assert_allclose(crossbar.currents(volts), expected, rtol=1e-14)


@ANY_WAY
def test_uniform_bit_line_is_the_discrete_cable_seen_from_its_end(method, compiled):
    n, r, g = 30, 80.0, 3e-4
    x = 2 * np.arcsinh(np.sqrt(r * g) / 2)
    k = np.arange(n, 0, -1)  # segments to the sense terminal
    crossbar = Crossbar(
        np.full((n, 1), g), word_line_resistance=0, bit_line_resistance=r, method=method, compiled=compiled
    )
    expected = g * np.cosh((n - k + 0.5) * x) / np.cosh((n + 0.5) * x)
    np.testing.assert_allclose(crossbar.currents(np.eye(n))[:, 0], expected, rtol=1e-12)


@ANY_WAY
@pytest.mark.parametrize("shape", [(1, 6), (7, 1), (6, 9), (9, 6)])
def test_a_uniform_array_between_terminals_on_both_sides_is_its_own_mirror_image(method, compiled, shape):
    crossbar = Crossbar(
        np.full(shape, 1e-4), word_line_resistance=40, bit_line_resistance=70, drive="both", sense="both",
        source_resistance=5, sense_resistance=3, method=method, compiled=compiled,
    )  # fmt: skip
    matrix = crossbar.effective_conductance
    np.testing.assert_allclose(matrix, matrix[::-1], rtol=1e-11)
    np.testing.assert_allclose(matrix, matrix[:, ::-1], rtol=1e-11)


@ANY_WAY
def test_terminals_may_be_given_line_by_line_and_end_by_end(method, compiled):
    rng = np.random.default_rng(6)
    g, volts = rng.uniform(1e-5, 1e-3, (4, 3)), rng.uniform(-1, 1, (5, 4))
    source, sense = rng.uniform(1, 90, (4, 2)), rng.uniform(1, 90, (3, 2))
    source[2, 0], sense[1] = np.inf, np.inf  # an end unconnected, a bit line that floats
    word, bit = np.full((4, 4), 7.0), np.full((5, 3), 9.0)
    word[:, [0, -1]] = source  # with contacts at the cells there is no segment before them
    bit[[0, -1]] = sense.T
    crossbar = Crossbar(
        g, word_line_resistance=7, bit_line_resistance=9, source_resistance=source, sense_resistance=sense,
        drive="both", sense="both", contacts="cell", method=method, compiled=compiled,
    )  # fmt: skip
    np.testing.assert_allclose(
        crossbar.currents(volts), nodal_currents(g, word, bit, volts), rtol=1e-9, atol=1e-16
    )


@settings(max_examples=60, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(st.data())
def test_shorted_and_open_cells_agree_with_nodal_analysis(data):
    rows, columns = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 6))
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    g = rng.choice([0.0, 1.0, 1.0, 1.0, np.inf], (rows, columns)) * rng.uniform(1e-5, 1e-3, (rows, columns))
    g = np.where(np.isnan(g), 0.0, g)
    word, bit = rng.uniform(1, 50, (rows, columns + 1)), rng.uniform(1, 50, (rows + 1, columns))
    drive, sense = data.draw(st.sampled_from(ENDS))
    volts = rng.uniform(-1, 1, (3, rows))
    closed_word, closed_bit = word.copy(), bit.copy()
    if drive != "both":
        closed_word[:, -1 if drive == "left" else 0] = np.inf
    if sense != "both":
        closed_bit[-1 if sense == "top" else 0] = np.inf
    expected = nodal_currents(g, closed_word, closed_bit, volts)
    for compiled in (False, True):
        crossbar = Crossbar(
            g, word_line_resistance=word, bit_line_resistance=bit, drive=drive, sense=sense, compiled=compiled
        )
        np.testing.assert_allclose(crossbar.currents(volts), expected, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("method", ["merge", "conjugate", "auto"])
@pytest.mark.parametrize("compiled", [False, True])
def test_any_array_like_gives_what_a_plain_array_gives(method, compiled):
    whole = np.random.default_rng(7).integers(1, 9, (8, 10))
    volts = np.random.default_rng(8).integers(-4, 5, (6, 8))

    def currents(g, v):
        crossbar = Crossbar(
            g, word_line_resistance=0.01, bit_line_resistance=0.02, method=method, compiled=compiled
        )
        return crossbar.currents(v)

    expected = currents(whole.astype(float), volts.astype(float))
    padded = np.zeros((16, 20), dtype=np.float32)
    padded[::2, ::2] = whole
    backwards = np.ascontiguousarray(volts[:, ::-1])[:, ::-1]
    frozen = whole.astype(float)
    frozen.setflags(write=False)
    for g, v in (
        (whole, volts),
        (whole.tolist(), volts.tolist()),
        (whole.astype(np.int8), volts.astype(np.float32)),
        (np.asfortranarray(whole), np.asfortranarray(volts)),
        (padded[::2, ::2], backwards),
        (frozen, volts.astype(np.float16)),
    ):
        np.testing.assert_allclose(currents(g, v), expected, rtol=1e-12, atol=1e-12)
    assert currents(whole, volts[:0]).shape == (0, 10)
    np.testing.assert_allclose(currents(whole, volts[2]), expected[2], rtol=1e-12, atol=1e-12)
    many = currents(whole, np.repeat(volts, 50, axis=0))
    np.testing.assert_allclose(many[::50], expected, rtol=1e-12, atol=1e-12)


def test_given_arrays_are_neither_kept_nor_changed():
    g, v = np.full((3, 4), 1e-4), np.ones((2, 3))
    wire = np.full((3, 5), 10.0)
    crossbar = Crossbar(g, word_line_resistance=wire)
    before = crossbar.currents(v)
    g[:], wire[:] = 1.0, 0.0
    np.testing.assert_array_equal(crossbar.currents(v), before)
    assert (v == 1).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (3, 7)])
@pytest.mark.parametrize(("drive", "sense"), ENDS)
@pytest.mark.parametrize("compiled", [False, True])
def test_non_linear_arrays_of_any_shape_obey_a_linear_array_of_their_chords(shape, drive, sense, compiled):
    rng = np.random.default_rng(9)
    g, volts = rng.uniform(1e-5, 1e-3, shape), rng.uniform(0.2, 1, (2, shape[0]))
    wires = {"word_line_resistance": 60, "bit_line_resistance": 40, "drive": drive, "sense": sense}
    crossbar = NonlinearCrossbar(SinhCell(g, 3.0), compiled=compiled, **wires)
    solved = crossbar.solve(volts)
    for k, v in enumerate(volts):
        chords = solved.cell_currents[k] / (solved.word_line_voltages[k] - solved.bit_line_voltages[k])
        linear = Crossbar(chords, **wires).currents(v)
        np.testing.assert_allclose(crossbar.currents(v), linear, rtol=1e-10, atol=1e-16)
    assert crossbar.currents(volts[:0]).shape == (0, shape[1])
