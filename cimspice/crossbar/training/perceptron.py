"""Training of a perceptron on the 8 × 8 digits: the small network whose accuracy can be measured exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from cimspice.arrays import checked_count
from cimspice.crossbar.emulator.perceptron import Perceptron, layer_values
from cimspice.training.adam import Adam

HELD_OUT = 899
_EPOCHS, _BATCH, _RATE, _DECAY = 40, 64, 3e-3, 1e-4


@dataclass(frozen=True, eq=False)
class TrainedPerceptron:
    """A network with the samples that it never saw: ``x_test`` (samples, 64) in [0, 1], ``y_test``; and
    ``x_train`` that it saw.
    """

    network: Perceptron
    x_test: np.ndarray
    y_test: np.ndarray
    test_accuracy: float
    x_train: np.ndarray


def train_perceptron(seed: int = 0, hidden: Sequence[int] = (256, 128)) -> TrainedPerceptron:
    """Train 64-256-128-10 on half of scikit-learn's digits; about a second.

    Cross-entropy, Adam with a rate that falls along half a cosine, and a little weight decay. ``seed`` fixes
    the split (898 to train, 899 held out, stratified), the initial weights and the mini-batches.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from threadpoolctl import threadpool_limits  # comes with scikit-learn

    pixels, labels = map(np.asarray, load_digits(return_X_y=True))
    x = pixels / 16.0
    train, test = train_test_split(
        np.arange(len(labels)), test_size=HELD_OUT, stratify=labels, random_state=seed
    )
    x_train, x_test, y_train, y_test = x[train], x[test], labels[train], labels[test]
    rng = np.random.default_rng(seed)
    sizes = (x.shape[1], *(checked_count("hidden", neurons) for neurons in hidden), 10)
    weights = [rng.normal(0.0, np.sqrt(2 / fan_in), (fan_out, fan_in)) for fan_in, fan_out in pairwise(sizes)]
    biases = [np.zeros(fan_out) for fan_out in sizes[1:]]
    optimiser = Adam([*weights, *biases])
    batches = -(-len(x_train) // _BATCH)
    with threadpool_limits(1, "blas"):  # products this small only wait for a second thread
        for epoch in range(_EPOCHS):
            for number, batch in enumerate(np.array_split(rng.permutation(len(x_train)), batches)):
                progress = (epoch + number / batches) / _EPOCHS
                gradients = _gradients(weights, biases, x_train[batch], y_train[batch])
                optimiser.step(gradients, _RATE * 0.5 * (1 + np.cos(np.pi * progress)))
    network = Perceptron(tuple(weights), tuple(biases))
    return TrainedPerceptron(network, x_test, y_test, network.accuracy(x_test, y_test), x_train)


def _gradients(
    weights: list[np.ndarray], biases: list[np.ndarray], x: np.ndarray, labels: np.ndarray
) -> list[np.ndarray]:
    """∂loss/∂(weights, biases), mean cross-entropy plus weight decay."""
    *inputs, outputs = layer_values(weights, biases, x)
    share = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    delta = share / share.sum(axis=1, keepdims=True)
    delta[np.arange(len(x)), labels] -= 1.0
    delta /= len(x)
    by_weight, by_bias = [], []
    for weight, values in zip(weights[::-1], inputs[::-1], strict=True):
        by_weight.append(delta.T @ values + _DECAY * weight)
        by_bias.append(delta.sum(axis=0))
        delta = (delta @ weight) * (values > 0)
    return [*by_weight[::-1], *by_bias[::-1]]
