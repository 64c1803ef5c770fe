"""The verbs of the faces compute what the modules behind them compute, from a card."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

import cimspice as faces
from cimspice import Conditions, crossbar, rram
from cimspice.crossbar import Crossbar, NonlinearCrossbar, SinhCell, crossbar_circuit, tiled_layers
from cimspice.fit import CardConditions, ModelCard
from cimspice.network import dense_network, map_network
from cimspice.neuron.model.card import neuron_card
from cimspice.neuron.validation import programmed
from cimspice.rram.model.card import rram_card


def crossbar_card(curvature: float):
    law = rram.SinhRead(conductance=5e-5, curvature=curvature, series_resistance=0.0)
    read = ModelCard.from_model(law, {"device": "skywater"})
    own = CardConditions(corner="ss", temperature=85.0)
    memory = rram_card(rram.SkywaterReram.published(), read, conditions=own)
    return crossbar.characterise(Conditions("ss", 85.0), memory=memory, word_line_resistance=7.0, levels=0)


def test_layer_of_a_crossbar_is_the_solver_with_the_cards_wires_and_read_law():
    rng = np.random.default_rng(0)
    cells, voltages = rng.uniform(1e-6, 8e-5, (6, 4)), rng.uniform(0, 0.2, (3, 6))
    wires = {
        "word_line_resistance": 7.0,
        "bit_line_resistance": 5.0,
        "source_resistance": 100.0,
        "sense_resistance": 100.0,
    }
    solver = NonlinearCrossbar(SinhCell(cells, 2.5), **wires)
    made = crossbar.layer(cells, crossbar_card(2.5))
    np.testing.assert_array_equal(made.currents(voltages), solver.currents(voltages))
    linear = crossbar.layer(cells, crossbar_card(0.0))
    np.testing.assert_array_equal(linear.currents(voltages), Crossbar(cells, **wires).currents(voltages))


def test_network_on_tiles_of_a_card_has_its_wires_cells_and_read_law():
    rng = np.random.default_rng(1)
    network = dense_network("one", [rng.normal(size=(4, 8))], [np.zeros(4)])
    inputs = rng.uniform(0, 1, (5, 8))
    card = crossbar_card(2.5)
    mapped = crossbar.map(network, card, inputs, tile=(8, 8))
    layer, tile = tiled_layers(mapped)[0], crossbar.tile_of(card)
    assert (layer.wires, layer.nonlinearity, layer.read_voltage) == (tile.wires, 2.5, tile.read_voltage)
    by_hand = map_network(
        network,
        inputs,
        crossbar_circuit(
            tile=8, levels=tile.cells.levels, nonlinearity=2.5, tolerance=tile.errors.tolerance,
            **asdict(tile.wires), g_min=tile.cells.low, g_max=tile.cells.high, read_voltage=tile.read_voltage,
            stuck_low=tile.errors.stuck_low, stuck_high=tile.errors.stuck_high,
        ),
    )  # fmt: skip
    np.testing.assert_array_equal(mapped.outputs(inputs), by_hand.outputs(inputs))


def test_network_of_a_neurons_card_computes_as_the_model_it_was_made_of(neuron):
    weights = [np.array([[0.7, 0.5, -0.2], [0.2, 0.9, 0.1]]), np.array([[0.8, 0.3], [-0.4, 0.9]])]
    spikes = np.array([[0.1, 0.4, 0.3], [0.6, 0.2, 0.7]])
    mapped = faces.neuron.map(weights, neuron_card(neuron, 3))
    expected = programmed(neuron, weights).network()(spikes)
    for got, wanted in zip(faces.neuron.network(mapped)(spikes), expected, strict=True):
        np.testing.assert_array_equal(got, wanted)
