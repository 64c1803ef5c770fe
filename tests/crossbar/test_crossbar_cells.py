"""Arrays of resistive memories in ngspice: physics they must keep, and the solver on the same circuits."""

from __future__ import annotations

import numpy as np
import pytest

from cimspice.bench import bench
from cimspice.crossbar import NonlinearCrossbar, TwoTerminalCell
from cimspice.crossbar.validation.one_transistor import access_spline, compare_reads, one_transistor_crossbar
from cimspice.errors import CimspiceError, ParameterError
from cimspice.pdk.array_wires import array_wires
from cimspice.rram import SkywaterReram, Yakopcic
from cimspice.spice import simulate


def measured(name, **parameters):
    made = bench(name)
    given = made.Parameters(**parameters)
    waveforms = simulate(
        made.netlist(given), made.analysis(given), options=made.options(given), flat=made.flat
    )
    return made.measure(given, waveforms)


@pytest.mark.spice
@pytest.mark.parametrize(
    "array",
    [
        {},
        {"drive": "both", "source_resistance": 200.0, "sense_resistance": 300.0, "bit_line_resistance": 20.0},
    ],
)
def test_one_transistor_arrays_agree_with_the_solver(array):
    from cimspice.crossbar.circuit.cells import ArrayCircuit

    rng = np.random.default_rng(0)
    states, voltages = rng.uniform(0.1, 1, (6, 5)), rng.uniform(-0.15, 0.2, (3, 6)).round(4)
    found = compare_reads(SkywaterReram.published(), states, voltages, ArrayCircuit(**array))
    assert np.abs(found.circuit).max() > 1e-6
    assert found.error < 1e-8


@pytest.mark.spice
def test_passive_arrays_of_memories_agree_with_the_solver():
    rng = np.random.default_rng(1)
    states, voltages = rng.uniform(0.1, 1, (7, 4)), rng.uniform(-0.3, 0.3, (2, 7)).round(4)
    table = measured("crossbar_cells_read", array={"cell": "passive"}, states=states, voltages=voltages)
    device, wires = SkywaterReram.published(), array_wires()
    law = TwoTerminalCell(lambda v: device.current(v, states), lambda v: device.slope(v, states))
    found = NonlinearCrossbar(
        law,
        states.shape,
        word_line_resistance=wires.bit_line_resistance,
        bit_line_resistance=wires.source_line_resistance,
    ).currents(voltages)
    expected = table["column_current"].to_numpy().reshape(2, 4)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10 * np.abs(expected).max())
    pairs = table["differential_current"].to_numpy().reshape(2, 4)
    np.testing.assert_allclose(pairs[:, 0], expected[:, 0] - expected[:, 1], rtol=1e-12)


@pytest.mark.spice
def test_a_linear_array_is_reciprocal():
    # VTEAM is a resistor at a held state: what bit line 0 sends to column 1 must not depend on the direction
    states = np.random.default_rng(2).uniform(0, 1, (3, 3))
    wires = {"cell": "passive", "bit_line_resistance": 50.0, "source_line_resistance": 50.0}
    forth = measured(
        "crossbar_cells_read", model="vteam", array=wires, states=states, voltages=0.1 * np.eye(3)
    )["column_current"].to_numpy()
    # the transposed array, mirrored in both directions, has its inputs where the outputs were
    back = measured(
        "crossbar_cells_read",
        model="vteam",
        array=wires,
        states=states.T[::-1, ::-1],
        voltages=0.1 * np.eye(3),
    )["column_current"].to_numpy()
    np.testing.assert_allclose(forth.reshape(3, 3), back.reshape(3, 3)[::-1, ::-1].T, rtol=1e-9)


