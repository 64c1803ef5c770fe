"""The part ``processing_element`` of the card of a column read by a comparator."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cimspice import hybrid
from cimspice.bench import bench
from cimspice.cli.app import run
from cimspice.families import read_card
from cimspice.hybrid import characterisation, element, energy
from cimspice.hybrid.characterisation import ColumnConditions
from cimspice.hybrid.training.activity import Sequences
from cimspice.hybrid.training.train import Schedule
from cimspice.hybrid.validation.reads import trained
from cimspice.schedule import element_of
from cimspice.spice import simulate


@pytest.mark.spice
def test_the_command_adds_the_part_whose_times_are_the_clocks_and_whose_leakage_is_that_of_all_cells(
    monkeypatch, tmp_path
):
    packaged, file = hybrid.packaged_card(), tmp_path / "column.json"
    bare = packaged.model_copy(update={"parts": dict(list(packaged.parts.items())[:-1])})
    assert "processing_element" not in bare.parts
    monkeypatch.setattr(characterisation, "characterised_card", lambda *_, **__: bare)
    blocks = packaged.part("processing_element").source["column_read"]
    monkeypatch.setattr(element, "column_energy", lambda *_, **__: blocks)
    words = ["characterize", "hybrid", "--card", str(file), "--jobs", "1"]
    assert run([*words, "--set", "element=true"]) == 0
    made = element_of(read_card(file))
    assert made == element_of(packaged)
    assert (made.rows, made.columns, made.columns_per_weight, made.columns_per_converter) == (64, 64, 3, 1)
    # word lines 0.3 ns after the precharge's end, 60 ps pulse, 250 ps; 0.6 + 0.4 + 0.6 ns; 2 ns of precharge
    assert made.settle_time == pytest.approx(0.61e-9 + 1.6e-9 + 2e-9, rel=1e-9)
    assert made.time_per_mvm == pytest.approx(3 * 4.4e-9, rel=1e-9)  # a code is added every 4.4 ns
    cell = bench("sram_leakage")
    given = cell.Parameters()
    table = cell.measure(
        given,
        simulate(cell.netlist(given), cell.analysis(given), options=cell.options(given), flat=cell.flat),
    )
    assert made.idle_power == pytest.approx(144 * 64 * table["leakage_power"].iloc[0], rel=1e-6)
    assert 0.02 < made.error < 0.3  # a ternary read-out that nothing was trained through
    assert run([*words, "--set", "element=true", "--set", "strobe=0.85e-9", "--set", "recovery=0.8e-9"]) == 0
    assert element_of(read_card(file)).time_per_mvm == pytest.approx(3 * (4.4e-9 + 0.9e-9), rel=1e-9)


@pytest.mark.spice
def test_energy_of_a_product_is_that_of_its_column_reads(monkeypatch):
    """The benchmark's 4-bit column takes 712 fJ a read, of it 353 fJ for the comparator and its strobe."""
    packaged = hybrid.packaged_card()
    assert element_of(packaged).energy_per_mvm == pytest.approx(64 * 3 * 712e-15, rel=2e-3)
    monkeypatch.setattr(
        energy, "trained", lambda _, design, *more: trained("iris", design, 0, Schedule(epochs=2))
    )
    codes = Sequences(np.array([[3, -3, 0]]), np.array([[1, -1, 0]]), np.array([[5, 6, 7]]))
    monkeypatch.setattr(energy, "drawn_sequences", lambda *_: codes)
    blocks = energy.column_energy(ColumnConditions.of(packaged, 1), reads=1, sequences=1)
    assert blocks.keys() == packaged.part("processing_element").source["column_read"].keys()
    assert blocks["comparator"] + blocks["strobe"] == pytest.approx(353e-15, rel=0.1)
    assert 400e-15 < sum(blocks.values()) < 900e-15


def test_a_schedule_on_columns_of_the_packaged_card_says_that_it_is_simulated(capsys):
    assert run(["schedule", "digits-cnn", "--card", "hybrid", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["card"]["origin"], found["corner"], found["temperature"]) == ("simulated", "tt", 27.0)
    assert found["mvm_time_second"] == pytest.approx(13.2e-9, rel=1e-9)
    mvms = sum(one["pes"] * one["pixels"] for one in found["layers"])
    assert found["energy"]["mvm_joule"] == pytest.approx(mvms * 64 * 3 * 712e-15, rel=2e-3)


def test_element_is_true_or_false_of_columns_too(capsys, tmp_path):
    words = ["characterize", "hybrid", "--card", str(tmp_path / "card.json"), "--set", "element=1"]
    assert run(words) == 2
    assert "element is 1" in capsys.readouterr().err
