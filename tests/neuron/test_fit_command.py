"""``cimspice fit synapse``: the acceptance figures on real curves, the user's own curves, and wrong input."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from cimspice.cli.app import run
from cimspice.fit import ModelCard
from cimspice.fit.curves import VOLTAGE_SCALE
from cimspice.fit.family_card import Card
from cimspice.neuron.characterisation.synapse_fit import SynapseConditions, fit_synapse, simulated_table
from cimspice.neuron.model.card import neuron_of
from cimspice.neuron.model.simplify import reversal_potentials

UNIT = 122e-9
VOLTAGES = np.round(np.arange(0.43, 1.365, 0.03), 4)
# gate bias of 1 nA and inverse slope (V) of ln I, as an exponential would have it
GATES = {"n": (np.arange(0.40, 0.661, 0.02), 0.40, 0.035), "p": (np.arange(1.00, 1.281, 0.02), 1.28, -0.05)}
LAMBDA = {"n": 0.40, "p": 0.70}


def curves(polarity: str) -> pd.DataFrame:
    """Exactly linear curves of known λ, in the units that a probe station writes."""
    biases, at_one, slope = GATES[polarity]
    rows = []
    for bias in np.round(biases, 4):
        at_reset = 1e-9 * np.exp((bias - at_one) / slope)
        for voltage in VOLTAGES:
            moved = voltage - 1.3 if polarity == "n" else 1.3 - voltage
            rows.append((bias * 1e3, voltage, at_reset * (1 + LAMBDA[polarity] * moved) * 1e9))
    return pd.DataFrame(rows, columns=["gate_bias_mV", "membrane_voltage_V", "current_nA"])


@pytest.fixture
def measured(tmp_path):
    """Two files without a column of polarities, and one of both with it."""
    both = []
    for polarity in ("n", "p"):
        frame = curves(polarity)
        frame.to_csv(tmp_path / f"{polarity}.csv", index=False)
        both.append(frame.assign(polarity=polarity))
    pd.concat(both).to_csv(tmp_path / "both.csv", index=False)
    return tmp_path


def answer(capsys, *words: str) -> dict:
    assert run(["fit", "synapse", "--json", *words]) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def assert_reversal_potentials(found: dict) -> None:
    """E = ±1/(λ V_th), with the V_th that is printed."""
    scale = found["conditions"]["voltage_scale"]
    for name, sign, coefficient in (("e_plus", 1, "lambda_n"), ("e_minus", -1, "lambda_p")):
        expected = sign / (scale * found[coefficient]["value"])
        assert found[name]["value"] == pytest.approx(expected, rel=1e-12)


def refusal(capsys, *words: str) -> dict:
    assert run(["fit", "synapse", "--json", *words]) == 2
    streams = capsys.readouterr()
    assert "Traceback" not in streams.err
    return json.loads(streams.out)["error"]


@pytest.mark.spice
def test_simulated_figures_with_the_memory_transistor_at_the_membrane(tmp_path, capsys):
    found = answer(capsys, "-o", str(tmp_path / "run"))
    assert 0.39 <= found["lambda_n"]["value"] <= 0.42
    assert 0.64 <= found["lambda_p"]["value"] <= 0.80
    assert found["residual_percent"]["value"] < 0.24
    for name in ("lambda_n", "lambda_p", "e_plus", "e_minus", "residual_percent"):
        low, high = found[name]["interval"]
        assert low < found[name]["value"] < high
    assert_reversal_potentials(found)
    assert found["lambda_n"]["unit"] == "1/V"
    assert found["conditions"]["corner"] == "tt"
    assert found["conditions"]["temperature"] == 27.0
    # every term must reduce the error, the last at least a factor of ten over the paper's
    for polarity in ("n", "p"):
        left = [row["residual_percent"] for row in found["models"] if row["polarity"] == polarity]
        assert left == sorted(left, reverse=True)
        assert left[0] > 10 * left[-1]
    # what was written is what was printed, and can be used
    assert json.loads((tmp_path / "run" / "fit.json").read_text())["lambda_n"] == found["lambda_n"]
    law = ModelCard.load(found["files"]["gate_law_n"])
    assert law.provenance["corner"] == "tt"
    unit = found["conditions"]["unit_current"]
    assert float(law.model().gate_bias(unit)) == pytest.approx(found["gate_bias"]["n"])
    for name in ("png", "svg", "curves"):
        assert (tmp_path / "run" / found["files"][name].rpartition("/")[2]).stat().st_size > 1000
    assert not [path for path in (tmp_path / "run").iterdir() if path.name.startswith(".")]


@pytest.mark.spice
def test_the_printed_figures_are_those_of_the_card_which_is_trained_and_validated_with(tmp_path, capsys):
    """One E and one V_th at one condition, and the constant for curves without a neuron is that V_th too."""
    card = tmp_path / "neuron.json"
    assert run(["characterize", "neuron", "--card", str(card), "--json"]) == 0
    capsys.readouterr()
    found, of_card = answer(capsys, "-o", str(tmp_path / "run")), answer(capsys, "--card", str(card))
    for name in ("lambda_n", "lambda_p", "e_plus", "e_minus"):
        for key in ("value", "interval", "unit"):
            assert found[name][key] == of_card[name][key]
    for key in ("voltage_scale", "unit_current", "corner", "temperature"):
        assert found["conditions"][key] == of_card["conditions"][key]
    model = neuron_of(Card.load(card))
    assert reversal_potentials(model, model.unit_current(5)) == (
        found["e_plus"]["value"], found["e_minus"]["value"]
    )  # fmt: skip
    assert abs(VOLTAGE_SCALE - found["conditions"]["voltage_scale"]) < 1e-5
    # λ of the card's curves is that of the finer ones within both intervals
    assert answer(capsys, "--unit-current", "122e-9", "-o", str(tmp_path / "run"))["e_plus"]["value"] < 2.88


@pytest.mark.spice
def test_simulated_figures_with_the_selector_at_the_membrane(tmp_path, capsys):
    found = answer(capsys, "--order", "selector_at_membrane", "-o", str(tmp_path))
    for name in ("lambda_n", "lambda_p"):
        assert 0.24 <= found[name]["value"] <= 0.54
    assert 2.0 <= found["residual_percent"]["value"] <= 4.0


@pytest.mark.spice
def test_the_widest_conditions_still_enclose_the_unit_current():
    laws = {}
    for corner, temperature in (("ss", -40.0), ("ff", 125.0)):
        conditions = SynapseConditions(UNIT, corner, temperature)
        fit = fit_synapse(simulated_table(conditions), conditions)
        laws[corner] = {polarity: fit.gate_bias(polarity) for polarity in ("n", "p")}
    assert laws["ss"]["n"] > laws["ff"]["n"] + 0.1
    assert laws["ss"]["p"] < laws["ff"]["p"] - 0.1


@pytest.mark.parametrize("files", [["both.csv"], ["n=n.csv", "p=p.csv"]])
def test_measured_curves_give_back_the_coefficients_they_were_made_with(files, measured, monkeypatch, capsys):
    monkeypatch.chdir(measured)
    found = answer(capsys, *(word for name in files for word in ("--csv", name)))
    assert found["lambda_n"]["value"] == pytest.approx(0.40, rel=1e-6)
    assert found["lambda_p"]["value"] == pytest.approx(0.70, rel=1e-6)
    assert_reversal_potentials(found)
    assert found["residual_percent"]["value"] < 1e-6
    bias, at_one, slope = 0.0, *GATES["n"][1:]
    bias = at_one + slope * np.log(UNIT / 1e-9)
    assert found["gate_bias"]["n"] == pytest.approx(bias, abs=1e-6)
    assert [source["measured_file"] for source in found["provenance"]["measured"]] == [
        name.rpartition("=")[2] for name in files
    ]
    assert (measured / "runs" / f"fit-synapse-{files[0].rpartition('=')[2][:-4]}" / "fit.json").exists()


def test_people_see_values_with_intervals_ranges_and_files(measured, capsys):
    assert run(["fit", "synapse", "--csv", str(measured / "both.csv"), "-o", str(measured / "run")]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for words in ("λ_N", "E⁻", "±", "constant E", "E(I, v)", "synapse_fit.png"):
        assert words in shown
    assert "14 gate biases" in shown


@pytest.mark.parametrize(
    ("words", "message", "place"),
    [
        (["--corner", "ttt"], "did you mean 'tt'", "--corner"),
        (["--corner", ""], "is not known", "--corner"),
        (["--temperature", "126"], "126 °C is outside -40 to 125", "--temperature"),
        (["--temperature", "-41"], "outside", "--temperature"),
        (["--temperature", "nan"], "outside", "--temperature"),
        (["--order", "memory"], "is not known", "--order"),
        (["--unit-current", "0"], "not a positive number", "--unit-current"),
        (["--unit-current", "nan"], "not a positive number", "--unit-current"),
        (["--temperature", "warm"], "--temperature", "command line"),
    ],
)
def test_wrong_options_name_the_option_and_run_nothing(words, message, place, capsys):
    reported = refusal(capsys, *words)
    assert message in reported["message"]
    assert reported["place"] == place
    assert reported["remedy"]


@pytest.mark.spice
def test_a_unit_current_that_no_curve_has_is_refused(tmp_path, capsys):
    reported = refusal(capsys, "--unit-current", "1e-3", "-o", str(tmp_path))
    assert "lies outside the n curves" in reported["message"]
    assert "0.9 V" in reported["message"]
    assert not list(tmp_path.iterdir())


def damaged(path, change):
    lines = path.read_text().splitlines()
    path.write_text("\n".join(change(lines)) + "\n")


@pytest.mark.parametrize(
    ("change", "message", "place"),
    [
        (lambda lines: [*lines[:4], lines[4].rpartition(",")[0] + ",nan", *lines[5:]], "nan", "row 5"),
        (lambda lines: [line.rpartition(",")[0] for line in lines], "lacks the column 'current'", ""),
        (lambda lines: [lines[0].replace("membrane_voltage_V", "colour"), *lines[1:]], "colour", "row 1"),
        (
            lambda lines: [lines[0].replace("gate_bias_mV", "gate_bias_V"), *lines[1:]],
            "outside -20 to 20",
            "",
        ),
        (lambda lines: lines[:1], "no data", ""),
        (lambda lines: [], "empty", ""),
    ],
)
def test_a_damaged_file_is_refused_with_file_and_place(change, message, place, measured, capsys):
    path = measured / "n.csv"
    damaged(path, change)
    reported = refusal(capsys, "--csv", f"n={path}", "--csv", f"p={measured / 'p.csv'}")
    assert message in reported["message"]
    assert "n.csv" in reported["place"]
    assert place in reported["place"]


def test_repeats_in_a_file_are_taken_and_the_same_points_in_two_files_refused(measured, capsys):
    n, p = measured / "n.csv", measured / "p.csv"
    reported = refusal(capsys, "--csv", f"n={n}", "--csv", f"n={n}", "--csv", f"p={p}")
    assert "two of the files hold the same point" in reported["message"]
    once = answer(capsys, "--csv", f"n={n}", "--csv", f"p={p}", "-o", str(measured / "once"))
    damaged(n, lambda lines: [*lines, *lines[1:]])
    twice = answer(capsys, "--csv", f"n={n}", "--csv", f"p={p}", "-o", str(measured / "twice"))
    assert twice["lambda_n"]["value"] == pytest.approx(once["lambda_n"]["value"], rel=1e-6)


def test_a_file_without_polarities_says_how_to_give_them(measured, capsys):
    reported = refusal(capsys, "--csv", str(measured / "n.csv"))
    assert "polarity" in reported["message"]
    assert "--csv n=" in reported["remedy"]


def test_a_missing_polarity_is_reported(measured, capsys):
    reported = refusal(capsys, "--csv", f"n={measured / 'n.csv'}")
    assert "'p'" in reported["message"]


def test_a_missing_file_is_reported(tmp_path, capsys):
    assert "cannot read" in refusal(capsys, "--csv", str(tmp_path / "none.csv"))["message"]


def test_two_corners_in_a_measured_file_must_be_chosen_between(measured, capsys):
    frame = pd.read_csv(measured / "both.csv")
    slow = frame.assign(corner="slow wafer", current_nA=0.5 * frame["current_nA"])
    pd.concat([frame.assign(corner="typical wafer"), slow]).to_csv(measured / "wafers.csv", index=False)
    path = str(measured / "wafers.csv")
    assert "several values of corner" in refusal(capsys, "--csv", path)["message"]
    found = answer(capsys, "--csv", path, "--corner", "slow wafer", "-o", str(measured / "run"))
    assert found["gate_bias"]["n"] > GATES["n"][1] + GATES["n"][2] * np.log(122.0) + 0.02


def test_few_curves_say_what_they_do_not_support(measured, capsys):
    frame = pd.read_csv(measured / "both.csv")
    kept = frame[frame["gate_bias_mV"].isin([560.0, 580.0, 1020.0, 1040.0])]
    kept.to_csv(measured / "few.csv", index=False)
    found = answer(capsys, "--csv", str(measured / "few.csv"), "-o", str(measured / "run"))
    assert found["gate_bias"] == {"n": None, "p": None}
    assert found["lambda_n"]["value"] == pytest.approx(0.40, rel=1e-6)
    assert not [path for path in (measured / "run").iterdir() if "gate_law" in path.name]


def test_a_folder_that_cannot_be_written_fails_without_a_traceback(measured, capsys):
    blocked = measured / "file"
    blocked.write_text("")
    assert run(["fit", "synapse", "--csv", str(measured / "both.csv"), "-o", str(blocked)]) == 2
    streams = capsys.readouterr()
    assert str(blocked) in streams.err
    assert "Traceback" not in streams.err
