"""What a crossbar refuses, and what it takes although it looks odd."""

from __future__ import annotations

import numpy as np
import pytest

from cimspice.crossbar import Crossbar, CrossbarTooLarge, NonlinearCrossbar, SinhCell
from cimspice.errors import ParameterError

GOOD = np.full((3, 2), 1e-5)


@pytest.mark.parametrize(
    ("conductances", "words"),
    [
        ([[1e-5, -1e-6]], r"cell \(0, 1\) is -1e-06 S"),
        ([[1e-5], [np.nan]], r"cell \(1, 0\) is nan S"),
        ([1e-5, 2e-5], r"shape \(2,\)"),
        (np.zeros((0, 3)), r"shape \(0, 3\)"),
        ([[1e-5 + 1e-6j]], "complex128"),
        ([["a"]], "type <U1"),
        ([[1e-5, 1e-5], [1e-5]], "rows of different lengths"),
        (np.ma.masked_greater([[1e-5, 1e-4]], 5e-5), "masked values"),
    ],
)
def test_unusable_conductances_are_named(conductances, words):
    with pytest.raises(ParameterError, match=words):
        Crossbar(conductances)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"word_line_resistance": -1.0}, "word_line_resistance holds -1"),
        ({"bit_line_resistance": np.nan}, "bit_line_resistance holds nan"),
        ({"word_line_resistance": np.ones((3, 2))}, r"shape \(3, 3\)"),
        ({"bit_line_resistance": np.ones((3, 2))}, r"shape \(4, 2\)"),
        ({"word_line_resistance": np.ones((3, 3)), "contacts": "cell"}, r"shape \(3, 1\)"),
        ({"source_resistance": np.ones(2)}, r"\(3,\) for each line"),
        ({"drive": "top"}, "drive = 'top'"),
        ({"sense": "left"}, "sense = 'left'"),
        ({"contacts": "none"}, "contacts = 'none'"),
        ({"method": "exact"}, "method 'exact'"),
        ({"dtype": np.int32}, "float64 or float32"),
        ({"dtype": "x"}, "float64 or float32"),
    ],
)
def test_unusable_options_are_named(options, words):
    with pytest.raises(ParameterError, match=words):
        Crossbar(GOOD, **options)


@pytest.mark.parametrize("limit", [np.nan, -1, "1 GiB"])
def test_a_limit_of_memory_is_a_number(limit):
    with pytest.raises(ParameterError, match="memory_limit"):
        Crossbar(GOOD, memory_limit=limit).solve(np.ones(3))


@pytest.mark.parametrize(
    ("law", "words"),
    [
        (5, "law is a int"),
        (lambda word, bit: [word - bit], "the law returned shapes"),
        (lambda word, bit: (word - bit, 1.0), "the law returned shapes"),
    ],
)
def test_unusable_laws_are_named(law, words):
    with pytest.raises(ParameterError, match=words):
        NonlinearCrossbar(law, GOOD.shape).currents(np.ones(3))


@pytest.mark.parametrize(
    ("voltages", "words"),
    [
        (np.ones(2), r"shape \(2,\)"),
        (np.ones((2, 2, 3)), r"shape \(2, 2, 3\)"),
        ([0.1, np.inf, 0.1], "nan or inf"),
        ([1j, 0, 0], "complex"),
    ],
)
def test_unusable_voltages_are_named(voltages, words):
    with pytest.raises(ParameterError, match=words):
        Crossbar(GOOD).currents(voltages)


def test_too_large_for_memory_is_said_before_it_starts():
    crossbar = Crossbar(np.full((600, 600), 1e-5), memory_limit=2**20, method="merge")
    with pytest.raises(CrossbarTooLarge, match=r"600 x 600 cells needs about 0\.\d+ GiB"):
        crossbar.currents(np.ones(600))
    with pytest.raises(CrossbarTooLarge, match="solution of all nodes"):
        crossbar.solve(np.ones(600))


def test_an_array_that_no_machine_holds_is_refused_before_it_is_copied():
    endless = np.broadcast_to(1e-5, (2_000_000, 2_000_000))  # takes no memory itself
    with pytest.raises(CrossbarTooLarge, match=r"2000000 x 2000000 cells needs about .* GiB"):
        Crossbar(endless)


