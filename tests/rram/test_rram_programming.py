"""A cell is written alike in ngspice and in numpy, and write-verify reaches its targets with few pulses."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pandas as pd
import pytest

from cimspice.bench import bench
from cimspice.crossbar.circuit.cells import ArrayCircuit
from cimspice.crossbar.validation.array_programming import CircuitArray
from cimspice.errors import ParameterError, TableError
from cimspice.fit import ModelCard
from cimspice.rram import (
    AccessTransistor,
    RramCell,
    SetResponse,
    SkywaterReram,
    Vteam,
    WritePulse,
    WriteScheme,
    write_verify,
)
from cimspice.rram.validation.cell import (
    CellFit,
    CircuitCell,
    access_currents,
    fit_cell,
    simulated_write_cost,
)
from cimspice.spice import simulate

TRANSISTOR = AccessTransistor(
    log_gain=-7.27,
    threshold=0.811,
    body_factor=0.436,
    surface_potential=0.685,
    slope_factor=1.154,
    mobility_loss=0.24,
    mobility_curvature=-0.0174,
    velocity_saturation=1.156,
    channel_modulation=0.308,
    modulation_voltage=0.189,
    drain_lowering=0.0185,
)
CELL = RramCell(device=SkywaterReram.published(), transistor=TRANSISTOR, inner_capacitance=2.8e-15)


@pytest.fixture(scope="module")
def circuit() -> CircuitCell:
    return CircuitCell()


@pytest.fixture(scope="module")
def fitted(circuit) -> CellFit:
    return fit_cell(SkywaterReram.published(), circuit)


@pytest.fixture(scope="module")
def currents() -> pd.DataFrame:
    return access_currents(2.6)


@pytest.mark.spice
def test_the_access_transistor_law_follows_the_real_transistor(currents):
    """Within 2 % rms of simulated currents; the law changes sign with drain and source."""
    steps = (currents[["gate_voltage", "across"]] * 20).round() % [4, 2]
    coarse = currents[(steps == 0).all(axis=1) & (currents["across"] > 0)]
    table = coarse.assign(drain_voltage=coarse["low"] + coarse["across"], source_voltage=coarse["low"])
    fit = AccessTransistor.fit(table[table["drain_voltage"] <= 2.6])
    assert fit.residual.percent < 2.0
    assert fit.model.current(1.5, 0.3, 1.2) == pytest.approx(-fit.model.current(1.5, 1.2, 0.3), rel=1e-12)
    assert fit.residual.observations > 5000
    assert np.max(np.abs(fit.residuals)) < 0.08


@pytest.mark.spice
def test_the_tabulated_transistor_follows_the_real_one_between_its_points(fitted):
    """The regions that pulses use: a SET at low gates with its source at 0 V, a RESET at 3.3 V from above."""
    made = bench("rram_access_grid")
    table = fitted.cell.transistor
    for gate, low, share in ((1.085, 0.0, 2e-4), (1.423, 0.0, 1e-4), (3.3, 0.87, 2e-3)):
        given = made.Parameters(gate_voltage=gate, lowest=low, highest=low, across=2.2, step=0.043)
        waveforms = simulate(made.netlist(given), made.analysis(given), flat=True)
        row = made.measure(given, waveforms)
        found = table.current(gate, row["low"] + row["across"], row["low"])
        np.testing.assert_allclose(found, row["current"], rtol=share, atol=1e-9)


@pytest.mark.spice
def test_the_charge_measured_on_the_transistor_is_the_one_that_an_abrupt_set_takes(fitted):
    """Ramps of the bare transistor foretell what SETs of a cell meet within 5 % (its body lags: 2.5 %)."""
    assert abs(fitted.abrupt_share - 1) < 0.05
    difference = fitted.calibration["model"] - fitted.calibration["circuit"]
    assert np.abs(difference).max() < 5e-4


@pytest.mark.spice
def test_set_states_follow_the_word_line_as_in_ngspice(fitted, circuit):
    levels = np.array([1.05, 1.25, 1.35, 1.45, 1.55, 1.7, 1.9])
    pulse = WriteScheme().set_pulse(levels)
    ngspice, model = (c.write(np.full(levels.size, 0.02), pulse) for c in (circuit, fitted.cell))
    np.testing.assert_allclose(model.state, ngspice.state, atol=1e-3)
    np.testing.assert_allclose(model.energy, ngspice.energy, rtol=2e-3)
    assert np.all(np.diff(ngspice.state) > 0)


@pytest.mark.spice
def test_resets_and_reads_are_those_of_ngspice(fitted, circuit):
    pulse = WriteScheme().reset_pulse
    start = np.array([0.8, 0.9, 0.95])
    ngspice, model = (c.write(start, pulse) for c in (circuit, fitted.cell))
    np.testing.assert_allclose(model.state, ngspice.state, atol=1e-4)
    np.testing.assert_allclose(model.energy, ngspice.energy, rtol=5e-3)
    states = np.array([0.1, 0.6, 0.9])
    np.testing.assert_allclose(fitted.cell.conductance(states), circuit.conductance(states), rtol=2e-4)


@pytest.mark.spice
def test_write_verify_on_the_circuit_takes_the_pulses_and_the_energy_that_the_model_predicts(fitted, circuit):
    targets = np.exp(np.random.default_rng(8).uniform(np.log(5e-6), np.log(60e-6), 8))
    scheme = WriteScheme()
    response = SetResponse.of(fitted.cell, scheme, points=33)
    ngspice, model = (write_verify(c, targets, scheme, response=response) for c in (circuit, fitted.cell))
    for record in (ngspice, model):
        assert record.done.all()
        assert np.max(np.abs(record.error)) <= scheme.tolerance
    pulses = [(record.set_pulses + record.reset_pulses).sum() for record in (model, ngspice)]
    assert pulses[0] == pytest.approx(pulses[1], rel=0.05)
    assert model.energy.sum() == pytest.approx(ngspice.energy.sum(), rel=0.05)
    assert model.time.sum() == pytest.approx(ngspice.time.sum(), rel=0.05)


@pytest.mark.spice
@pytest.mark.parametrize("segment", [10.0, 50.0])
def test_the_resistance_of_a_source_line_weakens_a_set_as_in_an_array(fitted, segment):
    """Two segments below the upper bit line's cells. What is left is the 2e-4 of the array's own states or,
    where a SET is abrupt during the pulse (50 ohm), less than a fifth of the effect."""
    array = CircuitArray(np.zeros((2, 2)), array=ArrayCircuit(source_line_resistance=segment))
    pulse = WriteScheme().set_pulse(np.array([1.6, 1.8]))
    array.pulse(0, np.array([True, True]), pulse)
    wired = dataclasses.replace(pulse, source_resistance=2 * segment)
    ideal, model = (fitted.cell.write(np.zeros(2), given).state for given in (pulse, wired))
    assert np.all(ideal > model + 1e-3)
    left = np.abs(model - array.states[0])
    effect = np.abs(ideal - array.states[0])
    assert np.all(left < (2e-4 if segment == 10 else np.maximum(2e-4, 0.2 * effect)))


@pytest.mark.spice
def test_the_cost_of_a_write_comes_from_the_circuit(circuit):
    cost = simulated_write_cost(circuit, endurance_cycles=1e5)
    assert 1e-12 < cost.reset_energy < cost.set_energy < 1e-8
    assert cost.set_time == pytest.approx(1.01e-6)
    assert "ngspice" in cost.origin
    assert cost.endurance_cycles == 1e5


@pytest.mark.spice
def test_a_model_of_another_device_is_not_fitted(circuit):
    with pytest.raises(ParameterError, match="holds 'skywater', the model is a 'rram_vteam'"):
        fit_cell(Vteam.published(), circuit)


def test_only_voltages_that_are_applied_leave_the_range():
    """Trial steps of the integration that are thrown away do not warn; a pulse beyond the range does."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CELL.write(np.full(8, 0.02), WriteScheme().set_pulse(np.linspace(0.8, 1.6, 8)))
    fresh = dataclasses.replace(CELL, device=SkywaterReram.published())
    with pytest.warns(UserWarning, match=r"rram_skywater: voltage from 3\.6 to 3\.6 V leaves the range"):
        fresh.write(np.full(1, 0.02), WritePulse(0.8, bit_line=3.6, width=1e-8))


