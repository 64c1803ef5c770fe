"""Pristine cells: formed alike by numpy, ngspice and scipy's integration, and by nothing but forming."""

from __future__ import annotations

import numpy as np
import pytest
from rram_reference import CURRENTS, own, solve

from cimspice.bench import bench
from cimspice.crossbar import NonlinearCrossbar
from cimspice.crossbar.circuit.cells import ArrayCircuit
from cimspice.crossbar.emulator.one_transistor import OneTransistorCell
from cimspice.crossbar.validation.array_programming import CircuitArray, program_array
from cimspice.crossbar.validation.one_transistor import access_spline
from cimspice.errors import ParameterError
from cimspice.rram import (
    SetResponse,
    SkywaterReram,
    StanfordPku,
    Vteam,
    WriteScheme,
    apply_pulse,
    pristine_state,
)
from cimspice.spice import simulate

DEVICES = {kind.parameter_set: kind.published() for kind in (SkywaterReram, StanfordPku)}
PULSES = [
    ("skywater", -0.1, 3.0, 2e4, 27.0),
    ("skywater", -0.19, 3.1, 2e3, 85.0),
    ("skywater", -0.1, 2.75, 2e4, 27.0),
    ("stanford_pku", -0.3, 2.3, 1e2, 27.0),
]
RESPONSE = SetResponse(np.array([1.15, 1.2, 1.3, 1.4]), np.array([8e-6, 12e-6, 22e-6, 35e-6]))
PRISTINE = float(pristine_state(DEVICES["skywater"]))


def row(name, celsius=27.0, **parameters):
    made = bench(name)
    given = made.Parameters(**parameters)
    run = simulate(
        made.netlist(given),
        made.analysis(given),
        options=made.options(given),
        temperature=celsius,
        flat=made.flat,
    )
    return made.measure(given, run).iloc[0]


@pytest.mark.parametrize(("model", "state", "voltage", "series", "celsius"), PULSES)
def test_a_form_pulse_ends_where_lsoda_ends(model, state, voltage, series, celsius):
    corners = [(0.0, 0.0), (1e-8, voltage), (1.01e-6, voltage), (1.02e-6, 0.0)]
    expected = solve(model, state, corners, series, celsius)
    reached = apply_pulse(
        DEVICES[model], state, voltage, 1e-6, series_resistance=series, ambient=celsius
    ).state
    assert reached == pytest.approx(expected, abs=1e-4)  # a slow start, then a run-away: errors grow
    assert expected - state > 0.01


@pytest.mark.spice
@pytest.mark.parametrize(("model", "state", "voltage", "series", "celsius"), PULSES)
def test_a_form_pulse_in_ngspice_ends_where_lsoda_ends(model, state, voltage, series, celsius):
    found = row(
        "rram_switching",
        celsius,
        model=model,
        initial_state=state,
        pulse_voltage=voltage,
        pulse_width=1e-6,
        series_resistance=series,
    )
    times = np.cumsum([0.2, 0.01, 1.0, 0.01, 0.2]) * 1e-6
    corners = list(zip([0.0, *times], [0.1, 0.1, voltage, voltage, 0.1, 0.1], strict=True))
    assert found["state_after"] == pytest.approx(solve(model, state, corners, series, celsius), abs=1e-4)
    before = 0.1 / CURRENTS[model](0.1, own(model, state)) + series
    assert found["conductance_before"] == pytest.approx(1 / before, rel=1e-3)


def test_pristine_cells_form_at_their_own_voltage_and_not_below():
    """The published voltages; cells that form at the last of them conduct less than 0.1 uS, as published."""
    device, volts = DEVICES["skywater"], np.array([2.2, 2.5, 3.1])
    states = pristine_state(device, volts)
    assert np.all(np.diff(states) < 0)
    voltages, widths = np.array([volts + 1e-3, volts - 1e-2, volts]), np.array([[1e-6], [1e-6], [0.5e-6]])
    reached = apply_pulse(device, states, voltages, widths)
    assert (reached.state >= 0).tolist() == [[True] * 3, [False] * 3, [False] * 3]
    assert device.conductance(states)[2] < 0.1e-6


@pytest.mark.parametrize("model", DEVICES)
def test_a_reset_neither_forms_a_cell_nor_brings_it_back(model):
    device = DEVICES[model]
    volts = -np.linspace(0.5, 2.4, 5)
    np.testing.assert_allclose(apply_pulse(device, -0.1, volts, 1e-6).state, -0.1, atol=1e-9)
    assert (apply_pulse(device, 1.0, volts, 1e-3).state >= 0).all()


