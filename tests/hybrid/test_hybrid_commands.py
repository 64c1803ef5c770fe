"""The commands of columns read by comparators, end to end on ngspice with a few reads."""

from __future__ import annotations

import json

import pytest

from cimspice.cli.app import run
from cimspice.hybrid import Converter, Ternary, energy
from cimspice.hybrid.energy import ColumnEnergy, EnergyTable


@pytest.mark.spice
def test_a_networks_own_reads_and_a_whole_sample_are_decided_in_ngspice_as_in_the_emulator(capsys, tmp_path):
    words = ["validate", "hybrid", "--network", "iris", "--reads", "3", "--digits", "1", "-j", "1", "--json"]
    assert run([*words, "-o", str(tmp_path)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["reads"] == 3
    assert found["decisions_equal"] == 1.0
    assert found["line_rmse_percent_full_scale"] < 0.3
    digits = found["digit_codes"]
    assert digits["digits"] == digits["digits_equal"] == 1
    assert digits["codes_differing_far"] == 0
    assert digits["codes"] == 3 * 3 * 3  # outputs, slices, input bits
    assert digits["expected_spice_seconds"] > 0
    # what is finished is not run again
    assert run([*words, "-o", str(tmp_path)]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["digit_codes"] == digits


@pytest.mark.spice
def test_demonstration_of_columns_draws_every_figure_and_closes_the_loop(tmp_path, monkeypatch):
    blocks = {"cells": 1e-13, "dummy_cells": 2e-14, "strobe": 3e-14, "gating": 4e-14, "add": 3.3e-13}

    def table(conditions, *, ways, converters, **_):
        """The benchmark's simulations take minutes; its blocks are tested one by one."""
        columns = {name: ColumnEnergy(Ternary(1.5), blocks, {"value": 0.95}, 64, 4.4e-9) for name in ways}
        others = {
            bits: ColumnEnergy(
                Converter(bits), {"converter": 4e-13 * bits}, {"value": 0.9 + bits / 60}, 64, 8e-9
            )
            for bits in converters
        }
        return EnergyTable(columns, {}, others, {}, {}, 0)

    monkeypatch.setattr(energy, "energy_table", table)
    words = ["demo", "hybrid", "--comparators", "5", "--reads", "2", "--digits", "0", "--chips", "2"]
    assert run([*words, "-j", "1", "-o", str(tmp_path)]) == 0
    facts = json.loads((tmp_path / "report.json").read_text())
    figures = {f"{name}.{kind}" for name in FIGURES for kind in ("png", "svg")}
    assert {path.name for path in tmp_path.iterdir()} == figures | {
        "report.json",
        "column.json",
        "index.html",
    }
    assert set(facts["files"]) == {path.name for path in tmp_path.iterdir()}
    assert 1 < facts["offset_mv"] < 10
    assert facts["reads"]["decisions_equal"] == 1.0
    assert facts["chips"]["aware"]["value"] > 0.9
    column = facts["energy"]["column"]
    assert column["per_read"] == pytest.approx(sum(column["blocks"].values()))
    ratios = {bits: one["ratio"] for bits, one in facts["energy"]["converters"].items()}
    assert ratios == pytest.approx({bits: 4e-13 * int(bits) / 5.2e-13 for bits in ("3", "4", "7")})
    page = (tmp_path / "index.html").read_text()
    assert "A read takes 520 fJ" in page
    assert "A converter of 3 bits is as often right" in page
    for block in column["blocks"]:
        assert block.replace("_", " ") in page


FIGURES = ("offsets", "decisions", "chips", "energy")


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ("train hybrid --readout adc:0", "at least 1"),
        ("train hybrid --readout ternary:1", "odd number"),
        ("train hybrid --readout ternary:nan", "64"),
        ("train hybrid --front --readout binary", "alone"),
        ("train hybrid --front --card column.json", "alone"),
        ("train hybrid --front --network resnet", "digits-cnn"),
        ("train hybrid --rows 0", "at least 1"),
        ("train hybrid --rows 5000", "1024"),
        ("train hybrid --weights=-8..7", "-4..3"),
        ("train hybrid --card absent.json", "card"),
        ("validate hybrid --digits 5000", "899"),
        ("validate hybrid --chips 5 --dummies 4", "odd number"),
        ("validate hybrid --chips 5 --cell edram", "6T or rram"),
        ("characterize hybrid --card column.json --set cell=rram --set rows=144", "low_state"),
        ("characterize hybrid --card column.json --set cell=rram --set low_state=0.2", "ratio above 4"),
        ("characterize hybrid --card column.json --set cell=rram --set low_deviation=-1", "0"),
        ("characterize hybrid --card column.json --set weights=100", "rows or more"),
        ("characterize hybrid --card column.json --set dummies=2", "odd number"),
        ("characterize hybrid --card column.json --set strobe=fast", "SI units"),
        ("characterize hybrid --card column.json --set samples=1", "at least 3"),
        ("validate network iris --circuit hybrid --card absent.json", "card"),
    ],
)
def test_what_makes_no_column_is_refused_with_a_remedy(words, remedy, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run([*words.split(), "--json"]) == 2
    assert remedy in json.loads(capsys.readouterr().out)["error"]["remedy"]
