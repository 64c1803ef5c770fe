"""Networks on tiles: ngspice agrees, compensation undoes the wires, a written tile is counted."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from cimspice.cli.app import run
from cimspice.crossbar import Crossbar
from cimspice.crossbar.emulator.circuit import CrossbarCircuit
from cimspice.crossbar.emulator.network_layers import tiled_layers
from cimspice.crossbar.emulator.tile_layer import IDEAL_WIRES, TileWires
from cimspice.crossbar.emulator.tile_programming import program_tile
from cimspice.crossbar.mapping.compensation import calibrate_gains, compensate, compensate_tile
from cimspice.crossbar.mapping.conductances import ConductanceRange, difference
from cimspice.crossbar.validation.budget import STARTING, budget_of, ladder, with_nonlinearity
from cimspice.crossbar.validation.tiles import NgspiceTiles, compare_tiles
from cimspice.errors import ParameterError
from cimspice.fit import ModelCard
from cimspice.network import Network, map_network
from cimspice.network.built_in_networks import digits_perceptron
from cimspice.rram import RramCell, SetResponse, SinhRead, SkywaterReram, WriteScheme

RANGE = ConductanceRange(levels=None)
STRONG = TileWires(50.0, 50.0, 200.0, 200.0)


@pytest.fixture(scope="module")
def trained():
    return digits_perceptron((12,))


def outputs_error(network, ideal: Network, x) -> float:
    wanted = ideal.outputs(x)
    return float(np.linalg.norm(network.outputs(x) - wanted) / np.linalg.norm(wanted))


def test_compensated_cells_compute_nearly_what_ideal_wires_would():
    """Against products without wires: a tile that loses half its signal is put right to a percent."""
    rng = np.random.default_rng(0)
    wanted, volts = RANGE.low + rng.uniform(size=(16, 12)) ** 3 * 40e-6, rng.uniform(0, 0.2, (300, 16))
    before = wanted.copy()
    done = compensate_tile(wanted, STRONG, RANGE, volts)
    assert np.array_equal(wanted, before)
    assert done.conductances.min() >= RANGE.low * (1 - 1e-12)
    assert done.conductances.max() <= RANGE.high * (1 + 1e-12)
    array = Crossbar(
        done.conductances,
        word_line_resistance=50.0,
        bit_line_resistance=50.0,
        source_resistance=200.0,
        sense_resistance=200.0,
    )
    fresh = rng.uniform(0, 0.2, (100, 16))
    ideal = difference(fresh @ wanted)
    error = np.linalg.norm(done.gains * difference(array.currents(fresh)) - ideal) / np.linalg.norm(ideal)
    assert error < 0.02
    assert error < 0.2 * done.error_before
    seen = done.gains * difference(array.currents(volts)), difference(volts @ wanted)
    assert done.error == pytest.approx(np.linalg.norm(seen[0] - seen[1]) / np.linalg.norm(seen[1]), rel=0.01)


def test_compensation_of_a_network_beats_gains_and_gains_beat_nothing(trained):
    x = trained.x_test[:300]
    mapped, ideal = (
        map_network(trained.network, trained.x_train, CrossbarCircuit(tile=(32, 24), wires=wires))
        for wires in (STRONG, IDEAL_WIRES)
    )
    gains = calibrate_gains(mapped, ideal, trained.x_train[:200])
    better = compensate(mapped, RANGE, trained.x_train).network
    errors = [outputs_error(one, trained.network, x) for one in (mapped, gains, better)]
    assert errors[1] < 0.6 * errors[0]
    assert errors[2] < 0.2 * errors[1]


def test_compensation_refuses_what_it_cannot_use():
    wanted = np.full((4, 4), 1e-5)
    with pytest.raises(ParameterError, match="steps is 0"):
        compensate_tile(wanted, STRONG, RANGE, np.ones((2, 4)), steps=0)
    for inputs in (np.ones((2, 5)), np.zeros((2, 4))):
        with pytest.raises(ParameterError, match=r"inputs (have|of) shape"):
            compensate_tile(wanted, STRONG, RANGE, inputs)


def test_every_cause_adds_its_error_and_the_corrections_take_it_off(trained):
    given = replace(STARTING, wires=STRONG, nonlinearity=2.3)
    rows = {row.title: row for row in budget_of(ladder(trained, given), trained, given)}
    assert sum(row.share or 0.0 for row in rows.values()) == pytest.approx(1.0)
    assert rows["compensated cells"].share is None
    assert rows["ideal cells and wires"].output_error < 1e-2
    for title in ("levels of conductance", "wires", "source and sense resistance", "non-linear cells"):
        assert (rows[title].alone or 0.0) > 3e-3
    assert rows["programming error"].output_error > 0.3
    assert rows["compensated cells"].output_error < 0.5 * rows["a gain for each output"].output_error
    assert rows["compensated cells"].accuracy > trained.test_accuracy - 0.02


@pytest.mark.spice
def test_tiles_in_ngspice_give_the_same_currents_and_decisions(trained):
    given = replace(STARTING, tile=(22, 12), nonlinearity=2.3)
    steps = ladder(trained, given, steps=5)
    linear = compare_tiles(with_nonlinearity(steps.complete, 0.0), trained.x_test[:20])
    assert linear.tiles == 3 * 2 + 2
    assert linear.tile_error < 1e-10
    assert linear.output_error < 1e-9
    assert linear.decisions_agree == 1.0
    bent = compare_tiles(steps.compensated, trained.x_test[:2])
    assert bent.tile_error < 1e-8


@pytest.mark.spice
def test_ngspice_reads_the_tile_it_is_asked_for(trained):
    """With ideal wires its currents are products, so a tile taken for another would show."""
    tiles = CrossbarCircuit(tile=(22, 12), wires=IDEAL_WIRES)
    layer = tiled_layers(map_network(trained.network, trained.x_train, tiles))[-1]
    volts = np.random.default_rng(0).uniform(0, 0.2, (2, layer.tiling.rows)).round(6)
    inputs = list(layer.tiling.inputs(volts))
    for place, given, found in zip(layer.tiling.places, inputs, NgspiceTiles()(layer, inputs), strict=True):
        np.testing.assert_allclose(found, given @ layer.mapped.conductances[place], rtol=1e-8)


def test_a_written_tile_holds_its_targets_within_the_tolerance_and_counts_its_pulses(trained, access):
    tiles = CrossbarCircuit(cells=ConductanceRange(levels=8), tile=(8, 8))
    mapped = map_network(trained.network, trained.x_train, tiles)
    cell = RramCell(device=SkywaterReram.published(), transistor=access, inner_capacitance=2.8e-15)
    scheme = WriteScheme(tolerance=0.08)
    response = SetResponse.of(cell, scheme, points=17)
    written = program_tile(mapped, 1, 1, cell, scheme, response=response)
    before = tiled_layers(mapped)[1]
    place = before.tiling.places[1]
    targets = before.mapped.conductances[place]
    reached = tiled_layers(written.network)[1].mapped.conductances
    assert written.record.done.all()
    error = reached[place] / targets - 1
    assert 0 < np.abs(error).max() <= 0.08
    assert written.writes >= targets.size
    untouched = reached.copy()
    untouched[place] = targets
    assert np.array_equal(untouched, before.mapped.conductances)
    with pytest.raises(ParameterError, match="tile 9 of layer 1"):
        program_tile(mapped, 1, 9, cell, scheme)


@pytest.mark.spice
def test_the_command_reports_what_it_compared(tmp_path, capsys):
    card = tmp_path / "law.json"
    law = SinhRead(conductance=1e-5, curvature=2.3, series_resistance=0.0)
    ModelCard.from_model(law, {"device": "skywater"}).save(card)
    words = ["--hidden", "8", "--digits", "3", "--nonlinear-digits", "1", "--no-sweep", "--json"]
    assert run(["validate", "crossbar", *words, "--card", str(card), "-o", str(tmp_path)]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["error_vs_ngspice"] < 1e-10
    assert facts["error_vs_ngspice_nonlinear"] < 1e-8
    assert facts["ngspice"]["linear"]["digits"] == 3
    for key in ("accuracy_crossbar", "accuracy_compensated"):
        assert facts[key] > facts["accuracy_float"] - 0.05
    assert [row["title"] for row in facts["causes"]][-1] == "compensated cells"
    assert sum(facts["budget"].values()) == pytest.approx(1.0)
    assert facts["budget"]["wires"] == next(r["share"] for r in facts["causes"] if r["title"] == "wires")
    assert facts["normalised_rmse"] <= 1e-6
    assert facts["decisions_agree"] == facts["ngspice"]["linear"]["decisions_agree"] == 1.0
    assert facts["certificate"]["runs"] == 3
    assert json.loads((tmp_path / "report.json").read_text()) == facts
    assert run(["validate", "crossbar", "--card", str(card), "--device", "vteam", "-o", str(tmp_path)]) == 2
    assert "of device 'skywater', not 'vteam'" in capsys.readouterr().err
