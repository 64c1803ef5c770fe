"""Networks to be programmed: their weights layer by layer, where these come from, and what goes into them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

import numpy as np

from cimspice.crossbar.programming.architectures import Architecture, Inputs, resnet50, vit_base
from cimspice.errors import ParameterError
from cimspice.network import graph
from cimspice.network.built_in_networks import BUILT_IN, built_in
from cimspice.network.circuit import layer_inputs, layer_matrices
from cimspice.network.decisions import share_right, strongest

Distribution = Literal["gaussian", "laplace", "student"]
STUDENT_DEGREES = 5
_SAMPLES = 64
_MOST_SAMPLES = 1024


@dataclass(frozen=True, eq=False)
class Layer:
    """One weight matrix. ``load()`` gives it (outputs, inputs), ``sample()`` inputs for it (samples, inputs);
    both give the same at every call."""

    name: str
    outputs: int
    inputs: int
    load: Callable[[], np.ndarray]
    sample: Callable[[], np.ndarray]


@dataclass(frozen=True, eq=False)
class Network:
    """Layers in the order in which they are programmed.

    ``source`` says in words where the weights come from, ``inputs`` what the output error is measured with.
    ``accuracy`` gives the share of right decisions with other weights in place, where that can be known.
    """

    name: str
    layers: tuple[Layer, ...]
    source: str
    inputs: str
    accuracy: Callable[[Sequence[np.ndarray]], float] | None = None

    @property
    def weights(self) -> int:
        return sum(layer.outputs * layer.inputs for layer in self.layers)


def trained_network(
    network: str | graph.Network = "digits-256",
    x: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    *,
    seed: int = 0,
) -> Network:
    """The weights of a trained network, each dense layer or group of a convolution a matrix.

    Parameters
    ----------
    network
        Name of a built-in network, which brings its held-out samples, or a network.
    x
        Samples (samples, *input_shape): of the first 1024 the layers' own inputs, of a convolution some
        patches, are what the output error is measured with. Without them inputs are drawn.
    labels
        Classes (samples,) of ``x``, for the accuracy.
    seed
        Of the split and training of a built-in network, and of what is drawn.

    Raises
    ------
    ParameterError
        If there is no such network, it has no weights, or samples do not fit it.
    """
    if isinstance(network, str):
        given = built_in(network, seed)
        network, x, labels = given.network, given.x_test, given.y_test
    if not network.weight_layers:
        raise ParameterError(
            f"{network.name} has no weights",
            place="network",
            remedy="give one with dense layers or convolutions",
        )
    seen = {} if x is None else layer_inputs(network, x[:_MOST_SAMPLES])
    layers = []
    for node in network.weight_layers:
        matrices = layer_matrices(node)
        for group, matrix in enumerate(matrices):
            name = node.name if len(matrices) == 1 else f"{node.name}.{group}"
            rows = (
                partial(_itself, seen[node.name][group])
                if seen
                else partial(random_inputs, matrix.shape[1], "gaussian", (seed, len(layers), 1))
            )
            layers.append(Layer(name, len(matrix), matrix.shape[1], partial(_itself, matrix), rows))

    remarks = "".join(f"; {remark}" for remark in network.remarks)
    source = f"{network.source}{remarks}"
    if x is None:
        drawn = f"{_SAMPLES} drawn inputs per layer, Gaussian of zero mean"
        return Network(network.name, tuple(layers), source, drawn)
    inputs = f"the layer's own inputs on {min(len(x), _MOST_SAMPLES)} samples"
    accuracy = None if labels is None else partial(_accuracy, network, x, labels)
    return Network(network.name, tuple(layers), source, inputs, accuracy)


def _accuracy(
    network: graph.Network, x: np.ndarray, labels: np.ndarray, weights: Sequence[np.ndarray]
) -> float:
    """With the matrices ``weights``, as many as the network's layers and their groups have."""
    rest = iter(weights)
    changed = {
        node.name: np.concatenate([next(rest) for _ in layer_matrices(node)])
        for node in network.weight_layers
    }
    outputs = network.with_weights(changed).outputs(x).reshape(len(x), -1)
    return share_right(strongest(outputs), labels, outputs.shape[1])


def _itself(array: np.ndarray) -> np.ndarray:
    return array


def shaped_network(
    architecture: Architecture, distribution: Distribution = "gaussian", seed: int = 0
) -> Network:
    """A network of known shape with drawn weights: zero mean, standard deviation √(2/inputs) per layer (He).

    ``"student"`` is Student's t of 5 degrees of freedom: heavier tails, as trained weights often have them.
    """
    _check_distribution(distribution)
    layers = tuple(
        Layer(
            matrix.name,
            matrix.outputs,
            matrix.inputs,
            lambda m=matrix, n=number: _drawn((m.outputs, m.inputs), distribution, (seed, n)),
            lambda m=matrix, n=number: random_inputs(m.inputs, m.input_law, (seed, n, 1)),
        )
        for number, matrix in enumerate(architecture.matrices)
    )
    law = f"Student's t of {STUDENT_DEGREES} degrees" if distribution == "student" else distribution
    return Network(
        architecture.name,
        layers,
        f"drawn, not trained: {law}, zero mean, standard deviation sqrt(2/inputs) per layer, seed {seed}; "
        f"shapes of {architecture.name}",
        f"{_SAMPLES} drawn inputs per layer: Gaussian of zero mean, behind a rectifier its positive part",
    )


def named_network(name: str, distribution: Distribution = "gaussian", seed: int = 0) -> Network:
    """A built-in network, or ``"resnet50"`` or ``"vit-base"``."""
    _check_distribution(distribution)
    shapes = {"resnet50": resnet50, "vit-base": vit_base}
    if name in shapes:
        return shaped_network(shapes[name](), distribution, seed)
    if name not in BUILT_IN:
        raise ParameterError(
            f"no network {name!r}",
            place="network",
            remedy=f"choose from {', '.join([*BUILT_IN, *shapes])}, or give a file",
        )
    return trained_network(name, seed=seed)


def _check_distribution(distribution: str) -> None:
    if distribution not in get_args(Distribution):
        raise ParameterError(
            f"distribution is {distribution!r}",
            place="distribution",
            remedy=f"choose from {', '.join(get_args(Distribution))}",
        )


def random_inputs(inputs: int, law: Inputs, seed: Sequence[int]) -> np.ndarray:
    """Inputs (64, inputs) of unit Gaussian law, or its positive part."""
    x = np.random.default_rng(seed).standard_normal((_SAMPLES, inputs), dtype=np.float32)
    return np.maximum(x, 0.0) if law == "rectified" else x


def _drawn(shape: tuple[int, int], distribution: Distribution, seed: Sequence[int]) -> np.ndarray:
    rng = np.random.default_rng(seed)
    deviation = np.sqrt(2.0 / shape[1])
    if distribution == "gaussian":
        drawn = rng.standard_normal(shape, dtype=np.float32)
        drawn *= deviation
        return drawn
    if distribution == "laplace":
        return rng.laplace(0.0, deviation / np.sqrt(2.0), shape).astype(np.float32)
    unit = np.sqrt(STUDENT_DEGREES / (STUDENT_DEGREES - 2))
    return (rng.standard_t(STUDENT_DEGREES, shape) * (deviation / unit)).astype(np.float32)