@pytest.mark.parametrize("compiled", [False, None])
def test_iteration_is_refused_too_if_it_does_not_fit(compiled):
    limit = 8 * 10 * 300 * 300  # the array fits, what iteration holds besides does not
    crossbar = Crossbar(np.full((300, 300), 1e-5), method="conjugate", compiled=compiled, memory_limit=limit)
    with pytest.raises(CrossbarTooLarge, match="iterating 300 x 300 cells"):
        crossbar.currents(np.ones((1, 300)))


def test_a_short_between_ideal_wires_has_no_current():
    with pytest.raises(ParameterError, match="short lies between wires without resistance"):
        Crossbar([[np.inf]], word_line_resistance=0, bit_line_resistance=0).currents([1.0])


@pytest.mark.parametrize("rows", [[3], [-1], [0.5]])
def test_a_changed_cell_must_exist(rows):
    with pytest.raises(ParameterError):
        Crossbar(GOOD).with_cells(rows, [0], [1e-5])


def test_integers_one_vector_no_vector_and_no_voltage_are_fine():
    crossbar = Crossbar([[1, 2], [3, 4]], word_line_resistance=0, bit_line_resistance=0)
    np.testing.assert_allclose(crossbar.currents([1, 1]), [4, 6])
    assert crossbar.currents(np.zeros((0, 2))).shape == (0, 2)
    assert not crossbar.currents(np.zeros((3, 2))).any()
    assert not Crossbar(GOOD, method="conjugate").currents(np.zeros((3, 3))).any()


def test_an_array_that_nothing_joins_carries_nothing():
    dead = Crossbar(np.zeros((3, 2)))
    assert not dead.currents(np.ones((4, 3))).any()
    loose = Crossbar(GOOD, source_resistance=np.inf, sense_resistance=np.inf)
    assert not loose.currents(np.ones((4, 3))).any()


@pytest.mark.parametrize(("g", "a"), [(GOOD, -1.0), (GOOD, np.ones(2)), (GOOD, np.nan), ([[np.inf]], 1.0)])
def test_unusable_sinh_cells_are_refused(g, a):
    with pytest.raises(ParameterError):
        SinhCell(g, a)


def test_a_sinh_cell_keeps_a_copy_of_its_nonlinearity():
    a = np.full(GOOD.shape, 3.0)
    crossbar = NonlinearCrossbar(SinhCell(GOOD, a))
    before = crossbar.currents([0.5, 1.0, 0.7])
    a[:] = 9.0
    np.testing.assert_array_equal(crossbar.currents([0.5, 1.0, 0.7]), before)


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({"tolerance": np.nan}, "tolerance"),
        ({"tolerance": 1e-3}, "tolerance"),
        ({"tolerance": np.inf}, "tolerance"),
        ({"tolerance": -1.0}, "tolerance"),
        ({"shape": (2.5, 2)}, r"shape\[0\]"),
        ({"shape": (3, 0)}, r"shape\[1\]"),
        ({"shape": 3}, "shape"),
        ({"shape": (2, 3)}, "shape"),
    ],
)
def test_unusable_options_of_a_nonlinear_crossbar_are_named(options, place):
    with pytest.raises(ParameterError, match=place):
        NonlinearCrossbar(SinhCell(GOOD, 3.0), **options)


@pytest.mark.parametrize("upstream", [[np.nan, 1.0], [np.inf, 1.0], [1.0], [[1.0, 1.0]] * 2, ["a", "b"]])
def test_unusable_weights_of_a_gradient_are_named(upstream):
    with pytest.raises(ParameterError, match="upstream"):
        Crossbar(GOOD).gradient(np.ones(3), upstream)


def test_no_changed_cells_are_no_change():
    same = Crossbar(GOOD).with_cells([], [], [])
    np.testing.assert_array_equal(same.conductances, GOOD)


@pytest.mark.parametrize(("rows", "columns"), [([0.5], [0]), ([True], [0]), ([0], ["0"])])
def test_indices_of_changed_cells_are_whole_numbers(rows, columns):
    with pytest.raises(ParameterError, match=r"(rows|columns) are of type [\s\S]* whole numbers"):
        Crossbar(GOOD).with_cells(rows, columns, [1e-5])


def test_a_law_without_a_shape_needs_one():
    with pytest.raises(ParameterError, match="shape"):
        NonlinearCrossbar(lambda word, bit: (word - bit, np.ones_like(word)))
