"""Neurons of a convolution network read one by one: what the reads prove of the output, where it is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from test_converted_network import circuits, convolutional, of_any_size

from cimspice.cli.app import run
from cimspice.errors import SimulationError
from cimspice.network.circuit import map_network
from cimspice.network.sampled_tiles import plan_tiles, validate_tiles
from cimspice.neuron import family
from cimspice.neuron.emulator.activation_layer import CHARGE
from cimspice.neuron.model.card import neuron_card
from cimspice.neuron.validation.layers import NeuronReads, neuron_seconds


@dataclass(frozen=True, eq=False)
class WithoutCharge(NeuronReads):
    """The emulator without one effect stands for the circuit."""

    def simulated(self, inputs, progress):
        other = self.layer.without(CHARGE)
        return {tile: other.row(tile)(x) for tile, x in inputs.items()}, 1.0


def test_reads_of_single_neurons_bound_the_error_of_a_convolution_network(neuron, monkeypatch):
    rng = np.random.default_rng(5)
    network, x = convolutional(rng), rng.uniform(0, 1, (60, 2, 4, 5))
    mapped = map_network(network, x, circuits(neuron, epochs=5))
    truth = mapped.error("dense", mapped.without(CHARGE).outputs(x), mapped.outputs(x))
    monkeypatch.setattr("cimspice.network.validate._BUDGET_CELLS", 1)  # shares of one input
    draws = []
    for seed in range(4):
        given = plan_tiles(mapped, x, 400, WithoutCharge, samples=12, seed=seed)
        draws.append(validate_tiles(given, None, seed=seed).facts())
    facts = draws[0]
    assert facts["certificate"]["kind"] == "sampled_tiles"
    assert facts["accuracy_circuit"] is None
    assert facts["decisions_agree"] is None
    assert sum(facts["budget"].values()) == pytest.approx(1.0)
    bounds = np.array([facts["certificate"]["bound"] for facts in draws]) / truth
    assert np.mean([facts["normalised_rmse"] for facts in draws]) == pytest.approx(truth, rel=0.2)
    assert np.count_nonzero(bounds >= 1) >= 3  # of 4; 95 % asked
    assert bounds.max() < 2


def test_reads_of_more_spikes_are_expected_to_take_longer_and_add_up(neuron):
    """Neurons of 65 inputs of which 16 spike took 4 CPU seconds, of 257 with 193 spikes 66 to 113."""
    network, x = convolutional(np.random.default_rng(5)), np.random.default_rng(6).uniform(0, 1, (8, 2, 4, 5))
    layer = map_network(network, x, circuits(neuron, epochs=1)).layers["conv"][0]
    reads, rows = family.layer_tiles(layer), np.repeat([[0.0], [1.0]], 12, axis=1)
    few, many = reads.read_seconds(0, rows)
    assert few < many
    assert reads.seconds(0, rows) == few + many
    assert 2 < neuron_seconds(65, 16) < 8
    assert 66 < neuron_seconds(257, 193) < 113


def test_a_neuron_alone_is_emulated_as_among_the_others(neuron):
    rng = np.random.default_rng(5)
    network, x = convolutional(rng), rng.uniform(0, 1, (8, 2, 4, 5))
    layer = map_network(network, x, circuits(neuron, epochs=1)).layers["conv"][0]
    rows = rng.uniform(0, 1, (5, 12))
    reads = family.layer_tiles(layer)
    assert reads.places == [(slice(0, 12), slice(k, k + 1)) for k in range(3)]
    together = layer(rows)
    for tile in range(3):
        np.testing.assert_allclose(reads.emulated(tile, rows)[:, 0], together[:, tile], rtol=1e-9, atol=1e-12)


def test_where_whole_inputs_take_long_single_neurons_are_read_and_it_is_said_first(
    neuron, tmp_path, capsys, monkeypatch
):
    x = np.random.default_rng(6).uniform(0, 1, (20, 2))
    np.savez(
        tmp_path / "net.npz",
        coefs_0=[[1.2, -0.8], [-0.9, 1.1]],
        intercepts_0=[0.1, 0.05],
        coefs_1=np.eye(2),
        intercepts_1=[0.0, 0.1],
    )
    np.savez(tmp_path / "data.npz", x=x)
    sized = of_any_size(neuron, [(3, 2), (3, 0)], [2])
    card = neuron_card(sized, 3).save(tmp_path / "card.json")
    monkeypatch.setattr("cimspice.cli.validate_network._LONGEST", 0.1)
    monkeypatch.setattr("cimspice.cli.validate_network._READS", 60.0)
    words = [str(tmp_path / "net.npz"), "--data", str(tmp_path / "data.npz"), "--card", str(card), "--json"]

    def simulated(*_, **__):
        raise SimulationError("ngspice would start here")

    monkeypatch.setattr("cimspice.network.sampled_tiles.validate_tiles", simulated)
    assert run(["validate", "network", *words, "--circuit", "neuron", "--samples", "15"]) != 0
    said = " ".join(capsys.readouterr().err.split())
    assert "single reads are drawn" in said
    assert "reads of tiles for 15 of 20 inputs" in said
    assert said.index("CPU seconds") < said.index("ngspice would start here")
