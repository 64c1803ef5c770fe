"""Small classifiers of scikit-learn's bundled data sets, trained here: dense layers rectified in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from cimspice.arrays import checked_count
from cimspice.training.adam import Adam

DIGITS_HELD_OUT = 899
IRIS_HELD_OUT = 50
_BATCH, _RATE, _DECAY = 64, 3e-3, 1e-4
Gradients = Callable[[np.ndarray, np.ndarray], Sequence[np.ndarray]]
"""(x, labels) of a mini-batch -> ∂loss/∂parameters."""


@dataclass(frozen=True, eq=False)
class Split:
    """A data set cut in two: ``x_train``, ``x_test`` (samples, inputs) in [0, 1] and class numbers."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def digits_split(seed: int = 0) -> Split:
    """Handwritten digits 8 × 8, pixels over 16: 898 to train, 899 held out, stratified."""
    from sklearn.datasets import load_digits

    pixels, labels = map(np.asarray, load_digits(return_X_y=True))
    return _split(pixels / 16.0, labels, DIGITS_HELD_OUT, seed)


def iris_split(seed: int = 0) -> Split:
    """Iris, lengths over 8 cm: 100 to train, 50 held out, stratified."""
    from sklearn.datasets import load_iris

    lengths, labels = map(np.asarray, load_iris(return_X_y=True))
    return _split(lengths / 8.0, labels, IRIS_HELD_OUT, seed)


def _split(x: np.ndarray, labels: np.ndarray, held_out: int, seed: int) -> Split:
    from sklearn.model_selection import train_test_split

    checked_count("seed", seed, low=0, high=2**32 - 1)
    train, test = train_test_split(
        np.arange(len(labels)), test_size=held_out, stratify=labels, random_state=seed
    )
    return Split(x[train], labels[train], x[test], labels[test])


def train_dense(
    x: np.ndarray, labels: np.ndarray, hidden: Sequence[int], *, seed: int = 0, epochs: int = 40
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Weights (outputs, inputs) and biases (outputs,) of each layer; ``hidden`` are the layers in between.

    ``seed`` fixes the initial weights and the mini-batches.
    """
    rng = np.random.default_rng(seed)
    sizes = (x.shape[1], *(checked_count("hidden", neurons) for neurons in hidden), int(labels.max()) + 1)
    weights = [rng.normal(0.0, np.sqrt(2 / fan_in), (fan_out, fan_in)) for fan_in, fan_out in pairwise(sizes)]
    biases = [np.zeros(fan_out) for fan_out in sizes[1:]]
    descend([*weights, *biases], lambda x, y: _gradients(weights, biases, x, y), x, labels, rng, epochs)
    return weights, biases


def descend(
    parameters: Sequence[np.ndarray],
    gradients: Gradients,
    x: np.ndarray,
    labels: np.ndarray,
    rng: np.random.Generator,
    epochs: int,
    rate: float = _RATE,
) -> None:
    """Change ``parameters`` in place: Adam with a rate that falls along half a cosine from ``rate``."""
    from threadpoolctl import threadpool_limits  # comes with scikit-learn

    optimiser, count = Adam(parameters), batches(len(x))
    with threadpool_limits(1, "blas"):  # products this small only wait for a second thread
        for epoch in range(epochs):
            for number, batch in enumerate(np.array_split(rng.permutation(len(x)), count)):
                progress = (epoch + number / count) / epochs
                found = gradients(x[batch], labels[batch])
                optimiser.step(found, rate * 0.5 * (1 + np.cos(np.pi * progress)))


def batches(samples: int) -> int:
    """Of one epoch of `descend`."""
    return -(-samples // _BATCH)


def output_errors(outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """∂(mean cross-entropy)/∂outputs (samples, classes)."""
    share = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    delta = share / share.sum(axis=1, keepdims=True)
    delta[np.arange(len(labels)), labels] -= 1.0
    return delta / len(labels)


def decayed(gradient: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """``gradient`` with that of the weight decay."""
    return gradient + _DECAY * weight


def _gradients(
    weights: list[np.ndarray], biases: list[np.ndarray], x: np.ndarray, labels: np.ndarray
) -> list[np.ndarray]:
    inputs = [x]
    for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
        inputs.append(np.maximum(inputs[-1] @ weight.T + bias, 0.0))
    delta = output_errors(inputs[-1] @ weights[-1].T + biases[-1], labels)
    by_weight, by_bias = [], []
    for weight, values in zip(weights[::-1], inputs[::-1], strict=True):
        by_weight.append(decayed(delta.T @ values, weight))
        by_bias.append(delta.sum(axis=0))
        delta = (delta @ weight) * (values > 0)
    return [*by_weight[::-1], *by_bias[::-1]]
