"""A trained network of dense layers in arrays that go on learning it: stored, then changed in place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cimspice.arrays import Array
from cimspice.errors import MappingError
from cimspice.sram.emulator.learning import LearningNetwork, LearningRule
from cimspice.sram.training.chip import ChipFamily, Effects
from cimspice.training.iris_folds import Folds

if TYPE_CHECKING:
    from cimspice.network.graph import Network, Node

_FULL = 99.9
"""Percentile of hidden signals that the largest code stands for."""
_REMEDY = "give a network of dense layers with ReLU between them; validate network takes others as they are"


@dataclass(frozen=True, eq=False)
class StoredNetwork:
    """What the arrays of a perceptron hold, and how its signals are scaled.

    Attributes
    ----------
    weights
        Of each layer with its biases as the last column, from −1 to 1 (1, neurons, columns).
    gains
        Of each hidden layer: a sum of weights times inputs of one over this is the largest input of the next.
    input_scale
        Input that the largest code stands for.
    clipped
        Calibration signals, of all layers, beyond the largest code.
    """

    weights: tuple[Array, ...]
    gains: tuple[float, ...]
    input_scale: float
    clipped: int

    @property
    def sizes(self) -> tuple[int, ...]:
        """Inputs, and neurons of each layer."""
        return (self.weights[0].shape[2] - 1, *(one.shape[1] for one in self.weights))

    def codes(self, x: Array, largest: int) -> Array:
        """Inputs (samples, features) as codes up to ``largest``."""
        return np.clip(np.rint(x / self.input_scale * largest), 0, largest).astype(int)

    def on_chips(
        self,
        family: ChipFamily,
        chips: int,
        *,
        rule: LearningRule | None = None,
        effects: Effects | None = None,
        seed: int = 0,
    ) -> LearningNetwork:
        """Chips of a family that store it."""
        made = family.network(chips, self.sizes, seed=seed, rule=rule, effects=effects, weights=self.weights)
        return LearningNetwork(made.layers, made.rounding, made.rule, self.gains)


def stored_network(network: Network, calibration: Array) -> StoredNetwork:
    """A perceptron as arrays store it, its signals scaled by inputs (samples, features).

    The inputs of a layer are divided by their largest, its weights and biases by their largest magnitude.

    Raises
    ------
    MappingError
        For other layers than dense ones with ReLU between them, and negative inputs.
    """
    layers = _dense_layers(network)
    if (low := float(calibration.min(initial=0.0))) < 0:
        raise MappingError(
            f"an input of {low:g}", place="inputs", remedy="shift them: a learning array's inputs are >= 0"
        )
    seen = network.values(calibration)
    signal, scale = calibration, float(calibration.max(initial=0.0)) or 1.0
    input_scale, clipped = scale, 0
    weights, gains = [], []
    for number, node in enumerate(layers):
        matrix = node.arrays["weights"]
        bias = node.arrays.get("bias", np.zeros(len(matrix)))
        whole = np.concatenate([matrix, bias[:, None] / scale], axis=1)
        largest = float(np.abs(whole).max()) or 1.0
        weights.append(whole[None] / largest)
        if number + 1 < len(layers):
            signal = np.maximum(seen[node.name], 0.0)
            before, scale = scale, float(np.percentile(signal, _FULL)) or float(signal.max()) or 1.0
            gains.append(before * largest / scale)
            clipped += int(np.count_nonzero(signal > scale))
    return StoredNetwork(tuple(weights), tuple(gains), input_scale, clipped)


def own_folds(
    stored: StoredNetwork, train: tuple[Array, Array], test: tuple[Array, Array], chips: int
) -> Folds:
    """Samples and labels as every chip learns them, and those held out."""
    parts = []
    for x, y in (train, test):
        codes = stored.codes(x, 15)
        parts += [np.broadcast_to(codes, (chips, *codes.shape)), np.broadcast_to(y, (chips, len(y)))]
    return Folds(parts[0], parts[1], parts[2], parts[3])


def _dense_layers(network: Network) -> list[Node]:
    """Dense nodes in order, if nothing but these and ReLU between them computes."""
    nodes = [node for node in network.nodes if node.operation not in ("flatten", "softmax")]
    for number, node in enumerate(nodes):
        wanted = "relu" if number % 2 else "dense"
        if node.operation != wanted or (number == len(nodes) - 1 and wanted == "relu"):
            raise MappingError(f"operation {node.operation!r}", place=node.name, remedy=_REMEDY)
    return nodes[::2]
