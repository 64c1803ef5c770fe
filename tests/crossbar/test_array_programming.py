"""Programming on an array in ngspice: write-verify, half-selected cells, and the model of a single cell."""

from __future__ import annotations

import numpy as np
import pytest

from cimspice.bench import bench
from cimspice.crossbar.circuit.cells import ArrayCircuit
from cimspice.crossbar.validation.array_programming import CircuitArray, program_array
from cimspice.crossbar.validation.programming import validate_programming
from cimspice.errors import ParameterError
from cimspice.rram import SetResponse, SkywaterReram, WritePulse, WriteScheme, apply_pulse
from cimspice.rram.validation.cell import CircuitCell
from cimspice.spice import simulate


@pytest.mark.spice
def test_a_bit_line_is_written_as_its_cells_would_be_alone():
    levels = np.array([1.3, 1.5])
    pulse = WriteScheme().set_pulse(levels)
    circuit = CircuitArray(np.zeros((2, 2)))
    table = circuit.pulse(0, np.array([True, True]), pulse)
    alone = CircuitCell().write(np.zeros(2), pulse)
    np.testing.assert_allclose(circuit.states[0], alone.state, atol=2e-3)
    assert table["energy"].iloc[0] == pytest.approx(alone.energy.sum(), rel=0.01)
    assert circuit.states[1].max() < 1e-6
    # the read that ends the transient is the one of an operating point
    read = table["read_current"].to_numpy()[:2] / circuit.read_voltage
    np.testing.assert_allclose(read, circuit.conductances()[0], rtol=1e-3)


@pytest.mark.spice
def test_write_verify_reaches_its_targets_and_leaves_other_bit_lines_alone():
    scheme = WriteScheme(tolerance=0.1)
    target = np.array([[12e-6, 25e-6], [40e-6, 8e-6]])
    circuit = CircuitArray(np.zeros((2, 2)))
    response = SetResponse(np.array([1.0, 1.15, 1.2, 1.3, 1.4]), np.array([4e-6, 8e-6, 12e-6, 22e-6, 35e-6]))
    done = program_array(circuit, target, scheme, response=response)
    assert done.record.done.all()
    assert np.abs(done.final / target - 1).max() < 0.1 + 1e-3
    assert done.disturb < 1e-6
    assert done.record.energy.min() > 0
    assert done.transients >= 2
    assert done.record.reads.sum() == (done.record.set_pulses + done.record.reset_pulses + 1).sum()


@pytest.mark.spice
def test_half_selected_passive_cells_move_as_the_model_says():
    made, voltage = bench("crossbar_half_select"), 2.0
    given = made.Parameters(
        array=ArrayCircuit(cell="passive", bit_line_resistance=0.01, source_line_resistance=0.01),
        rows=2,
        columns=2,
        scheme="half",
        other_state=0.6,
        pulse_voltage=voltage,
        pulse_width=1e-6,
    )
    waveforms = simulate(
        made.netlist(given), made.analysis(given), options=made.options(given), flat=made.flat
    )
    row = made.measure(given, waveforms).iloc[0]
    alone = apply_pulse(SkywaterReram.published(), 0.6, voltage / 2, 1e-6)
    moved = abs(float(np.ravel(alone.state)[0]) - 0.6)
    assert moved > 1e-9
    assert row["row_disturb"] == pytest.approx(moved, rel=0.1)
    assert row["other_disturb"] < row["row_disturb"]


def test_what_cannot_be_programmed_is_refused_before_anything_runs():
    with pytest.raises(ParameterError, match="40 x 40"):
        validate_programming(40)
    with pytest.raises(ParameterError, match="targets from"):
        validate_programming(4, highest=1e-3)
    with pytest.raises(ParameterError, match="1T1R"):
        CircuitArray(np.zeros((2, 2)), array=ArrayCircuit(cell="passive"))
    with pytest.raises(ParameterError, match="targets of shape"):
        program_array(CircuitArray(np.zeros((2, 2))), np.ones((3, 3)))
    with pytest.raises(ParameterError, match="word_line"):
        WritePulse(-1.0)
