"""Networks to be programmed: their weights layer by layer, where these come from, and what goes into them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from cimspice.crossbar.programming.architectures import Architecture, Inputs, resnet50, vit_base
from cimspice.crossbar.training.perceptron import train_perceptron
from cimspice.errors import ParameterError

Distribution = Literal["gaussian", "laplace", "student"]
STUDENT_DEGREES = 5
_SAMPLES = 64


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


def digits_network(seed: int = 0) -> Network:
    """A perceptron 64-256-128-10 trained here on the digits."""
    trained = train_perceptron(seed)
    activations = trained.network.layer_inputs(trained.x_test)
    layers = tuple(
        Layer(f"dense{number}", weight.shape[0], weight.shape[1], lambda w=weight: w, lambda x=inputs: x)
        for number, (weight, inputs) in enumerate(zip(trained.network.weights, activations, strict=False), 1)
    )
    sizes = "-".join(str(size) for size in (layers[0].inputs, *(layer.outputs for layer in layers)))
    return Network(
        "digits",
        layers,
        f"perceptron {sizes} trained here on half of scikit-learn's digits (seed {seed}, "
        f"accuracy on the other half {trained.test_accuracy:.4f})",
        "the layer's own inputs on the held-out digits",
        lambda weights: trained.network.with_weights(weights).accuracy(trained.x_test, trained.y_test),
    )


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


def built_in(name: str, distribution: Distribution = "gaussian", seed: int = 0) -> Network:
    """``"digits"``, ``"resnet50"`` or ``"vit-base"``."""
    _check_distribution(distribution)
    if name == "digits":
        return digits_network(seed)
    shapes = {"resnet50": resnet50, "vit-base": vit_base}
    if name not in shapes:
        raise ParameterError(
            f"no network {name!r}",
            place="network",
            remedy=f"choose from digits, {', '.join(shapes)}, or give a file",
        )
    return shaped_network(shapes[name](), distribution, seed)


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
