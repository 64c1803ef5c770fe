"""``cimspice fit RUN|CSV --model NAME`` fits a stranger's table, or says which row or column is wrong."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from cimspice.cli.app import run
from cimspice.fit import ModelCard

THRESHOLD, SLOPE, SPECIFIC = 0.55, 0.036, 8e-7
BIASES = np.round(np.arange(0.4, 0.701, 0.05), 3)
VOLTAGES = np.round(np.arange(0.5, 1.301, 0.1), 3)


def curves(slope=0.3):
    """Currents of the EKV law times a straight line over the membrane voltage (A)."""
    bias, voltage = np.meshgrid(BIASES, VOLTAGES, indexing="ij")
    current = SPECIFIC * np.log1p(np.exp((bias - THRESHOLD) / (2 * SLOPE))) ** 2
    return pd.DataFrame(
        {
            "Vg": bias.ravel(),
            "Vm": voltage.ravel(),
            "Id": (current * (1 + slope * (voltage - 1.3))).ravel(),
        }
    )


@pytest.fixture
def probe(tmp_path):
    """A lab's file: its own headers, microamperes that no header says, two dies, a column of remarks."""
    table = curves().assign(Id=lambda frame: frame["Id"] * 1e6)
    table = pd.concat([table.assign(die=7), table.assign(die=8, Id=2 * table["Id"])])
    path = tmp_path / "probe.csv"
    table.assign(remark="ok").to_csv(path, index=False)
    return path


