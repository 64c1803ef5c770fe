"""Networks as graphs: their values against scipy, circuit layers in place of weights, refusals."""

import numpy as np
import pytest
from scipy.signal import correlate

from cimspice.errors import ParameterError
from cimspice.network import Network, Node, built_in
from cimspice.network.convolution import convolve, patches


def conv_network(rng, groups=1, padding=(1, 1, 1, 1)) -> Network:
    weights = rng.normal(size=(4, 2 // groups, 3, 3))
    conv = Node(
        "conv", "conv", ("input",), {"padding": padding, "groups": groups},
        {"weights": weights, "bias": rng.normal(size=4)},
    )  # fmt: skip
    flat = Node("flat", "flatten", ("conv",))
    dense = Node("dense", "dense", ("flat",), {}, {"weights": rng.normal(size=(3, 4 * 6 * 5))})
    return Network("small", (2, 6, 5), (conv, flat, dense), "dense")


class Product:
    """An ideal circuit layer that remembers how many inputs it has multiplied."""

    def __init__(self, weights, *, linear: bool) -> None:
        self.weights, self.rows = weights.reshape(len(weights), -1), 0
        self.matrix = self.weights if linear else None

    def __call__(self, x):
        self.rows += len(x)
        return x @ self.weights.T

    def clip(self, x):
        return x


def test_convolution_equals_scipys_correlation():
    rng = np.random.default_rng(1)
    x, weights = rng.normal(size=(2, 3, 9, 8)), rng.normal(size=(5, 3, 3, 2))
    found = convolve(x, weights, (2, 1), (1, 0, 2, 1), (1, 2), 1)
    dilated = np.zeros((5, 3, 3, 3))
    dilated[..., ::2] = weights
    around = np.pad(x, ((0, 0), (0, 0), (1, 2), (0, 1)))
    right = [[correlate(image, kernel, "valid")[0, ::2] for kernel in dilated] for image in around]
    np.testing.assert_allclose(found, right, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("limit", [1, 4000, 2**27])
def test_patches_times_weights_are_the_convolution_whatever_the_chunks(limit):
    rng = np.random.default_rng(2)
    x, weights = rng.normal(size=(5, 2, 7)), rng.normal(size=(3, 2, 4))
    settings = ((2,), (1, 2), (1,))
    rows = np.concatenate(list(patches(x, (4,), *settings, limit=limit)))
    sums = (rows @ weights.reshape(3, -1).T).reshape(5, -1, 3).transpose(0, 2, 1)
    np.testing.assert_allclose(sums, convolve(x, weights, *settings, 1), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("linear", [True, False])
@pytest.mark.parametrize("groups", [1, 2])
def test_layers_replace_the_weighted_sums_and_biases_stay(linear, groups):
    rng = np.random.default_rng(3)
    network = conv_network(rng, groups)
    conv, dense = (node.arrays["weights"] for node in network.weight_layers)
    parts = [Product(part, linear=linear) for part in np.split(conv, groups)]
    layers = {"conv": parts if groups > 1 else parts[0], "dense": Product(dense, linear=linear)}
    x = rng.normal(size=(7, 2, 6, 5))
    np.testing.assert_allclose(network.outputs(x, layers), network.outputs(x), rtol=1e-11, atol=1e-11)
    assert layers["dense"].rows == 7
    assert [part.rows for part in parts] == [0 if linear else 7 * 30] * groups


def test_counts_of_a_convolution_network():
    facts = built_in("digits-cnn").network.facts()
    assert facts["macs"] == 64 * 8 * 9 + 64 * 16 * 72 + 10 * 256
    assert facts["weights"] == 72 + 1152 + 2560
    assert facts["parameters"] == facts["weights"] + 8 + 16 + 10
    shapes = {layer["name"]: layer["shape"] for layer in facts["layers"]}
    assert shapes["conv2"] == [16, 8, 8]
    assert shapes["pool"] == [16, 4, 4]
    assert shapes["dense"] == [10]


@pytest.mark.parametrize(
    ("name", "sizes", "least"),
    [
        ("iris", [(16, 4), (3, 16)], 0.94),
        ("digits", [(32, 64), (10, 32)], 0.94),
        ("digits-64", [(64, 64), (10, 64)], 0.95),
        ("digits-cnn", [(8, 1, 3, 3), (16, 8, 3, 3), (10, 256)], 0.96),
    ],
)
def test_built_in_networks_decide_right_on_samples_they_never_saw(name, sizes, least):
    given = built_in(name)
    assert [node.arrays["weights"].shape for node in given.network.weight_layers] == sizes
    right = given.network.outputs(given.x_test).argmax(axis=1) == given.y_test
    assert right.mean() == given.test_accuracy >= least
    assert f"{given.test_accuracy:.4f}" in given.network.source


def test_values_and_outputs_are_the_same_numbers():
    given = built_in("digits-cnn")
    values = given.network.values(given.x_test[:5])
    np.testing.assert_array_equal(values["dense"], given.network.outputs(given.x_test[:5]))
    assert {name: value.shape[1:] for name, value in values.items()} == given.network.shapes


def test_weights_are_replaced_by_matrices_or_in_their_own_shape():
    network = built_in("digits-cnn").network
    kernel = network.weight_layers[1].arrays["weights"]
    for given in (2 * kernel, 2 * kernel.reshape(16, -1)):
        changed = network.with_weights({"conv2": given}).weight_layers
        np.testing.assert_array_equal(changed[1].arrays["weights"], 2 * kernel)
        assert changed[0] is network.weight_layers[0]


DENSE = {"weights": np.ones((2, 3))}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Node("a", "lstm"), ["lstm", "'a'", "choose from"]),
        (lambda: Node("a", "dense", arrays={"weights": [[np.nan]]}), ["weights of layer 'a'", "nan"]),
        (
            lambda: Network("n", (4,), (Node("a", "dense", arrays=DENSE),), "a"),
            ["'a'", "dense", "(2, 3)", "(4,)"],
        ),
        (lambda: Network("n", (3,), (Node("a", "relu", ("b",)),), "a"), ["'a'", "'b'"]),
        (lambda: Network("n", (3,), (Node("a", "relu"), Node("a", "relu")), "a"), ["'a'", "twice"]),
        (lambda: Network("n", (3,), (Node("a", "relu"),), "b"), ["'b'"]),
        (lambda: built_in("digits").network.outputs(np.zeros((2, 65))), ["(2, 65)", "64"]),
        (lambda: built_in("digits").network.outputs(np.full((2, 64), np.nan)), ["nan"]),
        (
            lambda: built_in("digits").network.outputs(np.zeros((2, 64)), {"dense": 0}),
            ["'dense'", "dense1"],
        ),
        (
            lambda: built_in("digits").network.with_weights({"dense1": np.zeros((64, 32))}),
            ["dense1", "(64, 32)", "(32, 64)"],
        ),
        (lambda: built_in("mnist"), ["mnist", "digits-cnn"]),
    ],
)
def test_refusals_name_layer_shape_and_remedy(make, words):
    with pytest.raises(ParameterError) as refused:
        make()
    assert all(word in str(refused.value) for word in words), str(refused.value)
    assert refused.value.remedy
