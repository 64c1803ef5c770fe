"""The part ``processing_element`` of a 6T array's card."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from cimspice.bench import bench
from cimspice.cli.app import run
from cimspice.families import read_card
from cimspice.resources import data_directory
from cimspice.schedule import element_of
from cimspice.spice import simulate
from cimspice.sram.characterisation import element
from cimspice.sram.characterisation.conditions import SramConditions


@pytest.mark.spice
def test_a_product_takes_a_pass_for_each_row_of_words_and_the_energy_of_its_multiplications(monkeypatch):
    packaged = read_card(data_directory("cards") / "sram.json")
    known = element_of(packaged)
    per_mac = known.energy_per_mvm / (16 * 512)
    assert 0.3e-12 < per_mac < 1.5e-12  # of a sixteenth of a conversion of 2.8 pJ, and the column's own
    monkeypatch.setattr(element, "energy_table", lambda *_, **__: SimpleNamespace(per_mac=per_mac))
    made = element_of(element.with_element(packaged, SramConditions(workers=1)))
    assert made == known
    # begin 0.3 ns, pulses to 8 x 60 ps, 250 ps: read at about 1.05 ns; reset to its end, 8 phases of 0.8 ns
    # with the last gap; sharing 1.5 ns, 0.8 ns, six decisions of 2 ns; and 2 ns of precharge
    expected = 1.05e-9 + 8 * 0.8e-9 + 0.2e-9 + 1.5e-9 + 0.8e-9 + 6 * 2e-9 + 2e-9
    assert made.conversion_time == pytest.approx(expected, rel=0.02)
    assert made.time_per_mvm == pytest.approx(2e-9 + 128 * made.conversion_time, rel=1e-12)
    cell = bench("sram_leakage")
    given = cell.Parameters()
    table = cell.measure(
        given,
        simulate(cell.netlist(given), cell.analysis(given), options=cell.options(given), flat=cell.flat),
    )
    assert made.idle_power == pytest.approx(512 * 64 * table["leakage_power"].iloc[0], rel=1e-6)
    assert 0.005 < made.error < 0.1


def test_a_schedule_on_arrays_of_the_packaged_card_says_that_it_is_simulated(capsys):
    assert run(["schedule", "digits-cnn", "--card", "sram", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["card"]["origin"], found["pe"]["rows"], found["pe"]["columns"]) == ("simulated", 16, 512)
    assert (
        found["mvm_time_second"] == element_of(read_card(data_directory("cards") / "sram.json")).time_per_mvm
    )


def test_element_is_true_or_false(capsys, tmp_path):
    words = ["characterize", "sram", "--card", str(tmp_path / "card.json"), "--set", "element=1"]
    assert run(words) == 2
    assert "element is 1" in capsys.readouterr().err
