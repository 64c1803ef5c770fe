"""The neuron's card: exact, its figures those of training and validation with intervals that cover, refused
where it contradicts itself; measured curves in it are what the emulator computes with."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from neuron_layers import PHASE, REST, THRESHOLD, UNIT, synthetic

from cimspice.errors import CimspiceError, ParameterError, TableError
from cimspice.fit.family_card import Card, encode
from cimspice.fit.ranges import ModelRangeWarning
from cimspice.neuron.emulator.bands import spike_band
from cimspice.neuron.emulator.layer import NeuronLayer
from cimspice.neuron.model.card import neuron_card, neuron_of, with_measured_current
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.model.separable import SeparableTable
from cimspice.neuron.model.simplify import slope_half_widths
from cimspice.neuron.model.synapse_currents import Polarity, SynapseModel
from cimspice.neuron.validation import neuron_figures


@pytest.fixture(scope="module")
def card(neuron: NeuronModel, tmp_path_factory: pytest.TempPathFactory):
    known = replace(neuron, corner="tt", temperature=27.0)
    return neuron_card(known, 3).save(tmp_path_factory.mktemp("card") / "neuron.json")


def mixed_layer(neuron: NeuronModel):
    """A layer of the stored circuit with biases in the middle of its tables, and spike times."""
    rng = np.random.default_rng(1)
    polarity = rng.choice([-1, 1], (2, 3))
    biases = {name: synapse.current.program for name, synapse in neuron.synapses.items()}
    program = np.where(polarity > 0, biases["n"][len(biases["n"]) // 2], biases["p"][len(biases["p"]) // 2])
    return polarity, program, rng.random((4, 3)) * neuron.phase


def test_model_read_back_gives_the_same_spikes_to_the_last_bit(neuron: NeuronModel, card) -> None:
    read = neuron_of(Card.load(card, "neuron"))
    assert (read.corner, read.temperature) == ("tt", 27.0)
    assert encode(replace(read, corner=None, temperature=None)) == encode(neuron)
    polarity, program, times = mixed_layer(neuron)
    before, after = (NeuronLayer(model, polarity, program, 2)(times) for model in (neuron, read))
    np.testing.assert_array_equal(after[0], before[0])
    np.testing.assert_array_equal(after[1], before[1])


def test_figures_are_those_that_validation_reports(neuron: NeuronModel) -> None:
    facts, found = neuron_figures(neuron, 3), neuron_card(neuron, 3).parts
    named = {
        "e_plus": ("synapse_n", "reversal_potential"),
        "e_minus": ("synapse_p", "reversal_potential"),
        "ramp_beta": ("readout", "ramp_beta"),
        "switch_voltage": ("readout", "switch_voltage"),
        "unit_current": ("capacitance", "unit_current"),
        "membrane_capacitance": ("capacitance", "membrane_capacitance"),
    }
    assert {key: found[part].parameters[name].value for key, (part, name) in named.items()} == {
        key: facts[key] for key in named
    }
    readout = found["readout"].parameters
    assert readout["voltage_scale"].value == neuron.rest_voltage - readout["switch_voltage"].value


def test_figures_of_a_written_down_neuron_are_its_own() -> None:
    """E as it was built; V_th = V0 − V_switch; β of a ramp without bend is its least, 0."""
    parts = neuron_card(synthetic(reversal=(2.5, -1.6)), 1).parts
    assert parts["synapse_n"].parameters["reversal_potential"].value == pytest.approx(2.5, rel=1e-3)
    assert parts["synapse_p"].parameters["reversal_potential"].value == pytest.approx(-1.6, rel=1e-3)
    assert parts["synapse_n"].parameters["reversal_coefficient"].value == pytest.approx(1 / (2.5 * THRESHOLD))
    assert parts["readout"].parameters["voltage_scale"].value == pytest.approx(THRESHOLD, rel=1e-3)
    assert parts["readout"].parameters["ramp_beta"].value < 1e-3
    assert parts["capacitance"].parameters["unit_current"].value == pytest.approx(UNIT, rel=1e-3)
    assert parts["circuit"].parameters["phase"].value == PHASE


def test_interval_of_lambda_covers_the_truth_of_noisy_tables_in_95_percent() -> None:
    voltage, rng, count = np.linspace(0.43, 1.36, 94), np.random.default_rng(5), 400
    law = 1e-7 * (1 + 0.4 * (voltage - REST))
    noisy = law + 1e-10 * rng.normal(size=(count, 94))
    table = SeparableTable(np.arange(count) + 1.0, voltage, noisy, np.full(count, 1e-7), 1e-12)
    synapse = SynapseModel("n", REST, table, table, voltage, np.zeros(94))
    slope, at_rest = np.polyfit(voltage - REST, noisy.T, 1)
    inside = np.abs(slope / at_rest - 0.4) <= slope_half_widths(synapse)
    assert 0.92 <= inside.mean() <= 0.975


DAMAGE = {
    "a figure that is not its data's": lambda parts: parts["synapse_n"]["parameters"][
        "reversal_potential"
    ].update(value=2.5, interval=None, reason="by hand"),
    "a figure in another unit": lambda parts: parts["readout"]["parameters"]["switch_voltage"].update(
        unit="mV"
    ),
    "a figure that is gone": lambda parts: parts["readout"]["parameters"].pop("voltage_scale"),
    "a part that is gone": lambda parts: parts.pop("edges"),
    "tables of other sizes": lambda parts: parts["synapse_p"]["data"]["values"]["array"].pop(),
    "other things than tables": lambda parts: parts["leakage"].update(data={"map": []}),
    "a number in place of a table": lambda parts: parts["synapse_n"].update(data=3.0),
    "a length of a phase in words": lambda parts: parts["circuit"]["data"]["map"].__setitem__(
        0, ["phase", "1e-6"]
    ),
    "true in an array": lambda parts: parts["leakage"]["data"]["map"][0][1]["array"].__setitem__(0, True),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_card_that_makes_no_neuron_is_refused(card, tmp_path, damage) -> None:
    content = json.loads(card.read_text())
    damage(content["parts"])
    (tmp_path / "bad.json").write_text(json.dumps(content))
    with pytest.raises(CimspiceError) as error:
        neuron_of(Card.load(tmp_path / "bad.json"))
    assert error.value.place


def curves(neuron: NeuronModel, polarity: Polarity, *, bias=None, voltage=None) -> pd.DataFrame:
    table = neuron.synapses[polarity].current
    bias = table.program if bias is None else bias
    voltage = table.x if voltage is None else voltage
    current = table(bias[:, None], voltage[None, :])
    rows = [np.repeat(bias, len(voltage)), np.tile(voltage, len(bias)), current.ravel()]
    frame = pd.DataFrame(dict(zip(("gate_bias", "membrane_voltage", "current"), rows, strict=True)))
    frame.attrs["provenance"] = {"file": "probe.csv", "sha256": "00"}
    return frame


@pytest.mark.parametrize("polarity", ["n", "p"])
def test_measured_curves_of_the_same_synapse_change_nothing_but_the_origin(neuron, card, polarity) -> None:
    """Also where a voltage differs from the other polarity's in its last digits, as unit factors make it."""
    known = Card.load(card)
    table = curves(neuron, polarity)
    table["membrane_voltage"] *= 1 + 1e-14
    new = with_measured_current(known, polarity, table)
    part = new.parts[f"synapse_{polarity}"]
    assert (part.origin, part.source) == ("measured", {"file": "probe.csv", "sha256": "00"})
    assert [name for name in new.parts if new.parts[name] != known.parts[name]] == [f"synapse_{polarity}"]
    chosen, program, times = mixed_layer(neuron)
    expected = NeuronLayer(neuron, chosen, program, 2)(times)
    found = NeuronLayer(neuron_of(new), chosen, program, 2)(times)
    np.testing.assert_allclose(found[1], expected[1], atol=1e-13)


