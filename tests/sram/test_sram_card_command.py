"""``characterize sram --card``, ``validate sram --card`` and ``fit --card`` on a small array: the card
computes as the run without it, a measured curve takes the currents' place, and foreign cards are refused."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from shutil import copy
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sram_lines import hand_made_fit

from cimspice.campaign import run_bench
from cimspice.cli.app import run
from cimspice.fit.family_card import Card
from cimspice.sram.characterisation import card as sram_card
from cimspice.sram.characterisation import conditions as reads
from cimspice.sram.circuit.array import Array
from cimspice.sram.model.card import sram_card as card_of
from cimspice.sram.validation import read as sram

CELLS = 16
TIMES = {"spice_seconds", "emulator_seconds", "speed_ratio"}


@pytest.fixture(scope="module", autouse=True)
def small():
    """The commands' array is that of ``test_validate_sram.py``, and so are its cells with mismatch."""
    conditions, characterise = reads.SramConditions, sram_card.characterise_array

    def small_conditions(*, array: Array, workers: int | None, **given: Any) -> reads.SramConditions:
        array = array.model_copy(update={"rows": 128, "sections": 8, "columns": 16, "column": 8})
        return conditions(array=array, workers=workers or 2, **{"largest_code": 4, **given})

    def few_cells(conditions: Any, *, cells: int, progress: Any) -> Any:
        return characterise(conditions, cells=CELLS, progress=progress)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reads, "SramConditions", small_conditions)
        for module in (sram, sram_card):
            patch.setattr(module, "characterise_array", few_cells)
        yield