@pytest.mark.spice
def test_transistors_sense_what_an_ideal_virtual_ground_senses():
    states, voltages = [[0.8, 0.4], [0.5, 0.9]], [0.1, 0.2]
    ideal, amplified = (
        measured("crossbar_settling", states=states, voltages=voltages, sensing=sensing, stop=100e-9)
        for sensing in ("ideal", "amplifier")
    )
    # the amplifier's inputs are 0.5 V above ground: less gate drive of the access transistors, some per cent
    np.testing.assert_allclose(amplified["column_current"], ideal["column_current"], rtol=0.05)
    assert amplified["input_error"].abs().max() < 2e-3
    assert (amplified["settling_time"] > ideal["settling_time"]).all()


@pytest.mark.spice
def test_power_of_a_read_is_the_heat_in_the_solved_array():
    rng = np.random.default_rng(3)
    states, voltages = rng.uniform(0.3, 0.9, (3, 3)), np.array([0.1, 0.2, 0.15])
    table = measured("crossbar_settling", states=states, voltages=voltages)
    solver = one_transistor_crossbar(SkywaterReram.published(), states, access_spline())
    solution = solver.solve(voltages[None])
    assert table["static_power"].iloc[0] == pytest.approx(float(solution.power[0]), rel=1e-4)
    heat = solution.cell_power.sum() + solution.word_line_power.sum() + solution.bit_line_power.sum()
    assert heat == pytest.approx(float(solution.power[0]), rel=1e-9)


@pytest.mark.spice
def test_sneak_paths_of_a_passive_array_are_what_transistors_stop():
    own = SkywaterReram.published().current(0.1, 0.5)
    passive, closed = (
        measured("crossbar_sneak", array={"cell": cell}, size=4)["sensed_current"].iloc[0]
        for cell in ("passive", "1T1R")
    )
    assert passive > 5 * own
    assert closed == pytest.approx(own, rel=0.02)


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        ("crossbar_cells_read", {"states": [[0.5], [0.5, 0.5]]}, "equal length"),
        ("crossbar_cells_read", {"voltages": [[0.1]]}, "vectors of 2"),
        ("crossbar_cells_read", {"states": [[1.2, 0], [0, 0]]}, "less than or equal to 1"),
        ("crossbar_settling", {"stop": 1e-9}, "stop must come after"),
        ("crossbar_write", {"bit_line_voltages": [1.0]}, "one for each line"),
        ("crossbar_write", {"read_row": 5}, "less than 2"),
        ("crossbar_half_select", {"array": {"cell": "passive"}}, "not for passive"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(name, parameters, words):
    with pytest.raises(ParameterError, match=words):
        bench(name).Parameters(**parameters)


def test_arrays_that_ngspice_would_not_finish_are_refused_before_it_starts():
    read, write = bench("crossbar_cells_read"), bench("crossbar_write")
    large = np.full((65, 64), 0.5)
    with pytest.raises(ParameterError, match="too many for a read") as refused:
        read.netlist(read.Parameters(states=large, voltages=np.full((1, 65), 0.1)))
    assert "the solver Crossbar" in refused.value.remedy
    square = np.full((17, 17), 0.5)
    levels = {name: np.zeros(17) for name in ("bit_line_voltages", "word_line_voltages")}
    with pytest.raises(ParameterError, match="too many for a switching transient"):
        write.netlist(write.Parameters(states=square, source_line_voltages=np.zeros(17), **levels))


@pytest.mark.spice
def test_the_law_of_a_cell_refuses_other_devices_and_other_voltages():
    from cimspice.crossbar.emulator.one_transistor import OneTransistorCell

    table = access_spline()
    with pytest.raises(CimspiceError, match="leave the table"):
        table.check_range(-0.1, 0.2)
    with pytest.raises(ParameterError, match="transistor is a Yakopcic"):
        OneTransistorCell(SkywaterReram.published(), np.full((2, 2), 0.5), Yakopcic.published())  # pyright: ignore[reportArgumentType] (the test)
    with pytest.raises(ParameterError, match=r"leave -0\.4 to 1"):
        OneTransistorCell(SkywaterReram.published(), np.full((2, 2), 1.5), table)
