"""The part ``processing_element`` of a crossbar's card from simulated circuits: figures and their use."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cimspice.bench import bench
from cimspice.cli.app import run
from cimspice.crossbar import processing_element
from cimspice.crossbar.model.card import tile_of
from cimspice.crossbar.processing_element import error_of, predicted
from cimspice.families import read_card
from cimspice.resources import data_directory
from cimspice.schedule import element_of
from cimspice.schedule.element_card import ElementCard
from cimspice.spice import simulate


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Cards of small arrays, amplifiers on and switched; the second takes all simulations from the store."""
    folder = tmp_path_factory.mktemp("made")
    sizes = pytest.MonkeyPatch()
    with sizes.context() as patch:
        patch.setattr(processing_element, "SIZES", (12, 16))
        patch.setattr(processing_element, "PLACES", (4, 2))
        patch.setattr(processing_element, "_CONVERSIONS", (0.01,))
        for gated in (0, 1):
            words = ["characterize", "crossbar", "--card", str(folder / f"{gated}.json"), "--jobs", "1"]
            words += ["--set", "rows=16", "--set", "columns=8", "--set", "columns_per_weight=2"]
            assert run([*words, "--set", f"gated={gated}", "--set", "wires=sky130"]) == 0
    return folder


def asked(capsys, *words):
    capsys.readouterr()
    assert run([*map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.spice
def test_the_part_is_simulated_and_holds_the_time_of_a_whole_array(made):
    card = read_card(made / "0.json")
    part, element = card.part("processing_element"), element_of(card)
    assert (part.origin, element.origin, element.extrapolated) == ("simulated", "simulated", False)
    assert set(part.source) == {"crossbar_settling", "crossbar_gated_read", "sram_converter"}
    assert element.conversion_time == pytest.approx(2e-9 + 0.8e-9 + 6 * 2e-9)  # sample, settle, six decisions
    array = processing_element.drawn_array(tile_of(card), 12, 2, 0)
    made_bench = bench("crossbar_settling")
    given = made_bench.Parameters(**array, stop=100e-9)
    waveforms = simulate(
        made_bench.netlist(given), made_bench.analysis(given), options=made_bench.options(given), flat=True
    )
    whole = made_bench.measure(given, waveforms)
    record = next(one for one in part.data["reads"] if one["rows"] == 12)
    assert record["settle_time"] == pytest.approx(whole["settling_time"].max(), rel=0.05)
    assert record["energy"] == pytest.approx(whole["energy"].iloc[0] / 12, rel=0.05)
    assert record["static_power"] == pytest.approx(whole["static_power"].iloc[0] / 12, rel=0.01)


@pytest.mark.spice
def test_energy_and_time_of_a_product_are_those_of_its_reads_and_conversions(made):
    on, gated = (read_card(made / f"{number}.json") for number in (0, 1))
    rows = np.array([one["rows"] for one in on.part("processing_element").data["reads"]])
    reads = on.part("processing_element").data["reads"]
    held = 8 * element_of(on).conversion_time

    def line(values):
        return np.polyval(np.polyfit(np.log(rows), values, 1), np.log(16))

    always = [8 * (one["energy"] + one["static_power"] * held) for one in reads]
    idle = [8 * one["idle_power"] * (one["settle_time"] + held) for one in reads]
    first = [one["gated_energy"] - one["energy"] for one in reads]
    added = (element_of(gated).energy_per_mvm - element_of(on).energy_per_mvm) / 8  # of 8 columns
    assert added == pytest.approx(line(np.add(idle, first)), rel=1e-9)
    conversions = element_of(on).energy_per_mvm / 8 - line(np.subtract(always, idle))
    assert 2e-12 < conversions / 8 < 4e-12  # of each: 2.8 pJ at tt
    assert element_of(gated).time_per_mvm == pytest.approx(
        8 * (element_of(on).settle_time + held) + element_of(gated).wake_time, rel=1e-9
    )
    assert element_of(gated).off_power < 1e-4 * element_of(gated).idle_power


@pytest.mark.spice
def test_a_schedule_takes_the_simulated_part_and_says_so(made, capsys):
    found = asked(capsys, "schedule", "digits-cnn", "--card", made / "1.json")
    element = element_of(read_card(made / "1.json"))
    assert (found["card"]["origin"], found["card"]["idle_off"]) == ("simulated", True)
    assert found["mvm_time_second"] == element.time_per_mvm
    seconds = found["cross_layer"]["steps"] * element.time_per_mvm
    idle = found["pe"]["present"] * element.off_power * seconds
    assert found["energy"]["idle_joule"] == pytest.approx(idle, rel=1e-12)
    table = asked(capsys, "card", "table", made / "0.json", made / "1.json", "--part", "processing_element")
    assert table["parameters"]["gated"] == [0, 1]
    assert table["origin"] == ["simulated", "simulated"]


def test_the_packaged_card_of_the_crossbar_schedules_with_simulated_figures(capsys):
    found = asked(capsys, "schedule", "tinyyolov4", "--card", "crossbar")
    element = element_of(read_card(data_directory("cards") / "crossbar.json"))
    assert (found["card"]["origin"], found["card"]["extrapolated"]) == ("simulated", False)
    assert found["pe"]["columns_per_weight"] == element.columns_per_weight == 2
    assert found["mvm_time_second"] == element.time_per_mvm


def test_figures_beyond_the_simulated_arrays_are_marked(capsys, tmp_path):
    content = json.loads((data_directory("cards") / "crossbar.json").read_text())
    content["parts"]["processing_element"]["parameters"]["rows"]["value"] = 512
    (tmp_path / "large.json").write_text(json.dumps(content))
    assert asked(capsys, "schedule", "digits-cnn", "--card", tmp_path / "large.json")["card"]["extrapolated"]
    assert run(["schedule", "digits-cnn", "--card", str(tmp_path / "large.json")]) == 0
    assert "(simulated, extrapolated)" in capsys.readouterr().out


def test_a_line_over_sizes_is_the_regression_with_its_band():
    rng = np.random.default_rng(0)
    rows = np.repeat([16.0, 32, 64, 128, 256], 2)
    values = 3 + 0.1 * np.log(rows) + 0.05 * rng.standard_normal(10)
    value, (low, high) = predicted(rows, values, 512)
    found = np.polyfit(np.log(rows), values, 1)
    assert value == pytest.approx(np.polyval(found, np.log(512)), rel=1e-12)
    deviation = np.sqrt(np.sum((values - np.polyval(found, np.log(rows))) ** 2) / 8)
    centre = np.log(rows) - np.log(rows).mean()
    leverage = 1 + 1 / 10 + (np.log(512) - np.log(rows).mean()) ** 2 / np.sum(centre**2)
    half = 2.306004135 * deviation * np.sqrt(leverage)  # Student's t of 8 degrees of freedom at 97.5 %
    assert (low, high) == (pytest.approx(value - half, rel=1e-8), pytest.approx(value + half, rel=1e-8))


def test_the_error_grows_with_the_crossbar_and_needs_pairs_of_columns():
    tile = tile_of(read_card(data_directory("cards") / "crossbar.json"))
    errors = [error_of(tile, ElementCard(rows=n, columns=n, columns_per_weight=2)) for n in (32, 128)]
    assert 0.003 < errors[0] < errors[1] < 0.1  # six bits alone leave 0.3 % or more
    assert error_of(tile, ElementCard(rows=128, columns=128)) > 2 * errors[1]