@pytest.fixture(scope="module")
def made(small, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("made") / "sram.json"
    assert run(["characterize", "sram", "--card", str(path), "--set", "largest_code=4"]) == 0
    return path


@pytest.fixture
def card(made, tmp_path) -> Path:
    """A copy that a test may change."""
    return Path(copy(made, tmp_path))


@pytest.fixture
def asked(tmp_path, capsys):
    """What a command prints with ``--json``."""

    def ask(*words: object) -> dict:
        capsys.readouterr()
        assert run([*map(str, words), "--json"]) == 0
        facts = json.loads(capsys.readouterr().out)
        assert "compare" in words or {"seed", "corner", "temperature", "provenance"} <= set(facts)
        return facts

    return ask


@pytest.fixture
def validated(asked, tmp_path):
    return partial(asked, "validate", "sram", "--words", 4, "--rows", "4-16", "-o", tmp_path / "out")


def exported(path: Path, factor: float = 1.0, lowest: float = 0.1) -> Path:
    """ngspice's read current of the cell, every 37 mV and with six digits, as a user would export it."""
    steps = int((1.9 - lowest) / 0.037)
    table = run_bench(
        "sram_cell_population",
        {
            "stored": 0,
            "swept": "bit_line",
            "held_voltage": 1.8,
            "start_voltage": 1.9,
            "stop_voltage": 1.9 - 0.037 * steps,
            "intervals": steps,
            "word_line_voltage": 1.2,
        },
    )
    curve = {"V_BL (V)": table["line_voltage"], "I_BL (uA)": 1e6 * factor * table["bit_line_current"]}
    pd.DataFrame(curve).to_csv(path, index=False, float_format="%.6g")
    return path


@pytest.mark.spice
@pytest.mark.parametrize("options", [[], ["--mismatch"]])
def test_a_card_validates_as_the_run_without_it_to_the_last_digit(card, validated, options):
    plain, with_card = validated(*options), validated(*options, "--card", card)
    assert plain.keys() == with_card.keys()
    assert {name for name in plain if plain[name] != with_card[name]} <= TIMES


@pytest.mark.spice
def test_no_characterisation_runs_with_a_card(card, validated, monkeypatch):
    monkeypatch.setattr(sram, "characterise_array", None)
    assert validated("--card", card)["words"] == 4


@pytest.mark.spice
@pytest.mark.parametrize(
    ("options", "reported"),
    [
        (["--corner", "ss"], "corner = 'tt', not 'ss'"),
        (["--temperature", "85"], "temperature = 27.0, not 85.0"),
        (["--corner", "tt", "--temperature", "0"], "temperature = 27.0, not 0.0"),
        (["--word-line", "1.1"], "array.word_line_voltage = 1.2, not 1.1"),
        (["--unit", "70"], "unit_width = 6e-11, not 7e-11"),
        (["--cell", "ordinary"], "array.cell.devices = 'special', not 'ordinary'"),
    ],
)
def test_a_card_of_another_array_corner_or_temperature_is_refused(card, options, reported, tmp_path, capsys):
    assert run(["validate", "sram", "--card", str(card), "-o", str(tmp_path / "out"), *options]) == 2
    assert reported in capsys.readouterr().err


@pytest.mark.spice
def test_ngspices_own_curve_as_a_csv_leaves_the_figures_where_they_were(card, validated, asked, tmp_path):
    """Six digits and linear interpolation cost at most 0.001 % of full scale."""
    before = validated("--card", card)
    reported = asked("fit", exported(tmp_path / "chip.csv"), "--model", "cell_current", "--card", card)
    assert reported["origin"] == "measured"
    assert reported["source"]["file"] == "chip.csv"
    assert reported["range"]["line_voltage"]["high"] == pytest.approx(1.9)
    after = validated("--card", card)
    for name in ("rmse_percent_full_scale", "worst_percent"):
        assert after[name] == pytest.approx(before[name], abs=1e-3)
    assert after["full_scale_mv"] == before["full_scale_mv"]
    assert after["measured_current"]["words_below"] == 0


@pytest.mark.spice
def test_a_curve_of_a_twentieth_more_current_takes_so_much_more_off_the_line(
    card, validated, asked, tmp_path
):
    """Small discharges grow as the current: one unit of one cell, and the bound of the charge shrinks so."""
    curve, new = exported(tmp_path / "chip.csv", 1.05), tmp_path / "new.json"
    before = validated("--card", card)["operating_point"]
    asked("fit", curve, "--model", "cell_current", "--card", card, "-o", new)
    after = validated("--card", new)["operating_point"]
    assert after["unit_discharge_mv"] / before["unit_discharge_mv"] == pytest.approx(1.05, rel=1e-4)
    assert after["charge_limit_units"] / before["charge_limit_units"] == pytest.approx(1 / 1.05, rel=1e-4)
    old, measured = (Card.load(path).parts for path in (card, new))
    assert (old["cell_current"].origin, measured["cell_current"].origin) == ("simulated", "measured")
    assert measured["variation"] == old["variation"]


@pytest.mark.spice
def test_voltages_that_were_not_measured_are_reported_by_fit_and_validate(card, validated, tmp_path, capsys):
    curve = exported(tmp_path / "chip.csv", lowest=1.5)
    assert run(["fit", str(curve), "--model", "cell_current", "--card", str(card)]) == 0
    assert "to 1.53 V, which reads reach" in capsys.readouterr().out
    facts = validated("--card", card)
    assert facts["measured_current"]["words_below"] > 0
    assert np.isfinite(facts["rmse_percent_full_scale"])


def test_several_temperatures_give_a_card_each(asked, tmp_path, monkeypatch):
    def hand_made_card(conditions, *, cells, progress):
        return card_of(hand_made_fit(corner=conditions.corner, temperature=conditions.temperature))

    monkeypatch.setattr(sram_card, "characterised_card", hand_made_card)
    words = ["--card", tmp_path / "sram.json", "--temperature", 27, "--temperature", 85]
    reported = asked("characterize", "sram", *words)
    assert [Path(file).name for file in reported["cards"]] == ["sram_tt_27.json", "sram_tt_85.json"]
    assert [Card.load(file, "sram").conditions.temperature for file in reported["cards"]] == [27.0, 85.0]


@pytest.mark.parametrize(
    ("words", "reported"),
    [
        (["characterize", "sram"], "name the file: cimspice characterize sram --card sram.json"),
        (
            ["characterize", "sram", "--card", "x.json", "--dry-run"],
            "--dry-run does not go with the family sram",
        ),
        (["characterize", "sram_multiplier", "--card", "x.json"], "--card does not go with a campaign"),
        (["characterize", "sram", "--card", "x.json", "--corner", "xx"], "unknown corner 'xx'"),
        (["characterize", "sram", "--card", "x.json", "--set", "supply_voltage=3"], "supply_voltage = 3 V"),
        (["characterize", "sram", "--card", "x.json", "--set", "largest_code=2.5"], "largest_code is 2.5"),
        (["characterize", "sram", "--card", "x.json", "--set", "rowz=2"], "rowz"),
        (["validate", "sram", "--card", "x.json"], "x.json"),
        (["fit", "x.csv", "--model", "cell_current", "--card", "x.json"], "x.json"),
    ],
)
def test_what_cannot_be_is_reported_before_anything_is_simulated(
    words, reported, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert run(words) == 2
    assert reported in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.json"))
