"""Trained ReLU networks on circuit neurons: conversion, fine-tuning, refusals, and as ngspice has them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from neuron_layers import synthetic
from test_gradients import differences

from cimspice.cli.app import run
from cimspice.errors import MappingError
from cimspice.network import Network, Node, built_in
from cimspice.network.circuit import map_network
from cimspice.network.convolution import patches
from cimspice.neuron import family
from cimspice.neuron.emulator.activation_layer import EFFECTS, READOUT, REVERSAL
from cimspice.neuron.emulator.dstd import Discretisation
from cimspice.neuron.emulator.ramp import Ramp
from cimspice.neuron.emulator.spiking_layer import SpikingLayer
from cimspice.neuron.training.circuits import NeuronCircuits, RawConversionWarning
from cimspice.neuron.training.conversion import converted
from cimspice.neuron.training.fine_tuning import loss
from cimspice.neuron.training.spiking_stage import SpikingStage
from cimspice.progress import Progress

DRAWN = np.random.default_rng(4)


def of_any_size(model, fans, loads):
    """The model, whose read-out is said to be that of these sizes."""
    readout = next(iter(model.readouts.values()))
    edges = next(iter(model.edges.values()))
    return replace(
        model,
        readouts=dict.fromkeys(fans, readout),
        edges=dict.fromkeys(loads, edges),
        driver_delay=dict.fromkeys(loads, 0.0),
        reset_step=dict.fromkeys([fan_in for fan_in, _ in fans], 0.0),
    )


def circuits(model=None, **settings):
    model = model or synthetic(reversal=(2.8, -1.5))
    return NeuronCircuits(lambda fans, loads, _: of_any_size(model, fans, loads), **settings)


def convolutional(rng):
    """Convolution, pooling and two dense layers of a 2-channel image."""
    arrays = [
        {"weights": rng.normal(size=(3, 2, 2, 3)), "bias": rng.normal(size=3)},
        {"weights": rng.normal(size=(3, 27)), "bias": rng.normal(size=3)},
    ]
    nodes = (
        Node("conv", "conv", settings={"stride": (1, 2), "padding": (1, 0, 0, 2)}, arrays=arrays[0]),
        Node("relu", "relu", ("conv",)),
        Node("pool", "max_pool", ("relu",), {"kernel": (2, 1), "stride": (1, 1), "padding": (0, 0, 0, 0)}),
        Node("flat", "flatten", ("pool",)),
        Node("dense", "dense", ("flat",), arrays=arrays[1]),
    )
    return Network("convolutional", (2, 4, 5), nodes, "dense")


def stages_of(conversion, discretisation, limit=2**26):
    geometry = (1, 2), (1, 0, 0, 2), (1, 1)
    weights = [stage.normalised() for stage in conversion.stages]
    return weights, lambda: [
        SpikingStage(
            w, np.where(w >= 0, 1 / 2.8, -1 / 1.5), stage.kernel, geometry, discretisation, 0.0, limit
        )
        for w, stage in zip(weights, conversion.stages, strict=True)
    ]


def test_spiking_convolution_equals_dense_neurons_on_the_patches_whatever_the_chunks():
    rng = np.random.default_rng(1)
    network, x = convolutional(rng), rng.uniform(0, 1, (5, 2, 4, 5))
    weights, made = stages_of(converted(network, x), None)
    assert made()[0].kernel == (2, 3)
    rows = np.concatenate(list(patches(x, (2, 3), (1, 2), (1, 0, 0, 2), (1, 1))))
    times = np.column_stack([1 - rows, np.zeros(len(rows))])
    dense = SpikingLayer(weights[0], 2.8, -1.5).membrane(times).reshape(5, 4, 3, 3).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(made()[0].membrane(x), dense, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(replace(made()[0], limit=1).membrane(x), dense, rtol=1e-12, atol=1e-14)
    grad = rng.normal(size=dense.shape)
    for whole, chunked in zip(
        made()[0].backward(x, grad), replace(made()[0], limit=1).backward(x, grad), strict=True
    ):
        np.testing.assert_allclose(whole, chunked, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("discretisation", [None, Discretisation(5)])
def test_gradients_through_convolution_pooling_and_dense_equal_finite_differences(discretisation):
    rng = np.random.default_rng(2)
    network, x = convolutional(rng), rng.uniform(0.02, 0.98, (3, 2, 4, 5))
    conversion = converted(network, x)
    weights, made = stages_of(conversion, discretisation)
    for matrix in weights:  # membranes inside the range, where the read-out is not clipped
        matrix[:, -1] += 0.3
        np.clip(matrix, -0.2, 0.6, out=matrix)
    targets = [rng.uniform(0, 1, stage.membrane(x).shape) for stage in made()[:1]] + [
        rng.uniform(0, 1, (3, 3))
    ]

    def value():
        return loss(conversion, made(), Ramp(0.1), x, targets, leak=0.0)[0]

    _, gradients = loss(conversion, made(), Ramp(0.1), x, targets, leak=0.0)
    for matrix, gradient in zip(weights, gradients, strict=True):
        numeric = differences(value, matrix)
        assert np.abs(numeric).max() > 1e-3
        np.testing.assert_allclose(gradient, numeric, rtol=2e-5, atol=1e-8)


def test_with_every_effect_off_the_neurons_compute_the_network_in_software(neuron):
    rng = np.random.default_rng(3)
    network, x = convolutional(rng), rng.uniform(0, 1, (6, 2, 4, 5))
    mapped = map_network(network, x, circuits(neuron, epochs=1))
    ideal = mapped.without(*EFFECTS).outputs(x)
    scale = mapped.layers["dense"][0].full_scale
    assert np.abs(ideal - network.outputs(x)).max() < 3e-3 * scale
    assert mapped.error("dense", ideal, network.outputs(x)) < 2e-3
    assert mapped.effects == EFFECTS
    assert READOUT not in mapped.without(READOUT).effects


def test_fine_tuning_brings_outputs_nearer_to_software_than_the_raw_conversion():
    iris = built_in("iris")
    mapped = map_network(iris.network, iris.x_train, circuits())
    assert mapped.raw is not None
    wanted = iris.network.outputs(iris.x_test)
    raw, tuned = (one.error("dense2", one.outputs(iris.x_test), wanted) for one in (mapped.raw, mapped))
    assert tuned < raw / 4
    smooth = mapped.smooth.outputs(iris.x_test)  # of a synthetic neuron the law is exact
    assert mapped.error("dense2", smooth, mapped.outputs(iris.x_test)) < 5e-3
    assert mapped.without(REVERSAL).error("dense2", smooth, wanted) < 0.05


def test_a_raw_mapping_warns_with_both_accuracies():
    iris = built_in("iris")
    with pytest.warns(RawConversionWarning, match=r"[\d.]+ % of its decisions .* [\d.]+ % after fine-tuning"):
        mapped = map_network(iris.network, iris.x_train, circuits(fine_tuning=False, epochs=2))
    assert mapped.raw is None


def dense(name, outputs, inputs, before="input"):
    return Node(name, "dense", (before,), arrays={"weights": DRAWN.normal(size=(outputs, inputs))})


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([dense("a", 3, 2), Node("s", "sigmoid", ("a",)), dense("b", 2, 3, "s")], ["'s'", "sigmoid", "ReLU"]),
        ([dense("a", 3, 2), dense("b", 2, 3, "a")], ["'a'", "no ReLU", "multiply"]),
        ([dense("a", 2, 2), Node("r", "relu", ("a",)), Node("s", "add", ("r", "input")),
          dense("b", 2, 2, "s")], ["'s'", "r, input", "branches"]),
        ([dense("a", 2, 2), Node("m", "softmax", ("a",)), dense("b", 2, 2, "m")], ["'m'", "softmax"]),
        ([Node("r", "relu")], ["no weights"]),
    ],
)  # fmt: skip
def test_what_spikes_cannot_express_is_refused_with_node_reason_and_remedy(nodes, words):
    with pytest.raises(MappingError) as caught:
        converted(Network("net", (2,), tuple(nodes), nodes[-1].name), np.ones((1, 2)))
    for word in words:
        assert word in str(caught.value)


def test_average_pooling_and_groups_are_refused_with_a_remedy():
    weights = {"weights": np.ones((2, 1, 2, 2))}
    pool = Node("p", "average_pool", ("c",), {"kernel": (2, 2)})
    for node, more, words in (
        (Node("c", "conv", arrays={"weights": np.ones((2, 2, 1, 1))}), (pool,), ("'p'", "max pooling")),
        (Node("c", "conv", settings={"groups": 2}, arrays=weights), (), ("'c'", "groups")),
    ):
        network = Network("net", (2, 2, 2), (node, *more), (more or (node,))[-1].name)
        with pytest.raises(MappingError) as caught:
            converted(network, np.ones((1, 2, 2, 2)))
        assert all(word in str(caught.value) for word in words)


def test_negative_inputs_are_refused_with_their_place():
    with pytest.raises(MappingError, match=r"-0.5 is negative") as caught:
        converted(Network("net", (2,), (dense("a", 2, 2),), "a"), np.array([[1.0, 1.0], [0.2, -0.5]]))
    assert "[1, 1]" in str(caught.value)


@pytest.fixture(scope="module")
def own_network(tmp_path_factory):
    """A user's network 2-2-2 and its data, as files."""
    folder, rng = tmp_path_factory.mktemp("own"), np.random.default_rng(6)
    x = rng.uniform(0, 1, (24, 2))
    np.savez(folder / "net.npz", coefs_0=[[1.2, -0.8], [-0.9, 1.1]], intercepts_0=[0.1, 0.05],
             coefs_1=[[0.9, -0.6], [-0.5, 0.8]], intercepts_1=[0.0, 0.1])  # fmt: skip
    np.savez(folder / "data.npz", x=x, y=(x[:, 1] > x[:, 0]).astype(int))
    return folder