def test_a_single_cell_of_a_circuit_has_no_source_line_to_drop_voltage_on():
    with pytest.raises(ParameterError, match="ideal lines"):
        CircuitCell().write(0.0, WritePulse(1.4, bit_line=2.2, source_resistance=10.0))


def test_a_response_spares_pulses():
    """A first SET at the level that the model foretells instead of the lowest one."""
    targets = np.linspace(25e-6, 80e-6, 4)
    scheme = WriteScheme(word_line_step=0.1, tolerance=0.1)
    response = SetResponse.of(CELL, scheme, points=17)
    blind, predicted = (write_verify(CELL, targets, scheme, response=r) for r in (None, response))
    assert predicted.done.all()
    assert predicted.summary()["set_pulses"] < 0.5 * blind.summary()["set_pulses"]
    assert predicted.summary()["energy"] < blind.summary()["energy"]
    assert np.all(predicted.time >= (predicted.set_pulses + predicted.reset_pulses) * scheme.width)


def test_a_cell_at_its_target_gets_no_pulse():
    state = np.array([0.3, 0.9])
    record = write_verify(CELL, CELL.conductance(state), state=state)
    assert record.done.all()
    assert record.energy.sum() == 0
    assert record.reads.tolist() == [1, 1]


def test_a_target_out_of_reach_is_given_up():
    record = write_verify(CELL, np.array([1e-3]), WriteScheme(word_line_step=0.4))
    assert not record.done[0]
    assert record.set_pulses[0] < 10


