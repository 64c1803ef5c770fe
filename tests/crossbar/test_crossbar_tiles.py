"""Weights become conductances on tiles and come back; bad weights, ranges, tiles and cards are refused."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cimspice.cli.app import run
from cimspice.crossbar.emulator.cell_errors import CellErrors
from cimspice.crossbar.emulator.circuit import CrossbarCircuit
from cimspice.crossbar.emulator.network_layers import changed, tiled_layers
from cimspice.crossbar.emulator.tile_layer import IDEAL_WIRES, TiledLayer, TileWires
from cimspice.crossbar.mapping.conductances import (
    ConductanceRange,
    MappedWeights,
    difference,
    map_weights,
    spread,
)
from cimspice.crossbar.mapping.tiles import Tiling
from cimspice.errors import MappingError, ParameterError
from cimspice.fit import ModelCard
from cimspice.network import Network, dense_network, map_network
from cimspice.rram import LinearRead, RramVariability, SinhRead
from cimspice.rram.validation.device import nonlinearity_of

RANGE = ConductanceRange()


def random_network(seed: int, sizes=(11, 7, 4)) -> Network:
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(after, before)) for before, after in pairwise(sizes)]
    return dense_network("random", weights, [rng.normal(size=n) for n in sizes[1:]])


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**31), st.sampled_from([None, 2, 16, 257]))
def test_weights_come_back_within_half_a_level(outputs, inputs, seed, levels):
    weights = np.random.default_rng(seed).normal(size=(outputs, inputs)) * 10.0 ** (seed % 7 - 3)
    cells = ConductanceRange(3e-6, 50e-6, levels)
    mapped = map_weights(weights, cells)
    assert mapped.conductances.min() >= cells.low * (1 - 1e-12)
    assert mapped.conductances.max() <= cells.high * (1 + 1e-12)
    assert np.isclose(mapped.conductances.reshape(inputs, outputs, 2).min(axis=2), cells.low).all()
    step = 0.0 if levels is None else 1 / (levels - 1)
    bound = np.abs(weights).max() * (0.5 * step + 1e-12)
    assert np.abs(mapped.weights - weights).max() <= bound


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 17), st.integers(1, 9), st.integers(0, 2**31))
def test_any_tiles_cover_the_matrix_once_and_add_up_to_it(rows, columns, tile_rows, half, seed):
    rng = np.random.default_rng(seed)
    matrix, volts = rng.uniform(size=(rows, columns)), rng.uniform(size=(3, rows))
    tiling = Tiling(rows, columns, tile_rows, 2 * half)
    tiles = tiling.cut(matrix)
    assert max(tile.shape[0] for tile in tiles) <= tile_rows
    assert max(tile.shape[1] for tile in tiles) <= 2 * half
    assert sum(tile.size for tile in tiles) == matrix.size
    assert np.array_equal(tiling.joined(tiles), matrix)
    parts = [part @ tile for part, tile in zip(tiling.inputs(volts), tiles, strict=True)]
    np.testing.assert_allclose(tiling.summed(parts), volts @ matrix, rtol=1e-12)


def test_spread_is_the_transpose_of_difference():
    rng = np.random.default_rng(0)
    columns, pairs = rng.normal(size=(5, 8)), rng.normal(size=(5, 4))
    assert np.sum(difference(columns) * pairs) == pytest.approx(np.sum(columns * spread(pairs)), rel=1e-12)


@pytest.mark.parametrize("tile", [(64, 64), (4, 6), (3, 2)])
def test_ideal_wires_give_the_trained_network_whatever_the_tiles(tile):
    network, x = random_network(1), np.random.default_rng(2).uniform(size=(20, 11))
    mapped = map_network(network, x, CrossbarCircuit(tile=tile, wires=IDEAL_WIRES))
    np.testing.assert_allclose(mapped.outputs(x), network.outputs(x), rtol=1e-9, atol=1e-9)


def test_cells_conduct_at_the_verify_voltage_what_was_programmed():
    """One cell alone: its sinh law meets the linear one at the verify voltage."""
    network, x = random_network(3, (1, 1)), np.array([[1.0]])
    mapped = map_network(network, x, CrossbarCircuit(wires=IDEAL_WIRES, read_voltage=0.1))
    bent = changed(mapped, lambda layer: dataclasses.replace(layer, nonlinearity=4.0, verify_voltage=0.1))
    np.testing.assert_allclose(bent.outputs(x), mapped.outputs(x), rtol=1e-9)
    lower = changed(bent, lambda layer: dataclasses.replace(layer, read_voltage=0.05))
    assert abs(tiled_layers(lower)[0](x)[0, 0]) < abs(tiled_layers(mapped)[0](x)[0, 0])


def test_inputs_above_the_calibrated_scale_are_clipped():
    network, x = random_network(4), np.random.default_rng(5).uniform(size=(20, 11))
    layer = tiled_layers(map_network(network, x, CrossbarCircuit(wires=IDEAL_WIRES)))[0]
    assert layer.voltages(10 * x + 1).max() == pytest.approx(0.2)


def test_programming_errors_stay_within_the_tolerance_and_stuck_cells_are_as_many_as_said():
    targets = np.random.default_rng(0).uniform(2e-6, 80e-6, (200, 200))
    made = CellErrors(tolerance=0.03).programmed(targets, RANGE, np.random.default_rng(1))
    error = made / targets - 1
    assert np.abs(error).max() <= 0.03
    assert error.std() == pytest.approx(0.03 / np.sqrt(3), rel=0.02)
    stuck = CellErrors(tolerance=0.0, stuck_low=0.1, stuck_high=0.05)
    made = stuck.programmed(targets, RANGE, np.random.default_rng(1))
    assert np.mean(made == RANGE.low) == pytest.approx(0.1, abs=0.01)
    assert np.mean(made == RANGE.high) == pytest.approx(0.05, abs=0.01)
    law = RramVariability(
        log_median=np.log([2e-6, 80e-6]),
        device_covariance=np.diag([0.05, 0.0]),
        cycle_covariance=np.diag([0.04, 0.01]),
        correlation=0.0,
    )
    low, high = (
        np.log(CellErrors(variability=law).programmed(np.full(20000, g), RANGE, np.random.default_rng(2)) / g)
        for g in (2e-6, 80e-6)
    )
    assert low.std() == pytest.approx(0.3, rel=0.03)
    assert high.std() == pytest.approx(0.1, rel=0.03)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([[0.1, np.nan]], "input 1 to output 0 is nan"),
        ([[0.1, np.inf]], "is inf"),
        ([[0.0, 0.0]], "all weights are zero"),
        ([0.1, 0.2], r"shape \(2,\)"),
        (np.zeros((0, 3)), r"shape \(0, 3\)"),
    ],
)
def test_weights_that_no_cells_can_hold_are_refused(weights, words):
    with pytest.raises(MappingError, match=words):
        map_weights(np.array(weights), RANGE)


@pytest.mark.parametrize(
    ("low", "high"), [(8e-5, 2e-6), (1e-6, 1e-6), (0.0, 1e-6), (-1e-6, 1e-6), (1e-6, np.nan)]
)
def test_a_range_must_rise_from_above_zero(low, high):
    with pytest.raises(MappingError, match=r"no range|high is nan"):
        ConductanceRange(low, high)


def test_tiles_of_no_size_odd_columns_and_foreign_matrices_are_refused():
    with pytest.raises(MappingError, match="part the two columns"):
        TiledLayer(MappedWeights(np.ones((4, 4)), 1.0), Tiling(4, 4, 4, 3), IDEAL_WIRES, 0.2, 1.0)
    for sizes, words in (((4, 4, 0, 2), "tile_rows is 0"), ((4, 4, 4, 0), "tile_columns is 0")):
        with pytest.raises(MappingError, match=words):
            Tiling(*sizes)
    with pytest.raises(MappingError, match="not what these tiles cover"):
        Tiling(4, 4).cut(np.ones((4, 5)))
    with pytest.raises(ParameterError, match="calibration"):
        map_network(random_network(0), -np.ones((2, 11)), CrossbarCircuit(signed=False))
    with pytest.raises(ParameterError, match="read_voltage is 0"):
        map_network(random_network(0), np.ones((2, 11)), CrossbarCircuit(read_voltage=0.0))


def test_a_card_of_another_device_or_law_is_refused():
    law = SinhRead(conductance=1e-5, curvature=2.5, series_resistance=0.0)
    card = ModelCard.from_model(law, {"device": "skywater"})
    assert nonlinearity_of(card, "skywater") == 2.5
    with pytest.raises(ParameterError, match="device 'skywater', not 'vteam'"):
        nonlinearity_of(card, "vteam")
    with pytest.raises(ParameterError, match="rram_read_linear"):
        nonlinearity_of(ModelCard.from_model(LinearRead(conductance=1e-5)), "skywater")
    behind = SinhRead(conductance=1e-4, curvature=2.5, series_resistance=1e3)
    with pytest.raises(ParameterError, match="series resistance of 1e\\+03 ohm"):
        nonlinearity_of(ModelCard.from_model(behind, {"device": "skywater"}), "skywater")


@pytest.mark.parametrize(
    ("words", "reported"),
    [
        (["--tile", "0"], "tile_rows is 0"),
        (["--tile", "33"], "33 columns part"),
        (["--tile", "128"], "128 x 128 takes ngspice hours"),
        (["--g-min", "0"], "no range"),
        (["--g-min", "1e-4"], "no range"),
        (["--levels", "1"], "levels is 1"),
        (["--wire", "-1"], "-1 ohm"),
        (["--stuck", "2"], "2 of the cells"),
        (["--tolerance", "2"], "tolerance is 2"),
        (["--stuck", "1.5"], "stuck"),
        (["--device", "pcm"], "unknown device 'pcm'"),
    ],
)
def test_bad_input_of_the_command_is_reported_before_anything_is_simulated(words, reported, tmp_path, capsys):
    assert run(["validate", "crossbar", *words, "-o", str(tmp_path)]) == 2
    assert reported in capsys.readouterr().err


def test_wires_are_of_every_tile():
    network, x = random_network(6), np.random.default_rng(7).uniform(size=(5, 11))
    wired, ideal = (
        tiled_layers(map_network(network, x, CrossbarCircuit(tile=(4, 4), wires=wires)))[0]
        for wires in (TileWires(10.0, 10.0, 100.0, 100.0), IDEAL_WIRES)
    )
    volts = np.random.default_rng(8).uniform(0.1, 0.2, (3, 4))
    for one, other in zip(wired.tiles[:3], ideal.tiles[:3], strict=True):
        assert (one.currents(volts) < other.currents(volts)).all()