@pytest.mark.spice
def test_a_users_network_equals_ngspice_within_the_bar_and_all_keys_are_there(own_network, capsys):
    files = [str(own_network / "net.npz"), "--data", str(own_network / "data.npz"), "--circuit", "neuron"]
    words = ["validate", "network", *files, "--samples", "3", "-o", str(own_network / "out"), "--json"]
    assert run(words) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["circuit"] == "neuron"
    assert facts["normalised_rmse"] <= 5e-3
    assert facts["decisions_agree"] == 1.0
    assert 0 < facts["emulated_error"] < 0.2
    assert sum(facts["budget"].values()) == pytest.approx(1.0)
    assert facts["certificate"]["kind"]
    assert facts["accuracy_raw"] is not None
    assert all(0 < layer["error"] <= 5e-3 for layer in facts["layers"])
    assert (own_network / "out" / "index.html").exists()
    # a neuron on its own, as a tile is read, spikes as among the others
    mapped = map_network(*_read(own_network), family.circuit())
    layer = next(iter(mapped.layers.values()))[0]
    x = np.load(own_network / "data.npz")["x"][:2]
    alone, _ = family.layer_tiles(layer, jobs=1).simulated({1: x}, lambda state: None)
    together = family.simulate(layer, x, jobs=1).outputs
    np.testing.assert_allclose(alone[1][:, 0], together[:, 1], atol=3e-4 * layer.full_scale)
    single, _ = family.layer_tiles(layer, jobs=1).simulated({1: x[:1]}, lambda state: None)
    np.testing.assert_array_equal(single[1], alone[1][:1])