@pytest.mark.spice
def test_published_forming_levels_give_the_published_low_resistance():
    """SkyWater: 1.4 to 2.0 V on the word line, 2.6 to 3.1 V on the bit line, 1 us; then 30 to 120 uS."""
    levels = [(1.4, 2.6), (1.4, 3.1), (2.0, 2.6), (2.0, 3.1)]
    formed = [
        row("rram_cell_write", initial_state=PRISTINE, word_line_voltage=word, bit_line_voltage=bit)
        for word, bit in levels
    ]
    conductance = np.array([cell["conductance_after"] for cell in formed])
    assert (conductance > 28e-6).all()
    assert (conductance < 120e-6).all()
    assert conductance[2] > 2 * conductance[0]  # the gate limits it
    unformed = row("rram_cell_write", initial_state=PRISTINE, word_line_voltage=1.4, bit_line_voltage=2.2)
    assert unformed["state_after"] < 0


@pytest.mark.spice
@pytest.mark.parametrize("word_line", [1.4, 2.0])
def test_half_selected_neighbours_of_a_formed_cell_stay_pristine(word_line):
    found = row(
        "crossbar_half_select",
        operation="form",
        selected_state=PRISTINE,
        other_state=PRISTINE,
        pulse_voltage=2.8,
        word_line_voltage=word_line,
        rows=3,
        columns=3,
    )
    assert found["selected_state_after"] > 0.5
    assert max(found[["row_disturb", "column_disturb", "other_disturb"]]) < 1e-9


@pytest.mark.spice
def test_an_array_of_pristine_cells_is_formed_and_programmed():
    states = np.array([[-0.05, -0.16], [-0.1, -0.07]])  # form at 2.27, 2.88, 2.5 and 2.35 V
    target = np.array([[20e-6, 30e-6], [10e-6, 40e-6]])
    done = program_array(CircuitArray(states), target, WriteScheme(tolerance=0.1), response=RESPONSE)
    assert done.record.done.all()
    assert (done.record.form_pulses >= 1).all()
    assert done.record.form_pulses[0, 1] > done.record.form_pulses[0, 0]
    np.testing.assert_allclose(done.final, target, rtol=0.11)


@pytest.mark.spice
def test_a_pristine_array_is_read_as_by_the_solver():
    states = np.array([[PRISTINE, 0.5], [0.8, PRISTINE]])
    made = bench("crossbar_cells_read")
    given = made.Parameters(states=states, voltages=[[0.1, 0.2]])
    run = simulate(made.netlist(given), made.analysis(given), options=made.options(given), flat=True)
    law = OneTransistorCell(DEVICES["skywater"], states, access_spline())
    wires = ArrayCircuit()
    solver = NonlinearCrossbar(
        law,
        (2, 2),
        word_line_resistance=wires.bit_line_resistance,
        bit_line_resistance=wires.source_line_resistance,
    )
    found = made.measure(given, run)["column_current"]
    np.testing.assert_allclose(solver.currents([0.1, 0.2]), found, rtol=1e-8)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: pristine_state(Vteam.published()), "rram_vteam knows no forming"),
        (
            lambda: pristine_state(DEVICES["stanford_pku"]),
            "no forming voltage of rram_stanford_pku is published",
        ),
        (lambda: pristine_state(DEVICES["skywater"], 40.0), "a forming voltage is 40 V"),
        (lambda: pristine_state(SkywaterReram.published(enhancement_slope=0)), "would form even a cell in"),
        (lambda: apply_pulse(DEVICES["skywater"], -0.5, 2.0, 1e-6), "below it, to -0.4, pristine"),
        (lambda: apply_pulse(Vteam.published(), -0.1, 0.5, 1e-6), "a state is -0.1"),
        (lambda: bench("rram_switching").Parameters(initial_state=-0.5), "initial_state falls below -0.4"),
        (
            lambda: bench("rram_cycle").Parameters(model="vteam", initial_state=-0.1),
            "knows no pristine cells",
        ),
        (lambda: bench("crossbar_write").Parameters(states=[[-0.9, 0], [0, 0]]), "states falls below -0.4"),
        (lambda: bench("crossbar_half_select").Parameters(operation="form"), "form needs pristine cells"),
    ],
)
def test_states_that_a_model_does_not_have_are_refused(call, words):
    with pytest.raises(ParameterError, match=words):
        call()