@pytest.fixture
def fit(capsys):
    def call(*words):
        code = run(["fit", *map(str, words), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return call


MAPPED = ["--column", "gate_bias=Vg", "--column", "membrane_voltage=Vm", "--column", "current=Id"]
LAB = [*MAPPED, "--unit", "current=uA", "--option", "polarity=n"]


def test_a_lab_file_gives_back_what_made_it(probe, fit, tmp_path):
    card = tmp_path / "cards" / "law.json"
    code, facts = fit(probe, "--model", "ekv_gate_law", *LAB, "--where", "die=7", "-o", card)
    assert code == 0
    found = {name: entry["value"] for name, entry in facts["parameters"].items()}
    assert found["threshold"] == pytest.approx(THRESHOLD, abs=1e-6)
    assert found["thermal_slope"] == pytest.approx(SLOPE, abs=1e-7)
    assert found["specific_current"] == pytest.approx(SPECIFIC, rel=1e-5)
    assert facts["parameters"]["specific_current"]["unit"] == "A"
    low, high = facts["parameters"]["threshold"]["interval"]
    assert low <= THRESHOLD <= high
    assert facts["rows"] == len(curves())
    assert ModelCard.load(card).model().threshold == found["threshold"]
    assert card.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


def test_a_short_name_and_options_of_the_fit(probe, fit):
    code, facts = fit(probe, "--model", "gate_law", *LAB, "--where", "die=8", "--option", "degree=3")
    assert code == 0
    assert facts["model"] == "polynomial_gate_law"
    assert len(facts["parameters"]) == 4


def test_a_run_folder_and_its_parquet_are_fitted_without_mapping(fit, tmp_path):
    """Samples are averaged; the mean slope of two synapses of 0.2 and 0.4 1/V is 0.3 1/V."""
    folder = tmp_path / "a_run"
    folder.mkdir()
    named = {"Vg": "gate_bias", "Vm": "membrane_voltage", "Id": "current"}
    parts = [curves(slope).assign(sample=k) for k, slope in enumerate((0.2, 0.4))]
    table = pd.concat(parts).rename(columns=named).assign(polarity="n", corner="tt", temperature=27.0)
    table = table.reset_index(drop=True)
    table.attrs = {"units": {"current": "A", "gate_bias": "V", "membrane_voltage": "V"}}
    table.to_parquet(folder / "table.parquet")
    (folder / "run.json").write_text(json.dumps({"campaign": {"bench": "any"}}))
    for source in (folder, folder / "table.parquet"):
        code, facts = fit(source, "--model", "reversal_synapse")
        assert code == 0
        assert facts["parameters"]["reversal_coefficient"]["value"] == pytest.approx(0.3, abs=1e-6)
        assert facts["provenance"]["samples"] == 2
    code, facts = fit(folder, "--model", "reversal_synapse", "--where", "sample=1")
    assert facts["parameters"]["reversal_coefficient"]["value"] == pytest.approx(0.4, abs=1e-6)
    assert (folder / "reversal_synapse.json").is_file()


@pytest.mark.parametrize(
    ("words", "reported"),
    [
        (["--model", "ekv_gate_lw", *LAB], ["did you mean 'ekv_gate_law'?", "polynomial_gate_law"]),
        (["--model", "ekv_gate_law", *LAB[2:], "--column", "gate_bias=VG"], ["no column 'VG'", "Vg, Vm, Id"]),
        (["--model", "ramp", "--column", "current=Id"], ["lacks the column 'membrane_voltage'", "'Vm'"]),
        (["--model", "ekv_gate_law", *LAB], ["appears twice"]),
        (["--model", "ekv_gate_law", *LAB, "--where", "die=9"], ["no row has die = 9", "7, 8"]),
        (["--model", "ekv_gate_law", *LAB, "--where", "dye=7"], ["no column 'dye'", "Vg, Vm, Id, die"]),
        (["--model", "ekv_gate_law", *LAB, "--unit", "gate_bias=nA"], ["'nA' is not a unit", "use V"]),
        (["--model", "ekv_gate_law", *LAB, "--option", "degre=3"], ["no option 'degre'", "window"]),
        (["--model", "gate_law", *LAB, "--option", "degree=x"], ["'x' is not a number"]),
        (["--model", "ekv_gate_law", *LAB, "--column", "gate=Vg"], ["no column 'gate'", "membrane_voltage"]),
        (["--model", "reversal_synapse", *MAPPED, "--where", "die=7"], ["lacks the column 'polarity'"]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_request_is_reported(probe, fit, words, reported):
    code, facts = fit(probe, *words)
    assert code == 2
    text = " ".join(str(value) for value in facts["error"].values())
    for part in reported:
        assert part in text


@pytest.mark.parametrize(
    ("row", "cell", "reported"),
    [
        (3, "0.4,0.7,nan,7,ok", ["row 4", "nan"]),
        (5, "0.4,0.9,-,7,ok", ["row 6", "'-' is not a number"]),
        (5, '0.4,"0,9",3,7,ok', ["row 6", "decimal comma"]),
        (2, "0.4,0.6,1e9,7,ok", ["row 3", "check the unit"]),
    ],
)
def test_a_bad_cell_is_reported_with_its_row(probe, fit, row, cell, reported):
    lines = probe.read_text().splitlines()
    lines[row] = cell
    probe.write_text("\n".join(lines))
    code, facts = fit(probe, "--model", "ekv_gate_law", *LAB, "--where", "die=7")
    assert code == 2
    text = " ".join(str(value) for value in facts["error"].values())
    for part in reported:
        assert part in text


def test_too_few_points_and_a_constant_column_are_reported(tmp_path, fit):
    few = tmp_path / "few.csv"
    curves().head(9).to_csv(few, index=False)
    constant = tmp_path / "constant.csv"
    curves().assign(Id=1e-7).to_csv(constant, index=False)
    words = [*MAPPED, "--option", "polarity=n"]
    code, facts = fit(few, "--model", "ekv_gate_law", *words)
    assert code != 0
    code, facts = fit(constant, "--model", "ekv_gate_law", *words)
    assert code == 2
    assert "is 1e-07 in all" in facts["error"]["message"]


def test_the_command_of_the_synapse_still_stands(capsys):
    assert run(["fit", "synapse", "--help"]) == 0
    assert "--unit-current" in capsys.readouterr().out
