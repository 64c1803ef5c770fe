"""The crossbar solver against ngspice on the same circuits, and the netlist's own parameters."""

from __future__ import annotations

import numpy as np
import pytest

from cimspice.bench import bench
from cimspice.crossbar import Crossbar, NonlinearCrossbar, SinhCell
from cimspice.errors import ParameterError
from cimspice.spice import simulate


def ngspice(**parameters):
    read = bench("crossbar_read")
    values = read.Parameters(**parameters)
    waveforms = simulate(read.netlist(values), read.analysis(values), options=read.options(values))
    table = read.measure(values, waveforms)
    return table["column_current"].to_numpy().reshape(len(values.voltages), -1)


ENDS = [
    {},
    {"drive": "right", "sense": "top", "source_resistance": 50.0},
    {"drive": "both", "sense": "both", "source_resistance": 50.0, "sense_resistance": 80.0},
    {"word_line_resistance": 0.0, "bit_line_resistance": 0.0},
    {"word_line_resistance": 100.0, "bit_line_resistance": 0.0},
]


@pytest.mark.spice
@pytest.mark.parametrize("ends", ENDS)
def test_linear_arrays_agree_to_the_last_digits(ends):
    rng = np.random.default_rng(0)
    g, v = rng.uniform(1e-6, 1e-4, (14, 11)), rng.uniform(-1, 1, (5, 14)).round(6)
    expected = ngspice(conductances=g, voltages=v, **ends)
    scale = np.abs(expected).max()
    for method in ("merge", "conjugate"):
        found = Crossbar(g, method=method, **ends).currents(v)
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12 * scale)


@pytest.mark.spice
@pytest.mark.parametrize("ends", ENDS)
def test_sinh_arrays_agree(ends):
    rng = np.random.default_rng(1)
    g, v = rng.uniform(1e-6, 1e-4, (10, 12)), rng.uniform(-1, 1, (3, 10)).round(6)
    expected = ngspice(conductances=g, voltages=v, nonlinearity=3.0, **ends)
    found = NonlinearCrossbar(SinhCell(g, 3.0), **ends).currents(v)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10 * np.abs(expected).max())


@pytest.mark.spice
def test_faults_and_uneven_wires_agree():
    rng = np.random.default_rng(2)
    g, v = rng.uniform(1e-6, 1e-4, (9, 8)), rng.uniform(-1, 1, (2, 9)).round(6)
    g[3, 4], g[5, 1] = 0.0, 10.0  # dead, shorted
    word, bit = rng.uniform(0.5, 20, (9, 9)), rng.uniform(0.5, 20, (10, 8))
    word[:, -1] = bit[0] = np.inf
    word[2, 5] = bit[4, 6] = np.inf  # broken
    word[7, 3] = 0.0
    expected = ngspice(
        conductances=g,
        voltages=v,
        word_line_segments=[[None if np.isinf(r) else r for r in line] for line in word],
        bit_line_segments=[[None if np.isinf(r) else r for r in line] for line in bit],
    )
    for method in ("merge", "conjugate"):
        found = Crossbar(g, word_line_resistance=word, bit_line_resistance=bit, method=method).currents(v)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-10 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"voltages": [[0.1]]}, "vectors of 2"),
        ({"conductances": [[1e-5], [1e-5, 2e-5]]}, "equal length"),
        ({"word_line_segments": [[1.0]]}, r"\(2, 3\)"),
        ({"conductances": [[-1e-5, 0], [0, 0]]}, "greater than or equal to 0"),
    ],
)
def test_shapes_of_the_netlist_must_agree(parameters, words):
    with pytest.raises(ParameterError, match=words):
        bench("crossbar_read").Parameters(**parameters)
