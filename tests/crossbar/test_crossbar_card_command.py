"""``characterize crossbar --card`` and ``validate crossbar --card``: the card computes as the run without it,
says where its figures come from, and answers for wires, cells and memory."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cimspice.cli.app import run
from cimspice.fit import ModelCard
from cimspice.pdk.array_wires import array_wires
from cimspice.rram import SinhRead, SkywaterReram
from cimspice.rram.model.card import CardConditions, rram_card

SHORT = ["validate", "crossbar", "--hidden", 8, "--digits", 1, "--nonlinear-digits", 1, "--no-sweep"]


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("made") / "crossbar.json"
    words = ["characterize", "crossbar", "--card", str(path), "--set", "element=assumed", "--json"]
    assert run(words) == 0
    return path


@pytest.fixture
def asked(capsys, tmp_path):
    """What a command prints with ``--json``, without the seconds it took."""

    def ask(*words: object) -> dict:
        capsys.readouterr()
        assert run([*map(str, words), "--json"]) == 0
        facts = json.loads(capsys.readouterr().out)
        assert "compare" in words or {"seed", "corner", "temperature", "provenance"} <= set(facts)
        for one in facts.get("ngspice", {}).values():
            del one["spice_seconds"], one["solver_seconds"]
        return facts

    return ask


def refused(capsys, *words: object) -> str:
    capsys.readouterr()
    assert run([*map(str, words)]) == 2
    return capsys.readouterr().err


def memory(path: Path, curvature: float, **conditions: object) -> Path:
    """A memory's card with a read law of this curvature (1/V)."""
    law = SinhRead(conductance=5e-5, curvature=curvature, series_resistance=0.0)
    own = CardConditions.model_validate({"corner": "tt", "temperature": 27.0, **conditions})
    device = SkywaterReram.published()
    return rram_card(device, ModelCard.from_model(law, {"device": "skywater"}), conditions=own).save(path)


@pytest.mark.spice
def test_a_card_validates_as_the_run_without_it_to_the_last_digit(made, asked, tmp_path):
    plain = asked(*SHORT, "-o", tmp_path)
    assert asked(*SHORT, "-o", tmp_path, "--card", made) == plain
    assert plain["cells"]["nonlinearity"] == pytest.approx(1 / SkywaterReram.published().voltage_scale)


@pytest.mark.spice
def test_wires_of_the_layout_and_other_settings_are_in_the_card_and_computed_with(asked, tmp_path):
    path = tmp_path / "crossbar.json"
    make = ["characterize", "crossbar", "--card", path, "--set", "wires=sky130"]
    asked(*make, "--set", "sense_resistance=250", "--set", "settle_time=2e-8", "--set", "rows=128",
          "--set", f"memory={memory(tmp_path / 'memory.json', 2.9)}", "--set", "levels=16")  # fmt: skip
    parts = asked("card", "show", path)["parts"]
    assert {name: part["origin"] for name, part in parts.items()} == {
        **dict.fromkeys(
            ("wires", "drivers", "amplifiers", "cells", "programming", "read", "processing_element"),
            "assumed",
        )
    }
    # metal 2 over the cell's width, metal 1 over its height, both 0.125 ohm per square
    segment = parts["wires"]["parameters"]["word_line_resistance"]
    assert segment["value"] == pytest.approx(array_wires().bit_line_resistance)
    assert "sheet resistance" in segment["reason"]
    assert parts["wires"]["source"]["file"] == "sky130_wires.toml"
    element = parts["processing_element"]["parameters"]
    assert (element["settle_time"]["value"], element["settle_time"]["reason"]) == (2e-8, "set, not fitted")
    scheduled = asked("schedule", "digits-cnn", "--card", path)
    assert (scheduled["pe"]["rows"], scheduled["card"]["origin"]) == (128, "assumed")
    assert scheduled["mvm_time_second"] == pytest.approx(8 * (2e-8 + 8 * 15e-9), rel=1e-12)
    found = asked(*SHORT, "-o", tmp_path, "--card", path)
    assert found["wires"]["bit_line_resistance"] == pytest.approx(array_wires().source_line_resistance)
    assert found["wires"]["sense_resistance"] == 250
    assert found["cells"]["levels"] == 16
    assert found["cells"]["nonlinearity"] == 2.9
    assert found["error_vs_ngspice_nonlinear"] < 1e-8


@pytest.mark.spice
def test_a_measured_read_law_makes_the_tiles_cells(made, asked, tmp_path):
    volts = np.linspace(-0.35, 0.35, 29)
    curve = pd.DataFrame({"voltage_V": volts, "current_uA": 20 * np.sinh(1.7 * volts) / 1.7})
    curve.to_csv(tmp_path / "cell.csv", index=False)
    new = tmp_path / "new.json"
    words = ["--model", "read", "--fix", "series_resistance=0"]
    reported = asked("fit", tmp_path / "cell.csv", *words, "--card", made,
                 "-o", new)  # fmt: skip
    assert (reported["part"], reported["origin"]) == ("read", "measured")
    assert reported["parameters"]["curvature"]["value"] == pytest.approx(1.7, rel=1e-6)
    assert reported["range"]["voltage"]["low"] == pytest.approx(-0.35)
    found = asked(*SHORT, "-o", tmp_path, "--card", new)
    assert found["cells"]["nonlinearity"] == reported["parameters"]["curvature"]["value"]
    assert asked("card", "compare", made, new)["parts"]["read"]["origin"] == ["simulated", "measured"]


@pytest.mark.spice
def test_what_the_card_answers_and_cards_of_something_else_are_refused(made, tmp_path, capsys):
    def reported(*words: object) -> str:
        return refused(capsys, *SHORT, "-o", tmp_path, *words)

    assert "the card says its own" in reported("--card", made, "--wire", "5")
    assert "of device 'skywater', not 'vteam'" in reported("--card", made, "--device", "vteam")
    content = json.loads(made.read_text())
    for part, name, value, words in (
        ("wires", "word_line_resistance", -1.0, "-1 ohm"),
        ("cells", "levels", 2.5, "2.5 levels"),
        ("cells", "g_max", 1e-6, "are no range"),
        ("programming", "stuck_low", 2.0, "stuck_low"),
    ):
        changed = json.loads(json.dumps(content))
        changed["parts"][part]["parameters"][name]["value"] = value
        (tmp_path / "wrong.json").write_text(json.dumps(changed))
        assert words in reported("--card", tmp_path / "wrong.json")
    hot = memory(tmp_path / "hot.json", 2.0, temperature=85.0)
    make = ["characterize", "crossbar", "--card", tmp_path / "new.json", "--set"]
    assert "give one of rram, tt, 27.0 °C" in refused(capsys, *make, f"memory={hot}")
    assert "element is 'measured'" in refused(capsys, *make, "element=measured")
    assert "wires are 'copper'" in refused(capsys, *make, "wires=copper")
    assert "no setting 'wire'" in refused(capsys, *make, "wire=3")
