"""The neuron's card as users meet it: made, shown, compared, computed with, and a measured synapse in it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.interpolate import CubicSpline

from cimspice.campaign import run_bench
from cimspice.cli.app import run
from cimspice.families import campaigns, with_card
from cimspice.fit.family_card import Card
from cimspice.neuron import family as neuron_family
from cimspice.neuron.model.card import neuron_card, neuron_of

LAYERS = "3,2,2"
RANDOM = ["validate", "random", "--layers", LAYERS, "--samples", "2", "--seed", "7"]


@pytest.fixture(scope="module", autouse=True)
def without_search():
    """The budget's simple models keep the scale 1: their search (``test_budget.py``) is most of a run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cimspice.neuron.validation.budget.search", lambda error, count: np.zeros(count))
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cards")


@pytest.fixture(scope="module")
def card(folder):
    assert run(["characterize", "neuron", "--card", str(folder / "n.json"), "--layers", LAYERS]) == 0
    return folder / "n.json"


@pytest.fixture
def answer(capsys):
    """Runs a command with --json: its exit code and what it printed."""

    def command(*words):
        capsys.readouterr()
        code = run([*map(str, words), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return command


@pytest.fixture(scope="module")
def plain_run(folder):
    assert run([*RANDOM, "-o", str(folder / "plain")]) == 0
    return json.loads((folder / "plain" / "report.json").read_text())


def without_times(facts):
    return {key: facts[key] for key in facts if key not in ("emulator_seconds", "speed_ratio", "files")}


@pytest.mark.spice
def test_a_card_shows_its_parts_and_validates_as_the_run_without_it_to_the_last_digit(
    answer, card, folder, plain_run
):
    code, facts = answer(*RANDOM, "--card", card, "-o", folder / "carded")
    assert code == 0
    assert without_times(facts) == without_times(plain_run)
    assert (facts["seed"], facts["corner"], facts["temperature"]) == (7, "tt", 27.0)
    assert {"cimspice", "ngspice", "pdk"} <= set(facts["provenance"])
    code, shown = answer("card", "show", card)
    assert code == 0
    assert shown["conditions"] == {"corner": "tt", "temperature": 27.0}
    parts = shown["parts"]
    assert {"synapse_n", "synapse_p", "readout", "capacitance", "leakage", "edges", "reset"} <= set(parts)
    for part in parts.values():
        assert set(part) == {"origin", "source", "range", "parameters"}
        for parameter in part["parameters"].values():
            assert {"value", "interval", "unit"} <= set(parameter)
            assert parameter["interval"] or parameter["reason"]
    assert {parts[name]["origin"] for name in ("synapse_n", "readout", "edges")} == {"simulated"}
    assert parts["edges"]["source"]["injection"]["bench"] == "neuron_injection"
    potential = parts["synapse_n"]["parameters"]["reversal_potential"]
    assert potential["value"] == plain_run["neuron"]["e_plus"]
    low, high = potential["interval"]
    assert low < 2.8702 < high  # the paper's extraction from curves every 12.5 mV, with the measured V_th


@pytest.mark.spice
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--corner", "ss"], "corner tt, not ss"),
        (["--temperature", "85"], "temperature 27.0, not 85"),
        (["--synapse", "resistor"], "mosfet synapses, not resistor"),
        (["--layers", "4,2"], "no read-out for (fan-in, fan-out): (4, 0)"),
        (["--mapping", "calibrated"], "--set bias_lines=true"),
    ],
)
def test_a_card_of_something_else_is_refused_before_anything_is_simulated(
    answer, card, tmp_path, words, message
):
    code, facts = answer("validate", "random", "--layers", LAYERS, "--card", card, "-o", tmp_path, *words)
    if words[0] == "--layers":
        code, facts = answer("validate", "random", *words, "--card", card, "-o", tmp_path)
    assert code == 2
    assert facts["error"]["remedy"]
    assert message in f"{facts['error']['message']} {facts['error']['remedy']}"