def _read(folder):
    from cimspice.network.data import load_data
    from cimspice.network.load import load_network

    network = load_network(str(folder / "net.npz"))
    return network, load_data(folder / "data.npz", network).x


def test_a_card_of_other_sizes_is_refused_with_what_to_characterise(neuron, own_network, capsys):
    from cimspice.neuron.model.card import neuron_card

    card = neuron_card(neuron, 3).save(own_network / "card.json")
    words = [
        "map",
        str(own_network / "net.npz"),
        "--data",
        str(own_network / "data.npz"),
        "--circuit",
        "neuron",
    ]
    assert run([*words, "--card", str(card)]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "(3, 0)" in said
    # 2-2-2 with a spike at the phase's start for the biases of each layer
    assert "cimspice characterize neuron --card FILE --layers 2,2,2 --set bias_lines=true" in said


def test_characterisation_for_the_networks_sizes_is_shown_before_it_is_fine_tuned():
    model, shown = synthetic(reversal=(2.8, -1.5)), []

    def characterised(fans, loads, progress):
        progress(Progress(stage="characterise"))
        return of_any_size(model, fans, loads)

    network, x = convolutional(np.random.default_rng(5)), np.random.default_rng(6).uniform(0, 1, (8, 2, 4, 5))
    map_network(network, x, NeuronCircuits(characterised, epochs=1), shown.append)
    assert [state.stage for state in shown] == ["characterise", "fine-tuning for the circuit"]
