"""``fit CSV --model capacitance|ramp --card``: the emulator computes with a measured C(V) and ramp."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cimspice.cli.app import run
from cimspice.fit.family_card import Card
from cimspice.neuron.model.card import neuron_card, neuron_of


@pytest.fixture
def card(neuron, tmp_path):
    return neuron_card(replace(neuron, corner="tt", temperature=27.0), 3).save(tmp_path / "n.json")


@pytest.fixture
def fitted(card, tmp_path, capsys):
    """The answer of ``fit`` of a table into the card, and the model that the new card makes."""

    def fit(model: str, table: pd.DataFrame, code: int = 0):
        table.to_csv(tmp_path / "curve.csv", index=False)
        capsys.readouterr()
        words = ["fit", str(tmp_path / "curve.csv"), "--model", model, "--card", str(card), "--json"]
        assert run([*words, "-o", str(tmp_path / "new.json")]) == code
        facts = json.loads(capsys.readouterr().out)
        return (facts, neuron_of(Card.load(tmp_path / "new.json"))) if code == 0 else facts["error"]

    return fit


def ramp_of(neuron, stretch=1.0, later=0.0, low=0.3, high=1.5):
    """The trace of the first read-out between two voltages, in microseconds."""
    readout = next(iter(neuron.readouts.values()))
    chosen = (readout.ramp_voltage > low) & (readout.ramp_voltage < high)
    time = 1e6 * (stretch * readout.ramp_time[chosen] + later)
    return pd.DataFrame({"time_us": time, "membrane_voltage_V": readout.ramp_voltage[chosen]})


def test_the_cards_own_ramp_with_another_origin_of_time_moves_no_spike(neuron, fitted):
    reported, model = fitted("ramp", ramp_of(neuron, later=3e-6))
    assert (reported["part"], reported["origin"], reported["source"]["file"]) == (
        "readout",
        "measured",
        "curve.csv",
    )
    assert reported["range"]["membrane_voltage"]["low"] == pytest.approx(0.3, abs=0.01)
    key = next(iter(neuron.readouts))
    volts = np.linspace(0.3, 1.35, 50)
    np.testing.assert_allclose(model.readouts[key].time(volts), neuron.readouts[key].time(volts), atol=1e-15)
    assert model.switch_voltage == pytest.approx(neuron.switch_voltage, abs=2e-4)


def test_a_ramp_that_takes_a_twentieth_longer_delays_each_spike_by_that_of_its_ramp(neuron, fitted):
    reported, model = fitted("ramp", ramp_of(neuron, stretch=1.05))
    key = next(iter(neuron.readouts))
    old, new = neuron.readouts[key], model.readouts[key]
    starts = old.start_voltage[(old.start_voltage > old.switch_voltage) & (old.start_voltage < 1.45)]
    falling = old.ramp_voltage[::-1], old.ramp_time[::-1]
    ramp = np.interp(old.switch_voltage, *falling) - np.interp(starts, *falling)
    np.testing.assert_allclose(new.time(starts) - old.time(starts), 0.05 * ramp, atol=2e-11)
    # dV/dt of the ramp, with which late charges move spikes, is that much smaller
    assert new.slope(np.array(0.9)) == pytest.approx(old.slope(np.array(0.9)) / 1.05, rel=1e-3)
    # V_th follows, and with it E
    scale = reported["parameters"]["voltage_scale"]
    assert scale["value"] == model.threshold_voltage < neuron.threshold_voltage
    assert scale["interval"] is not None


def test_a_measured_capacitance_makes_the_unit_current(neuron, fitted):
    volts = np.round(np.arange(0.2, 1.6, 0.05), 3)
    known = np.interp(volts, neuron.capacitance_voltage, neuron.capacitance)
    reported, model = fitted(
        "capacitance", pd.DataFrame({"membrane_voltage_mV": 1e3 * volts, "capacitance_fF": 1.1e15 * known})
    )
    assert (reported["part"], reported["origin"]) == ("capacitance", "measured")
    assert reported["range"]["membrane_voltage"]["low"] == pytest.approx(0.2)
    np.testing.assert_allclose(model.capacitance, 1.1 * neuron.capacitance, rtol=1e-9)
    # of the whole membrane, synapses included, a tenth of the part without them is new
    more = 0.1 * neuron.mean_capacitance(0) * neuron.threshold_voltage / neuron.phase
    assert reported["parameters"]["unit_current"]["value"] == pytest.approx(
        neuron.unit_current(3) + more, rel=1e-6
    )
    # E at the new unit current is the card's other figure that follows
    assert model.unit_current(3) == reported["parameters"]["unit_current"]["value"]


@pytest.mark.parametrize(
    ("model", "change", "words"),
    [
        ("ramp", lambda table: table[table["membrane_voltage_V"] > 0.6], "do not enclose V_switch"),
        ("ramp", lambda table: table.assign(membrane_voltage_V=table["membrane_voltage_V"][::-1].to_numpy()),
         "and then at"),
        ("ramp", lambda table: table[::100], "points"),
        ("ramp", lambda table: table.assign(corner="ss"), "of corner ss, the card of tt"),
        ("capacitance", lambda table: table.assign(capacitance_F=1e-9), "the card's is"),
        ("resistance", lambda table: table, "no measured curve makes the part"),
    ],
)  # fmt: skip
def test_curves_that_make_no_part_are_refused(neuron, fitted, model, change, words):
    assert words in fitted(model, change(ramp_of(neuron)), 2)["message"]
