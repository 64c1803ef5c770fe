"""A perceptron on the 8 × 8 digits: the small network whose accuracy can be measured exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cimspice.crossbar.emulator.perceptron import Perceptron
from cimspice.training.classifiers import digits_split, train_dense


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
    data = digits_split(seed)
    weights, biases = train_dense(data.x_train, data.y_train, hidden, seed=seed)
    network = Perceptron(tuple(weights), tuple(biases))
    accuracy = network.accuracy(data.x_test, data.y_test)
    return TrainedPerceptron(network, data.x_test, data.y_test, accuracy, data.x_train)