@pytest.mark.spice
def test_a_synapse_exported_from_ngspice_in_a_card_moves_spikes_by_less_than_50_ps(
    answer, card, folder, plain_run
):
    """Another grid than the characterisation's, in a lab's units."""
    table = run_bench(
        "neuron_synapse",
        {"polarity": "n", "membrane_start": 0.0, "membrane_stop": 1.8, "membrane_step": 0.02},
        sweep={"gate_bias": np.round(np.arange(0.32, 0.7201, 0.02), 6)},
    )
    rows = zip(table["gate_bias"], table["membrane_voltage"], table["current"], strict=True)
    lines = [
        f"{1e3 * gate:.12g},{1e3 * membrane:.12g},{1e9 * current:.12g}" for gate, membrane, current in rows
    ]
    file = folder / "probe.csv"
    file.write_text("\n".join(["gate_bias_mV,membrane_voltage_mV,current_nA", *lines]) + "\n")
    new = folder / "measured.json"
    code, fitted = answer("fit", "synapse", "--csv", f"n={file}", "--card", card, "-o", new)
    assert code == 0
    assert fitted["replaced"] == ["synapse_n"]
    part = answer("card", "show", new)[1]["parts"]["synapse_n"]
    assert part["origin"] == "measured"
    assert part["source"] == {
        "file": "probe.csv", "sha256": hashlib.sha256(file.read_bytes()).hexdigest()
    }  # fmt: skip
    assert part["range"]["program"] == pytest.approx({"low": 0.32, "high": 0.72, "unit": "V"})
    assert part["range"]["membrane_voltage"] == pytest.approx({"low": 0.0, "high": 1.8, "unit": "V"})
    assert fitted["e_plus"] == part["parameters"]["reversal_potential"]
    readout = Card.load(new).parts["readout"].parameters
    assert fitted["conditions"]["voltage_scale"] == readout["voltage_scale"].value
    assert fitted["e_plus"]["value"] == pytest.approx(
        1 / (fitted["lambda_n"]["value"] * readout["voltage_scale"].value), rel=1e-12
    )
    code, facts = answer(*RANDOM, "--card", new, "-o", folder / "with_probe")
    assert code == 0
    assert facts["neuron"]["e_plus"] == fitted["e_plus"]["value"]
    assert facts["output_rmse_ns"] == pytest.approx(plain_run["output_rmse_ns"], abs=0.05)
    assert facts["hidden_rmse_ns"] == pytest.approx(plain_run["hidden_rmse_ns"], abs=0.05)


@pytest.mark.spice
def test_ramp_and_capacitance_as_ngspice_gives_them_move_spikes_by_less_than_50_ps(
    answer, card, folder, plain_run
):
    """In a lab's units, over a part of the voltages."""
    model = neuron_of(Card.load(card))
    ramp, volts = next(iter(model.readouts.values())), np.arange(0.2, 1.6, 0.04)
    inside = (ramp.ramp_voltage > 0.2) & (ramp.ramp_voltage < 1.6)
    farads = CubicSpline(model.capacitance_voltage, model.capacitance)(volts)
    curves = {
        "ramp": {
            "time_us": 1e6 * ramp.ramp_time[inside],
            "membrane_voltage_mV": 1e3 * ramp.ramp_voltage[inside],
        },
        "capacitance": {"membrane_voltage_mV": 1e3 * volts, "capacitance_fF": 1e15 * farads},
    }
    new = folder / "curves.json"
    new.write_text(card.read_text())
    for name, columns in curves.items():
        file = folder / f"{name}.csv"
        pd.DataFrame(columns).to_csv(file, index=False, float_format="%.8g")
        code, facts = answer("fit", file, "--model", name, "--card", new)
        assert (code, facts["origin"]) == (0, "measured")
    code, facts = answer(*RANDOM, "--card", new, "-o", folder / "with_curves")
    assert code == 0
    assert facts["output_rmse_ns"] == pytest.approx(plain_run["output_rmse_ns"], abs=0.05)
    assert facts["hidden_rmse_ns"] == pytest.approx(plain_run["hidden_rmse_ns"], abs=0.05)


@pytest.fixture
def stored_card(neuron, tmp_path):
    return neuron_card(replace(neuron, corner="tt", temperature=27.0), 3).save(tmp_path / "stored.json")


def test_identical_cards_are_reported_and_others_held_side_by_side(answer, stored_card, tmp_path, capsys):
    card = Card.load(stored_card)
    same = card.save(tmp_path / "same.json")
    assert answer("card", "compare", stored_card, same)[1]["same"]
    assert run(["card", "compare", str(stored_card), str(same)]) == 0
    assert "the cards are identical" in capsys.readouterr().out
    file = curves_file(card, tmp_path / "double.csv", 2.0)
    answer("fit", "synapse", "--csv", f"n={file}", "--card", same)  # in the place of the card itself
    code, facts = answer("card", "compare", stored_card, same)
    assert (code, facts["same"]) == (0, False)
    part = facts["parts"]["synapse_n"]
    assert part["origin"] == ["simulated", "measured"]
    row = part["parameters"]["reversal_coefficient"]
    first, second = row["intervals"]
    half = np.hypot(first[1] - first[0], second[1] - second[0]) / 2
    assert row["in_intervals"] == pytest.approx((row["values"][1] - row["values"][0]) / half)
    assert run(["card", "compare", str(stored_card), str(same)]) == 0
    assert "simulated and measured" in capsys.readouterr().out


