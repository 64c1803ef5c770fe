"""Capacitance between the lines of an array: crosstalk in closed form, and nothing lost of the whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cimspice.bench import bench
from cimspice.errors import ParameterError
from cimspice.pdk.array_wires import array_wires
from cimspice.spice import Tran, simulate


def settling(save, **parameters):
    made: Any = bench("crossbar_settling")
    given = made.Parameters(**parameters)
    analysis = Tran(1e-12, given.stop, max_step=given.stop / 2000, save=save)
    return given, simulate(made.netlist(given), analysis, options=made.options(given), flat=made.flat)


@pytest.mark.spice
def test_a_step_on_one_bit_line_lifts_its_neighbour_as_two_coupled_lines_do():
    resistance, whole, coupling = 1e4, 1e-13, 2e-14
    array = {
        "cell": "passive", "coupling": "lines", "source_resistance": resistance, "bit_line_resistance": 0.0,
        "source_line_resistance": 0.0, "bit_line_capacitance": whole, "bit_line_coupling": coupling,
        "crossing_capacitance": 1e-14, "source_line_capacitance": 2e-14, "source_line_coupling": 0.0,
    }  # fmt: skip
    given, run = settling(
        ("r0_0", "r1_0"), states=[[-0.4], [-0.4]], voltages=[0.2, 0.0], array=array, stop=1e-8, edge=1e-11
    )
    after = run.axis - given.delay - given.edge / 2
    late = after > 1e-10
    together = resistance * (whole - coupling)  # the neighbour's part moves along: no charge
    apart = resistance * (whole + coupling)
    expected = 0.1 * (np.exp(-after[late] / apart) - np.exp(-after[late] / together))
    np.testing.assert_allclose(run["r1_0"][late], expected, atol=2e-4)  # cells of 30 nS leak as much
    assert run["r1_0"].max() > 0.01


@pytest.mark.spice
def test_where_all_other_lines_are_held_the_energy_is_that_of_the_whole_capacitance():
    made: Any = bench("crossbar_settling")
    energy = []
    for coupling in ("ground", "lines"):
        given = made.Parameters(
            states=[[0.3, 0.5], [0.5, 0.4]], voltages=[0.0, 0.2], array={"coupling": coupling}
        )
        waveforms = simulate(
            made.netlist(given), made.analysis(given), options=made.options(given), flat=made.flat
        )
        energy.append(made.measure(given, waveforms)["energy"].iloc[0])
    assert energy[1] == pytest.approx(energy[0], rel=1e-3)


def test_the_parts_of_a_line_in_the_technology_are_less_than_the_whole():
    wires = array_wires()
    for whole, beside in (
        (wires.bit_line_capacitance, wires.bit_line_coupling),
        (wires.source_line_capacitance, wires.source_line_coupling),
    ):
        assert 0 < 2 * beside + wires.crossing_capacitance < whole


def test_coupling_of_more_than_the_line_has_is_refused():
    with pytest.raises(ParameterError, match="more than the capacitance of a line"):
        bench("crossbar_settling").Parameters(array={"coupling": "lines", "bit_line_capacitance": 1e-18})