def test_a_hotter_cell_sets_further():
    pulse = WritePulse(1.3, bit_line=2.2)
    states = CELL.write(np.full(3, 0.02), pulse, ambient=np.array([-20.0, 27.0, 85.0])).state
    assert states[0] < states[1]
    assert states[2] > 0.5


def test_a_cell_survives_its_card(tmp_path):
    ModelCard.from_model(CELL).save(tmp_path / "cell.json")
    assert ModelCard.load(tmp_path / "cell.json").model() == CELL


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: WritePulse(-1.0), "word_line of a write pulse is -1.0"),
        (lambda: WritePulse(1.0, bit_line=float("nan")), "bit_line of a write pulse is nan"),
        (lambda: write_verify(CELL, [1e-5, -1e-5]), "a target is -1e-05 S"),
        (lambda: write_verify(CELL, [float("nan")]), "a target is nan S"),
        (lambda: WriteScheme(tolerance=0.0), "tolerance is 0.0"),
        (lambda: WriteScheme(set_word_line_min=3.0), "word line from 3.0 to 2.4 V"),
        (
            lambda: dataclasses.replace(CELL, transistor=CELL.device),
            "transistor of a 1T1R cell is a 'rram_sky",
        ),
        (lambda: dataclasses.replace(CELL, inner_capacitance=0.0), "inner_capacitance is 0.0 F"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ParameterError, match=words):
        call()


def test_an_access_table_without_current_is_refused():
    table = pd.DataFrame(
        {"gate_voltage": [0.0, 0.1], "drain_voltage": 1.0, "source_voltage": 0.0, "current": 0.0}
    )
    with pytest.raises(TableError, match="all currents are zero"):
        AccessTransistor.fit(table)