def test_the_emulator_follows_a_measured_current(neuron, card) -> None:
    """Twice the current of an n-synapse at every point: its program for a current is that of half of it."""
    table = curves(neuron, "n")
    table["current"] *= 2
    model = neuron_of(with_measured_current(Card.load(card), "n", table))
    assert model.synapses["n"].program_for(np.array([2e-7])) == pytest.approx(
        neuron.synapses["n"].program_for(np.array([1e-7])), abs=1e-6
    )


def test_what_lies_beyond_measured_curves_is_reported(neuron, card) -> None:
    voltage = np.linspace(1.1, 1.4, 31)
    model = neuron_of(with_measured_current(Card.load(card), "n", curves(neuron, "n", voltage=voltage)))
    polarity, program = np.ones((2, 3), int), np.full((2, 3), 0.6)
    with pytest.warns(ModelRangeWarning, match=r"n-synapse leaves .* 1\.1 to 1\.4"):
        NeuronLayer(model, polarity, program, 2)(np.full((1, 3), 1e-7))
    with warnings.catch_warnings():
        warnings.simplefilter("error", ModelRangeWarning)
        NeuronLayer(neuron, polarity, program, 2)(np.full((1, 3), 1e-7))
        NeuronLayer(model, polarity, program, 2)(np.full((1, 3), 0.999e-6))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda rows: rows.drop(index=7), "was not measured at"),
        (lambda rows: rows[rows["membrane_voltage"] < 1.25], "enclose"),
        (lambda rows: rows[rows["gate_bias"] < 0.45], "do not enclose the unit current"),
        (lambda rows: rows[rows["gate_bias"] > 0.7], "2 gate biases or more"),
        (lambda rows: rows.assign(current=-rows["current"]), "magnitudes"),
        (lambda rows: rows.assign(gate_bias=1.8 - rows["gate_bias"]), "one way"),
    ],
)
def test_measured_curves_that_make_no_table_are_refused(neuron, card, change, expected) -> None:
    with pytest.raises(TableError) as error:
        with_measured_current(Card.load(card), "n", change(curves(neuron, "n")))
    assert expected in f"{error.value.message} {error.value.remedy}"


def test_a_card_without_parts_is_no_neuron() -> None:
    with pytest.raises(ParameterError, match="no part 'circuit'"):
        neuron_of(Card(family="neuron", parts={}))


def test_repeated_readings_are_counted_in_the_band_of_spike_times(neuron, card) -> None:
    """Twice the noise of every point: twice the width; of points read once it is unknown."""
    chosen, program, times = mixed_layer(neuron)
    known, table, widths = Card.load(card), curves(neuron, "n"), []
    for noise in (0.01, 0.02):
        repeated = pd.concat(
            [table.assign(current=table["current"] * factor) for factor in (1 - noise, 1 + noise)]
        )
        new = with_measured_current(known, "n", repeated)
        band = spike_band(
            neuron_of(new), new, lambda model: NeuronLayer(model, chosen, program, 2)(times)[1], count=39
        )
        assert band.counted == ("synapse_n",)
        assert band.not_counted["synapse_p"] == "simulated once, without noise"
        widths.append(band.half_width.max())
    assert widths[1] == pytest.approx(2 * widths[0], rel=0.2)
    once = with_measured_current(known, "n", table)
    band = spike_band(neuron_of(once), once, lambda model: np.zeros(1))
    assert band.not_counted["synapse_n"] == "every point was read once: the noise is unknown"
    assert not band.half_width.any()
