"""Networks that come with cimspice, one name each in every command, with their data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from cimspice.errors import ParameterError
from cimspice.network.decisions import share_right, strongest
from cimspice.network.graph import INPUT, Network, Node
from cimspice.training.classifiers import Split, digits_split, iris_split, train_dense
from cimspice.training.convolutional import train_convolutional


@dataclass(frozen=True, eq=False)
class BuiltIn:
    """A trained network with the samples that it saw and those that it did not.

    ``x_train``, ``x_test`` are (samples, *input_shape); ``test_accuracy`` is that on ``x_test``.
    """

    network: Network
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    test_accuracy: float


def built_in(name: str, seed: int = 0) -> BuiltIn:
    """One of :data:`BUILT_IN`, trained here: the same arrays each time. ``seed`` fixes split and training.

    Raises
    ------
    ParameterError
        If there is none of that name.
    """
    if name not in BUILT_IN:
        raise ParameterError(
            f"no network {name!r}", place="network", remedy=f"choose from {', '.join(BUILT_IN)}"
        )
    return _made(name, seed)


@cache
def _made(name: str, seed: int) -> BuiltIn:
    return BUILT_IN[name](name, seed)


def dense_network(
    name: str, weights: Sequence[np.ndarray], biases: Sequence[np.ndarray | None], source: str = ""
) -> Network:
    """Dense layers ``dense1``, ``dense2``, ..., weights (outputs, inputs), rectified in between."""
    nodes: list[Node] = []
    for number, (weight, bias) in enumerate(zip(weights, biases, strict=True), 1):
        if nodes:
            nodes.append(Node(f"relu{number - 1}", "relu", (nodes[-1].name,)))
        arrays = {"weights": weight} if bias is None else {"weights": weight, "bias": bias}
        nodes.append(Node(f"dense{number}", "dense", (nodes[-1].name if nodes else INPUT,), {}, arrays))
    return Network(name, (weights[0].shape[1],), tuple(nodes), nodes[-1].name, source)


def _dense(
    split: Callable[[int], Split], data: str, hidden: Sequence[int], epochs: int, name: str, seed: int
) -> BuiltIn:
    parts = split(seed)
    weights, biases = train_dense(parts.x_train, parts.y_train, hidden, seed=seed, epochs=epochs)
    sizes = "-".join(str(size) for size in (parts.x_train.shape[1], *map(len, biases)))
    return _measured(dense_network(name, weights, biases), parts, f"perceptron {sizes}", data, seed)


def _digits_cnn(name: str, seed: int) -> BuiltIn:
    flat = digits_split(seed)
    images = (part.reshape(-1, 1, 8, 8) for part in (flat.x_train, flat.x_test))
    parts = Split(next(images), flat.y_train, next(images), flat.y_test)
    weights, biases = train_convolutional(parts.x_train, parts.y_train, seed=seed)
    arrays = [{"weights": w, "bias": b} for w, b in zip(weights, biases, strict=True)]
    padding = {"padding": (1, 1, 1, 1)}
    nodes = (
        Node("conv1", "conv", (INPUT,), padding, arrays[0]),
        Node("relu1", "relu", ("conv1",)),
        Node("conv2", "conv", ("relu1",), padding, arrays[1]),
        Node("relu2", "relu", ("conv2",)),
        Node("pool", "max_pool", ("relu2",), {"kernel": (2, 2)}),
        Node("flat", "flatten", ("pool",)),
        Node("dense", "dense", ("flat",), {}, arrays[2]),
    )
    network = Network(name, (1, 8, 8), nodes, "dense")
    return _measured(network, parts, "convolution network", "half of scikit-learn's digits", seed)


def _measured(network: Network, parts: Split, kind: str, data: str, seed: int) -> BuiltIn:
    """With its accuracy on the held-out samples, which its source says."""
    outputs = network.outputs(parts.x_test)
    accuracy = share_right(strongest(outputs), parts.y_test, outputs.shape[1])
    source = f"{kind} trained here on {data} (seed {seed}, accuracy on the rest {accuracy:.4f})"
    described = Network(network.name, network.input_shape, network.nodes, network.output, source)
    arrays = (parts.x_train, parts.y_train, parts.x_test, parts.y_test)
    for array in arrays:
        array.setflags(write=False)
    return BuiltIn(described, *arrays, accuracy)


_of_digits = partial(_dense, digits_split, "half of scikit-learn's digits")
BUILT_IN: dict[str, Callable[[str, int], BuiltIn]] = {
    "iris": partial(_dense, iris_split, "100 of scikit-learn's irises", (16,), 400),
    "digits": partial(_of_digits, (32,), 40),
    "digits-64": partial(_of_digits, (64,), 40),
    "digits-256": partial(_of_digits, (256, 128), 40),
    "digits-cnn": _digits_cnn,
}
