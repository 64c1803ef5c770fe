"""Noise margins are the squares that geometry says, and the cell behaves as SKY130's own does."""

from __future__ import annotations

import numpy as np
import pytest

from cimspice.bench import bench
from cimspice.spice import simulate
from cimspice.sram.circuit.noise_margin import ButterflyParameters, lobes
from cimspice.sram.circuit.read import ReadParameters


def test_ideal_inverters_leave_a_square_of_half_the_supply():
    x = np.linspace(0.0, 1.8, 1801)
    step = np.where(x < 0.9, 1.8, 0.0)
    assert min(lobes(x, step, step)) == pytest.approx(0.9, abs=2e-3)


def test_a_shifted_threshold_takes_its_size_from_the_smaller_lobe():
    x = np.linspace(0.0, 1.8, 1801)
    left, right = (np.where(x < threshold, 1.8, 0.0) for threshold in (0.9, 0.7))
    assert min(lobes(x, left, right)) == pytest.approx(0.7, abs=2e-3)


def test_straight_lines_leave_no_square():
    x = np.linspace(0.0, 1.8, 181)
    assert min(lobes(x, 1.8 - x, 1.8 - x)) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.spice
@pytest.mark.parametrize(("word_line", "margin"), [(0.0, 0.690), (1.8, 0.297)])
def test_margins_of_the_cell(word_line, margin):
    """Reference: an earlier measurement of the same cell with another netlist and another evaluation."""
    butterfly = bench("sram_noise_margin")
    parameters = ButterflyParameters(word_line_voltage=word_line)
    waveforms = simulate(butterfly.netlist(parameters), butterfly.analysis(parameters))
    measured = butterfly.measure(parameters, waveforms)["noise_margin"][0]
    assert measured == pytest.approx(margin, abs=2e-3)


@pytest.mark.spice
def test_the_read_swing_is_the_charge_that_the_read_current_takes():
    """47.7 uA at 1.8 V, an independent figure, for a short pulse onto a large capacitance."""
    read = bench("sram_read")
    parameters = ReadParameters(bit_line_capacitance=5e-12, word_line_width=10e-9)
    row = read.measure(parameters, simulate(read.netlist(parameters), read.analysis(parameters))).iloc[0]
    assert row["bit_line_swing"] == pytest.approx(47.7e-6 * 10.05e-9 / 5e-12, rel=0.02)
    assert 0.2 < row["cell_node_peak"] < 0.35
