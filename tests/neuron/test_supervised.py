"""Training from labels at a fixed E, dense and convolution, and what is made of it: accuracy over E."""

from __future__ import annotations

import json

import numpy as np
import pytest
from test_gradients import differences

from cimspice.cli.app import run
from cimspice.network.graph import INPUT, Network, Node
from cimspice.neuron.emulator.ramp import Ramp
from cimspice.neuron.emulator.spiking_layer import SpikingLayer
from cimspice.neuron.emulator.spiking_network import SpikingNetwork
from cimspice.neuron.training.conversion import converted
from cimspice.neuron.training.objective import decision_loss, temporal_penalty
from cimspice.neuron.training.spiking_chain import ChainPass, stages_of
from cimspice.neuron.training.supervised import (
    Learning,
    _output_gradient,
    input_share,
    of_reversal,
    output_spikes,
    random_weights,
    share_decided_right,
    trained_on_labels,
)
from cimspice.neuron.training.trainer import Schedule
from cimspice.training.datasets import iris


def convolution() -> tuple[Network, np.ndarray]:
    rng = np.random.default_rng(0)
    nodes = (
        Node("conv", "conv", (INPUT,), {"padding": (1, 1, 1, 1)}, {"weights": rng.normal(size=(2, 1, 3, 3))}),
        Node("relu", "relu", ("conv",)),
        Node("pool", "max_pool", ("relu",), {"kernel": (2, 2)}),
        Node("flat", "flatten", ("pool",)),
        Node("dense", "dense", ("flat",), {}, {"weights": rng.normal(size=(3, 8))}),
    )
    return Network("small", (1, 4, 4), nodes, "dense"), rng.random((5, 1, 4, 4))


def test_gradient_from_labels_through_convolution_and_pooling_equals_finite_differences():
    network, x = convolution()
    conversion = converted(network, x)
    share = input_share(conversion, x)
    weights = random_weights(conversion, share, 2.5, np.random.default_rng(1))
    labels, learning = np.array([0, 1, 2, 0, 1]), Learning(2.5, temporal_weight=0.2)

    def forward() -> ChainPass:
        solved = stages_of(conversion.stages, weights, [of_reversal(2.5)] * 2)
        return ChainPass.forward(conversion.stages, solved, Ramp(), share)

    def loss() -> float:
        times = 1 - forward().shares[-1]
        return decision_loss(times, labels, 0.07)[0] + 0.2 * temporal_penalty(times, 0.9)[0]

    done = forward()
    gradients = done.backward(_output_gradient(done, labels, learning), leak=0.0)
    for matrix, gradient in zip(weights, gradients, strict=True):
        numeric = differences(loss, matrix, 1e-6)
        assert np.abs(numeric).max() > 1e-3
        np.testing.assert_allclose(gradient, numeric, rtol=1e-4, atol=1e-6)


def test_spikes_of_dense_layers_are_those_of_the_spiking_network():
    rng = np.random.default_rng(2)
    nodes = (
        Node("a", "dense", (INPUT,), {}, {"weights": rng.normal(size=(4, 3))}),
        Node("relu", "relu", ("a",)),
        Node("b", "dense", ("relu",), {}, {"weights": rng.normal(size=(2, 4))}),
    )
    x = rng.random((6, 3))
    x[0] = 1.0  # the scale of the inputs
    conversion = converted(Network("dense", (3,), nodes, "b"), x)
    weights = random_weights(conversion, input_share(conversion, x), 2.0, rng)
    layers = [SpikingLayer(matrix, 2.0, -2.0, Ramp()) for matrix in weights]
    spikes = np.column_stack([1 - x, np.zeros(6)])
    hidden = SpikingNetwork(layers[:1])(spikes)
    wanted = SpikingNetwork(layers[1:])(np.column_stack([hidden, np.zeros(6)]))
    np.testing.assert_allclose(output_spikes(conversion, weights, x, 2.0), wanted, atol=1e-12)


def test_a_network_learns_its_labels_from_random_weights():
    rng = np.random.default_rng(3)
    x = rng.random((120, 3))
    labels = x.argmax(axis=1)
    nodes = (
        Node("a", "dense", (INPUT,), {}, {"weights": np.ones((8, 3))}),
        Node("relu", "relu", ("a",)),
        Node("b", "dense", ("relu",), {}, {"weights": np.ones((3, 8))}),
    )
    conversion = converted(Network("largest", (3,), nodes, "b"), x)
    learning = Learning(2.0, Schedule(60, 20, 0.02))
    before = random_weights(conversion, input_share(conversion, x), 2.0, np.random.default_rng(0))
    assert share_decided_right(conversion, before, x, labels, 2.0) < 0.7
    weights = trained_on_labels(conversion, x, labels, learning)
    assert share_decided_right(conversion, weights, x, labels, 2.0) > 0.9
    again = trained_on_labels(conversion, x, labels, learning)
    np.testing.assert_array_equal(weights[0], again[0])


def test_sweep_gives_each_potential_both_ways_of_training_with_intervals(capsys, tmp_path):
    words = "train neuron iris --sweep-reversal --reversal 2 --reversal 1e9 --seeds 2 --epochs 3 --jobs 1"
    assert run([*words.split(), "--output", str(tmp_path), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert [point["reversal_potential"] for point in facts["points"]] == [2.0, 1e9]
    for point in facts["points"]:
        for key in ("accuracy_physical", "accuracy_conventional"):
            low, high = point[key]["interval"]
            assert low <= point[key]["value"] <= high
    # synapses of |E| = 1e9 are ideal: both ways of training are then the same one
    far = facts["points"][1]
    assert far["accuracy_conventional"] == facts["accuracy_ideal"]
    assert far["accuracy_physical"] == facts["accuracy_ideal"]
    assert (tmp_path / "reversal_sweep.png").is_file()


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["train", "neuron", "--sweep-reversal", "--reversal", "-1"], "above 0"),
        (["train", "neuron", "--sweep-reversal", "--reversal", "nan"], "nan"),
        (["train", "neuron", "nothing", "--sweep-reversal"], "digits-cnn"),
        (["train", "neuron", "mnist-conv", "--sweep-reversal"], "digits-cnn"),
    ],
)
def test_a_sweep_that_cannot_be_is_refused_with_what_can(capsys, tmp_path, words, part):
    assert run([*words, "--output", str(tmp_path)]) == 2
    assert part in capsys.readouterr().err


def test_three_folds_hold_out_every_flower_once():
    held_out = np.concatenate([iris(4, fold=fold).test_index for fold in range(3)])
    np.testing.assert_array_equal(np.sort(held_out), np.arange(150))
    for fold in range(3):
        assert np.ptp(np.bincount(iris(4, fold=fold).y_test)) <= 1
