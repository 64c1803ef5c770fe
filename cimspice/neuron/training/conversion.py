"""From a trained ReLU network to spiking layers: activations become spike times, biases spikes of their own.

A layer's activation a stands for a spike at t = 1 − a/s, with the layer's full scale s from calibration. A
neuron's membrane Σ w (1 − t) and its read-out are then weighted sum and ReLU in one; the maximum of a window
is its earliest spike. The last layer has no ReLU: its outputs are shifted so that all of them spike.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from cimspice.errors import MappingError
from cimspice.network.graph import INPUT, Network, Node
from cimspice.network.operations import OPERATIONS, WEIGHTED, conv_settings

FREE = ("max_pool", "global_max_pool", "flatten", "reshape", "transpose", "slice", "relu")
"""Operations that spike times pass as activations do, and that need no neuron."""
_HEADROOM = 0.9
"""Share of the phase that the calibration's activations take."""
_REMEDIES = {
    "average_pool": "train with max pooling, or write the average as a convolution with equal weights",
    "global_average_pool": "train with max pooling, or write the average as a dense layer of equal weights",
    "add": "train without branches that are added: a spike carries one value",
}


@dataclass(frozen=True, eq=False)
class Stage:
    """One layer of neurons.

    Parameters
    ----------
    node
        Its dense or conv node.
    behind
        Free nodes between it and the next one.
    input_scale, full_scale
        Activations of the earliest input and output spike, at the start of the phase.
    offset
        What is added to outputs before they become spikes; 0 of a layer with a ReLU.
    loads
        Neurons that a line of its inputs drives, and that a line of its outputs drives.
    spiking
        Share of the inputs that are not 0.
    """

    node: Node
    behind: tuple[Node, ...]
    input_scale: float
    full_scale: float
    offset: float
    loads: tuple[int, int]
    spiking: float

    @property
    def inputs(self) -> int:
        """Inputs of a neuron, its bias among them."""
        weights = self.node.arrays["weights"]
        return weights.size // len(weights) + 1

    @property
    def rectifies(self) -> bool:
        """Whether there is a ReLU behind it."""
        return any(node.operation == "relu" for node in self.behind)

    @property
    def kernel(self) -> tuple[int, ...]:
        """Of a convolution; () of a dense layer."""
        return self.node.arrays["weights"].shape[2:]

    def normalised(self) -> np.ndarray:
        """Weights (outputs, inputs) with the bias' as the last: 1 moves a membrane by its whole range in one
        phase."""
        weights = self.node.arrays["weights"]
        bias = self.node.arrays.get("bias", np.zeros(len(weights))) + self.offset
        rows = weights.reshape(len(weights), -1) * self.input_scale
        return np.column_stack([rows, bias]) / self.full_scale


@dataclass(frozen=True, eq=False)
class Conversion:
    """A network as layers of neurons; ``before`` are free nodes that its inputs pass first."""

    network: Network
    before: tuple[Node, ...]
    stages: tuple[Stage, ...]

    @property
    def fans(self) -> list[tuple[int, int]]:
        """(fan-in, fan-out) of every layer."""
        return [(stage.inputs, stage.loads[1]) for stage in self.stages]

    @property
    def line_loads(self) -> list[int]:
        """Neurons that the lines of every layer drive."""
        return [stage.loads[0] for stage in self.stages]


def converted(network: Network, calibration: np.ndarray) -> Conversion:
    """The network as spiking layers, scaled for calibration inputs (samples, ...).

    Raises
    ------
    MappingError
        For what spikes cannot express: node, reason, remedy.
    """
    before, chains = _chains(network)
    values = network.values(calibration)
    _check_inputs(values[INPUT])
    for node in before:
        values[node.name] = OPERATIONS[node.operation](node, values[node.inputs[0]])
    drawn: list[dict[str, Any]] = []
    scale = float(values[INPUT].max()) or 1.0
    for node, behind in chains:
        sums = values[node.name]
        last = node is chains[-1][0] and not any(one.operation == "relu" for one in behind)
        low = float(sums.min()) if last else 0.0
        full = (float(sums.max()) - low) / _HEADROOM or 1.0
        offset = (1 - _HEADROOM) / 2 * full - low if last else 0.0
        drawn.append(
            {
                "node": node,
                "behind": behind,
                "input_scale": scale,
                "full_scale": full,
                "offset": offset,
                "spiking": float(np.mean(values[node.inputs[0]] > 0)),
            }
        )
        scale = full
    loads = [_driven(node) for node, _ in chains] + [0]
    return Conversion(
        network,
        before,
        tuple(Stage(**one, loads=pair) for one, pair in zip(drawn, pairwise(loads), strict=True)),
    )


def neuron_sizes(network: Network) -> tuple[list[tuple[int, int]], list[int]]:
    """(Fan-in, fan-out) of every layer, and neurons that its lines drive: what a card must have.

    Raises
    ------
    MappingError
        As `converted`.
    """
    nothing = converted(network, np.zeros((1, *network.input_shape)))
    return nothing.fans, nothing.line_loads


def _chains(network: Network) -> tuple[tuple[Node, ...], list[tuple[Node, tuple[Node, ...]]]]:
    """Free nodes at the network's start; each weighted node with the free ones behind it."""
    groups: list[tuple[Node | None, list[Node]]] = [(None, [])]
    previous = INPUT
    for node in network.nodes:
        if node.inputs != (previous,):
            joined = ", ".join(node.inputs)
            raise _refused(node, f"takes {joined}: spikes go from layer to layer", _REMEDIES["add"])
        if node.operation in WEIGHTED:
            if node.settings.get("groups", 1) != 1:
                raise _refused(node, "is a convolution of groups", "write it as one convolution with zeros")
            groups.append((node, []))
        elif node.operation == "softmax" and node is network.nodes[-1]:
            pass  # it changes no decision
        elif node.operation in FREE:
            groups[-1][1].append(node)
        else:
            remedy = _REMEDIES.get(node.operation, "train with ReLU between dense or convolution layers")
            raise _refused(node, f"({node.operation}) is nothing that spike times express", remedy)
        previous = node.name
    chains = [(node, tuple(behind)) for node, behind in groups if node is not None]
    if not chains:
        raise MappingError(
            "no weights", place=network.name, remedy="give a network with dense or conv layers"
        )
    for node, behind in chains[:-1]:
        if not any(one.operation == "relu" for one in behind):
            raise _refused(
                node, "has no ReLU behind it, which a neuron always has", "multiply it into the next layer"
            )
    return tuple(groups[0][1]), chains


def _refused(node: Node, what: str, remedy: str) -> MappingError:
    return MappingError(f"layer {node.name!r} {what}", place="neuron circuit", remedy=remedy)


def _check_inputs(x: np.ndarray) -> None:
    if x.size and x.min() < 0:
        place = tuple(int(k) for k in np.unravel_index(x.argmin(), x.shape))
        raise MappingError(
            f"input {x.min():.4g} is negative, and a spike comes earlier only for more",
            place=f"inputs{list(place)}",
            remedy="scale inputs to be 0 or more, and the first layer's bias with them",
        )


def _driven(node: Node) -> int:
    """Neurons that one line of the node's inputs drives, away from the edges of an image."""
    weights = node.arrays["weights"]
    if node.operation == "dense":
        return len(weights)
    stride = conv_settings(node)[0]
    # with stride s, about every s-th place of the kernel sees a pixel
    places = [-(-k // s) for k, s in zip(weights.shape[2:], stride, strict=True)]
    return len(weights) * int(np.prod(places))
