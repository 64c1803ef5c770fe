"""Reads of single tiles of a network; another emulator stands in the circuit's place, and all is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from cimspice.crossbar import family
from cimspice.crossbar.validation.tile_reads import TileReads
from cimspice.errors import ParameterError
from cimspice.network import CircuitNetwork, Network, Node, map_network
from cimspice.network.output_error import TileDraw
from cimspice.network.sampled_tiles import plan_tiles, validate_tiles
from cimspice.progress import silent

RNG = np.random.default_rng(0)
X = RNG.uniform(0, 1, (120, 2, 6, 6))
NETWORK = Network(
    "two convolutions",
    (2, 6, 6),
    (
        Node("conv1", "conv", settings={"padding": (1, 1, 1, 1)},
             arrays={"weights": RNG.normal(size=(4, 2, 3, 3)), "bias": RNG.normal(size=4)}),
        Node("relu1", "relu", ("conv1",)),
        Node("conv2", "conv", ("relu1",), settings={"groups": 2, "stride": (1, 2)},
             arrays={"weights": RNG.normal(size=(4, 2, 3, 3))}),
        Node("relu2", "relu", ("conv2",)),
        Node("pool", "max_pool", ("relu2",), settings={"kernel": (2, 2)}),
        Node("flat", "flatten", ("pool",)),
        Node("dense", "dense", ("flat",), arrays={"weights": RNG.normal(size=(3, 8))}),
    ),
    "dense",
)  # fmt: skip


def mapped(wires: float = 1.0, **changes: Any) -> CircuitNetwork:
    """On tiles of 8 x 8 cells with wires so many times as long."""
    lines = {"word_line_resistance": 20.0 * wires, "bit_line_resistance": 20.0 * wires}
    return map_network(NETWORK, X, family.circuit(tile=8, **lines, **changes))


@dataclass(frozen=True, eq=False)
class OtherEmulator(TileReads):
    """Tiles whose simulator is another emulator of the same layer."""

    circuit: TileReads | None = None

    def simulated(self, inputs: Mapping[int, np.ndarray], progress: object) -> tuple[dict, float]:
        assert self.circuit is not None
        return {tile: self.circuit.emulated(tile, x) for tile, x in inputs.items()}, 0.0


def planned(emulator: CircuitNetwork, circuit: CircuitNetwork, **given: Any):
    """A plan whose reads are those of the circuit."""
    pairs: list[tuple[Any, Any]] = [
        (one, other)
        for name, layers in emulator.layers.items()
        for one, other in zip(layers, circuit.layers[name], strict=True)
    ]

    def tiles(layer: Any) -> OtherEmulator:
        other = next(other for one, other in pairs if one is layer)
        return OtherEmulator(layer, circuit=TileReads(other))

    return plan_tiles(emulator, X, given.pop("reads", 400), tiles, **given)


def test_errors_of_all_tiles_at_all_pixels_add_up_to_the_error_of_the_output():
    emulator, circuit = mapped(), mapped(1.0001)
    plan = planned(emulator, circuit)
    tiles, drawn = plan.tiles, plan.draw.samples
    everyone, total = np.arange(len(drawn)), 0.0
    for unit, (number, tile, _) in enumerate(tiles.units):
        part, x = tiles.parts[number].tiles, tiles.inputs(unit)
        error = part.simulated({tile: x}, silent)[0][tile] - part.emulated(tile, x)
        total = total + tiles.at_output(unit, everyone, error)
    truth = circuit.outputs(X[drawn]) - emulator.outputs(X[drawn])
    assert np.linalg.norm(total - truth) <= 1e-3 * np.linalg.norm(truth)
    # 18 rows on tiles of 8 at 36 pixels; the same in 2 groups at 8 pixels; 8 rows of the dense layer
    assert isinstance(plan.draw, TileDraw)
    assert plan.draw.count == len(tiles.units) == 3 * 36 + 2 * 3 * 8 + 1


@pytest.mark.parametrize(
    ("settings", "changes", "draws", "tightness"),
    [
        ({}, {"wires": 1.1}, 20, 1.1),
        ({}, {"tolerance": 0.05}, 20, 1.4),
        ({"dac_bits": 8, "adc_bits": 8}, {"wires": 1.1}, 8, 1.15),
        ({"nonlinearity": 2.0}, {"wires": 1.1}, 1, 1.15),
    ],
    ids=["wires", "cells", "converters", "sinh"],
)
def test_the_bound_covers_the_known_error_of_all_inputs(settings, changes, draws, tightness):
    emulator, circuit = mapped(**settings), mapped(**settings, **changes)
    converters = {"DAC", "ADC"} & set(emulator.effects)
    outputs = emulator.without(*converters).outputs(X)
    truth = np.linalg.norm(circuit.without(*converters).outputs(X) - outputs) / np.linalg.norm(outputs)
    over = []
    for seed in range(draws):
        result = validate_tiles(
            planned(emulator, circuit, seed=seed, reads=600, samples=12 if draws == 1 else None),
            None,
            seed=seed,
        )
        assert result.certificate is not None
        assert result.certificate.kind == "sampled_tiles"
        over.append(result.certificate.bound / truth)
    assert np.mean(np.array(over) >= 1) >= 0.85  # 95 % asked
    assert np.mean(over) <= tightness


def test_facts_have_no_decisions_of_a_circuit_that_did_not_run_whole():
    emulator = mapped()
    facts = validate_tiles(planned(emulator, mapped(1.1), samples=15), np.zeros(len(X), dtype=int)).facts()
    assert facts["decisions_agree"] is None
    assert facts["accuracy_circuit"] is None
    assert facts["accuracy_emulator"] is not None
    assert facts["samples"] == 15
    assert facts["certificate"]["runs"] == 15 * (400 // 15)
    assert facts["normalised_rmse"] == facts["certificate"]["estimate"]
    assert [layer["error"] for layer in facts["layers"]] == [None] * 3
    assert sum(facts["budget"].values()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    "changes",
    [{"weight_bits": 4, "slice_bits": 2}, {"weight_scale": "column"}, {"adc_bits": 6}, {"nonlinearity": 3.0},
     {"dac_bits": 4, "bit_serial": True}, {"stuck_low": 0.2, "stuck_remapping": True, "chips": 2}],
    ids=["slices", "columns", "adc", "sinh", "bit-serial", "exchanged"],
)  # fmt: skip
@pytest.mark.spice
def test_tiles_one_by_one_add_up_to_the_layer_and_equal_ngspice(changes, tmp_path):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(10, 19))
    circuit = family.circuit(tile=8, word_line_resistance=20.0, **changes)
    layer = circuit.layer(rng.normal(size=(7, 19)), x)
    tiles, total = TileReads(layer), np.zeros((10, 7))
    for tile, (rows, columns) in enumerate(tiles.places):
        total[:, columns] += tiles.emulated(tile, x[:, rows])
    unrounded = layer.without("ADC") if "ADC" in layer.effects else layer
    np.testing.assert_allclose(total, unrounded.chip(0)(x), rtol=1e-9, atol=1e-9)
    read = max(range(len(tiles.places)), key=lambda tile: tiles.places[tile][0].start)
    x = x[:, tiles.places[read][0]]
    found = TileReads(layer, tmp_path / "store.sqlite", jobs=1).simulated({read: x}, silent)[0][read]
    np.testing.assert_allclose(found, tiles.emulated(read, x), rtol=1e-6, atol=1e-6)


def test_reads_and_samples_that_bound_nothing_are_refused():
    with pytest.raises(ParameterError, match="399 reads"):
        planned(mapped(), mapped(), reads=399)
    with pytest.raises(ParameterError, match="for 121 of 120 inputs"):
        planned(mapped(), mapped(), samples=121)