def curves_file(card, path, factor, corner=""):
    """Curves of the card's own n-synapse as a CSV, times a factor."""
    table = neuron_of(card).synapses["n"].current
    head = "gate_bias,membrane_voltage,current" + (",corner" if corner else "")
    rows = [
        f"{bias!r},{voltage!r},{factor * value!r}" + (f",{corner}" if corner else "")
        for bias, row in zip(table.program.tolist(), table.values.tolist(), strict=True)
        for voltage, value in zip(table.x.tolist(), row, strict=True)
    ]
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


@pytest.mark.parametrize("words", [["--corner", "tt"], ["--temperature", "27"], ["--unit-current", "1e-7"]])
def test_fit_takes_conditions_from_the_card_alone(answer, stored_card, words):
    code, facts = answer("fit", "synapse", "--card", stored_card, *words)
    assert code == 2
    assert facts["error"]["place"] == words[0]


def test_curves_of_another_corner_are_refused_and_the_card_stays(answer, stored_card, tmp_path):
    before = stored_card.read_bytes()
    file = curves_file(Card.load(stored_card), tmp_path / "slow.csv", 1.0, "ss")
    code, facts = answer("fit", "synapse", "--csv", f"n={file}", "--card", stored_card)
    assert code == 2
    assert "corner ss, the card of tt" in facts["error"]["message"]
    assert stored_card.read_bytes() == before


def test_several_corners_and_temperatures_are_a_card_each(answer, neuron, tmp_path, monkeypatch):
    def characterise(conditions, *, layers, synapse, jobs, progress):
        assert (layers, synapse) == ("3,2", "mosfet")
        return neuron_card(replace(neuron, corner=conditions.corner, temperature=conditions.temperature), 3)

    monkeypatch.setattr(neuron_family, "characterise", characterise)
    words = ["--corner", "tt", "--corner", "ss", "--temperature", "27", "--temperature", "-40"]
    more = ["--layers", "3,2", "--synapse", "mosfet"]
    code, facts = answer("characterize", "neuron", "--card", tmp_path / "n.json", *words, *more)
    assert code == 0
    names = ["n_tt_27.json", "n_tt_-40.json", "n_ss_27.json", "n_ss_-40.json"]
    assert facts["cards"] == [str(tmp_path / name) for name in names]
    assert Card.load(tmp_path / "n_ss_-40.json").conditions.model_dump() == {
        "corner": "ss",
        "temperature": -40.0,
    }


@pytest.mark.parametrize(
    "words",
    [
        ["neuron"],
        ["neuron_synapse_n", "--card", "n.json"],
        ["neuron_synapse_n", "--layers", "3,2"],
        ["neuron", "--card", "n.json", "--layers", "3"],
        ["neuron", "--card", "n.json", "--synapse", "carbon"],
        ["neuron", "--card", "n.json", "--corner", "tf"],
        ["neuron", "--card", "n.json", "--set", "gate=3"],
        ["neuron.toml"],
    ],
)
def test_a_family_and_a_campaign_are_distinguished(answer, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "neuron.toml").write_text('[campaign]\nbench = "transistor"\n[sweep]\ngate_voltage = [0.9]\n')
    code, facts = answer("characterize", *words)
    assert code == 2
    assert facts["error"]["remedy"]
    assert [path.name for path in tmp_path.iterdir()] == ["neuron.toml"]


def test_no_campaign_bears_the_name_of_a_family(answer, tmp_path):
    code, facts = answer("new", "bench", "neuron", "--folder", tmp_path)
    assert (code, facts["error"]["message"]) == (2, "there is a family 'neuron' already")
    assert not set(campaigns()) & set(with_card())


def test_a_hostile_or_changed_card_is_refused_with_its_file(answer, stored_card, tmp_path, monkeypatch):
    content = json.loads(stored_card.read_text())
    content["parts"]["readout"]["parameters"]["voltage_scale"].update(value=0.872, interval=[0.87, 0.874])
    (tmp_path / "changed.json").write_text(json.dumps(content))
    (tmp_path / "text.json").write_text("[" * 10_000)
    monkeypatch.chdir(tmp_path)
    for name, words in (
        ("changed.json", ["card", "show"]),
        ("text.json", ["card", "show"]),
        ("changed.json", ["fit", "synapse", "--card"]),
        ("absent.json", ["validate", "iris", "--card"]),
        ("changed.json", ["validate", "iris", "--card"]),
    ):
        code, facts = answer(*words, tmp_path / name)
        assert code == 2
        assert str(tmp_path / name) in facts["error"]["place"]
