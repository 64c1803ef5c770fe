"""Neurons of a convolution network read one by one: what the reads prove of the output, where it is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from test_converted_network import circuits, convolutional

from cimspice.network.circuit import map_network
from cimspice.network.sampled_tiles import plan_tiles, validate_tiles
from cimspice.neuron import family
from cimspice.neuron.emulator.activation_layer import CHARGE
from cimspice.neuron.validation.layers import NeuronReads


@dataclass(frozen=True, eq=False)
class WithoutCharge(NeuronReads):
    """The emulator without one effect stands for the circuit."""

    def simulated(self, inputs, progress):
        other = self.layer.without(CHARGE)
        return {tile: other.row(tile)(x) for tile, x in inputs.items()}, 1.0


def test_reads_of_single_neurons_bound_the_error_of_a_convolution_network(neuron):
    rng = np.random.default_rng(5)
    network, x = convolutional(rng), rng.uniform(0, 1, (60, 2, 4, 5))
    mapped = map_network(network, x, circuits(neuron, epochs=5))
    given = plan_tiles(mapped, x, 400, WithoutCharge, samples=12)
    assert given.cpu_seconds == pytest.approx(
        sum(family.layer_tiles(mapped.layers[given.tiles.parts[part].name][0]).seconds(tile, len(reads))
            for (part, tile), reads in given.reads.items())
    )  # fmt: skip
    facts = validate_tiles(given, None).facts()
    circuit = mapped.without(CHARGE).outputs(x)
    truth = mapped.error("dense", circuit, mapped.outputs(x))
    assert facts["certificate"]["kind"] == "sampled_tiles"
    assert facts["accuracy_circuit"] is None
    assert facts["decisions_agree"] is None
    assert facts["normalised_rmse"] == pytest.approx(truth, rel=0.25)
    assert truth <= facts["certificate"]["bound"] < 2 * truth
    assert sum(facts["budget"].values()) == pytest.approx(1.0)


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
