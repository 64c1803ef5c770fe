"""A network of dense layers with rectified hidden units, as an array holds it: weights alone are analogue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cimspice.arrays import checked_array, kept_array
from cimspice.errors import ParameterError
from cimspice.network.decisions import share_right, strongest


@dataclass(frozen=True, eq=False)
class Perceptron:
    """Dense layers, rectified in between.

    ``weights`` (outputs, inputs) and ``biases`` (outputs,) per layer, kept as they are now; biases are added
    digitally.
    """

    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]

    def __post_init__(self) -> None:
        if not len(self.weights) or len(self.weights) != len(self.biases):
            raise ParameterError(
                f"{len(self.weights)} matrices of weights and {len(self.biases)} vectors of biases",
                place="Perceptron",
                remedy="give one of each for every layer, and at least one layer",
            )
        weights, biases, inputs = [], [], "inputs"
        for number, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            weights.append(kept_array(f"weights[{number}]", weight, ("outputs", inputs)))
            inputs = len(weights[-1])
            biases.append(kept_array(f"biases[{number}]", bias, (inputs,)))
        object.__setattr__(self, "weights", tuple(weights))
        object.__setattr__(self, "biases", tuple(biases))

    def layer_inputs(self, x: np.ndarray) -> list[np.ndarray]:
        """What each layer receives (samples, inputs), and last the outputs of the network."""
        values = checked_array("inputs", x, ("samples", self.weights[0].shape[1]))
        return layer_values(self.weights, self.biases, values)

    def accuracy(self, x: np.ndarray, labels: np.ndarray) -> float:
        """Share of samples (samples, inputs) whose largest output is their label's (samples,)."""
        outputs = self.layer_inputs(x)[-1]
        return share_right(strongest(outputs), labels, outputs.shape[1])

    def with_weights(self, weights: Sequence[np.ndarray]) -> Perceptron:
        """The same network with the weights that an array realised."""
        return Perceptron(tuple(weights), self.biases)


def layer_values(
    weights: Sequence[np.ndarray], biases: Sequence[np.ndarray], values: np.ndarray
) -> list[np.ndarray]:
    """``values`` (samples, inputs), and what every layer makes of them in turn."""
    found = [values]
    for number, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        summed = found[-1] @ weight.T + bias
        found.append(summed if number == len(weights) - 1 else np.maximum(summed, 0.0))
    return found
