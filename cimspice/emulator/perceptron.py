"""A network of dense layers with rectified hidden units, as an array holds it: weights alone are analogue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Perceptron:
    """Dense layers, rectified in between.

    ``weights`` (outputs, inputs) and ``biases`` (outputs,) per layer; biases are added digitally.
    """

    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]

    def layer_inputs(self, x: np.ndarray) -> list[np.ndarray]:
        """What each layer receives (samples, inputs), and last the outputs of the network."""
        values = [np.asarray(x)]
        for number, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            summed = values[-1] @ weight.T + bias
            values.append(summed if number == len(self.weights) - 1 else np.maximum(summed, 0.0))
        return values

    def accuracy(self, x: np.ndarray, labels: np.ndarray) -> float:
        """Share of samples (samples, inputs) whose largest output is their label's (samples,)."""
        return float(np.mean(self.layer_inputs(x)[-1].argmax(axis=1) == labels))

    def with_weights(self, weights: Sequence[np.ndarray]) -> Perceptron:
        """The same network with the weights that an array realised."""
        return Perceptron(tuple(weights), self.biases)
