"""Fine-tuning of a converted network through the circuit's reversal potentials, with software as its teacher.

No labels are needed: every layer's spikes are to come when the activations of the network in software say,
the output's above all. Gradients go through DSTD with the E of each weight's own current.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cimspice.network.graph import Node
from cimspice.network.operations import OPERATIONS, conv_settings
from cimspice.neuron.emulator.dstd import Discretisation
from cimspice.neuron.emulator.ramp import Ramp
from cimspice.neuron.training.conversion import Conversion
from cimspice.neuron.training.spiking_stage import Geometry, SpikingStage, max_pool_backward
from cimspice.training.adam import Adam

Inverse = Callable[[np.ndarray], np.ndarray]
"""Normalised weights of a layer to 1/E of each, same shape."""
_BATCH, _RATE, _LEAK, _HIDDEN = 32, 5e-3, 0.1, 0.1
"""Samples of a batch, learning rate (in normalised weights), share of the read-out's slope that the gradient
keeps where it is clipped, weight of the mean square error of hidden spikes beside that of the output's."""


@dataclass(frozen=True)
class Circuits:
    """What the training knows of the circuit: of each layer, 1/E and the largest |w| of either sign."""

    inverses: Sequence[Inverse]
    limits: Sequence[tuple[float, float]]
    ramp: Ramp


def fine_tuned(
    conversion: Conversion, circuits: Circuits, x: np.ndarray, *, epochs: int, seed: int = 0
) -> list[np.ndarray]:
    """Normalised weights (outputs, inputs + 1) of every layer, trained on x (samples, ...) without labels."""
    rng = np.random.default_rng(seed)
    weights = [stage.normalised() for stage in conversion.stages]
    targets, start = _targets(conversion, x)
    optimiser = Adam(weights)
    batches = -(-len(x) // _BATCH)
    discretisation = Discretisation(10)
    for epoch in range(epochs):
        for number, batch in enumerate(np.array_split(rng.permutation(len(x)), batches)):
            stages = _stages(conversion, circuits, weights, discretisation, rng.uniform(0, 0.1))
            _, gradients = loss(
                conversion, stages, circuits.ramp, start[batch], [target[batch] for target in targets]
            )
            progress = (epoch + number / batches) / epochs
            optimiser.step(gradients, _RATE * 0.5 * (1 + np.cos(np.pi * progress)))
            for matrix, (negative, positive) in zip(weights, circuits.limits, strict=True):
                np.clip(matrix, -negative, positive, out=matrix)
    return weights


def loss(
    conversion: Conversion,
    stages: Sequence[SpikingStage],
    ramp: Ramp,
    share: np.ndarray,
    targets: Sequence[np.ndarray],
    leak: float = _LEAK,
) -> tuple[float, list[np.ndarray]]:
    """Mean square distances of all layers' spikes from their targets, and its gradient per weight matrix.

    Parameters
    ----------
    share
        1 − t of the spikes that the first layer receives, (batch, ...).
    targets
        Of each layer the 1 − t wanted of its neurons (batch, outputs, *positions).
    leak
        Share of the read-out's slope that the gradient keeps where it is clipped; 0 is the exact gradient.
    """
    received, membranes, shares, between = [], [], [], []
    for stage, solved in zip(conversion.stages, stages, strict=True):
        received.append(share)
        membranes.append(solved.membrane(share))
        shares.append(1.0 - ramp.spike_times(membranes[-1]))
        share, passed = _free(stage.behind, shares[-1])
        between.append(passed)
    total, gradients, back = 0.0, [], None
    for number in reversed(range(len(stages))):
        wrong = shares[number] - targets[number]
        factor = (1.0 if number == len(stages) - 1 else _HIDDEN) / wrong.size
        total += factor * float(np.sum(wrong**2))
        grad = 2 * factor * wrong
        if back is not None:
            grad = grad + _free_backward(conversion.stages[number].behind, between[number], back)
        v = membranes[number]
        passing = np.where((v > 0) & (v < 1), 1.0, leak)
        back, found = stages[number].backward(received[number], grad * -ramp.slope(v) * passing)
        gradients.append(found)
    return total, gradients[::-1]


def _stages(
    conversion: Conversion,
    circuits: Circuits,
    weights: Sequence[np.ndarray],
    discretisation: Discretisation | None,
    offset: float,
) -> list[SpikingStage]:
    return [
        SpikingStage(matrix, inverse(matrix), stage.kernel, _geometry(stage.node), discretisation, offset)
        for stage, matrix, inverse in zip(conversion.stages, weights, circuits.inverses, strict=True)
    ]


def _geometry(node: Node) -> Geometry:
    """Stride, padding, dilation of a convolution."""
    if node.operation != "conv":
        return (), (), ()
    stride, padding, dilation, _ = conv_settings(node)
    return tuple(stride), tuple(padding), tuple(dilation)


def _targets(conversion: Conversion, x: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Of each layer 1 − t that software's activations stand for (channels second), and of the inputs."""
    values = conversion.network.values(x)
    targets = [
        np.clip((values[stage.node.name] + stage.offset) / stage.full_scale, 0.0, 1.0)
        for stage in conversion.stages
    ]
    moved = [
        np.moveaxis(target, -1, 1) if stage.node.operation == "dense" else target
        for stage, target in zip(conversion.stages, targets, strict=True)
    ]
    first = conversion.stages[0]
    return moved, np.clip(values[first.node.inputs[0]] / first.input_scale, 0.0, 1.0)


def _free(nodes: Sequence[Node], share: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """What spikes become on their way to the next layer, and what each node received."""
    seen = []
    for node in nodes:
        seen.append(share)
        share = OPERATIONS[node.operation](node, share)
    return share, [*seen, share]


def _free_backward(nodes: Sequence[Node], seen: Sequence[np.ndarray], grad: np.ndarray) -> np.ndarray:
    for number in reversed(range(len(nodes))):
        node, x = nodes[number], seen[number]
        if node.operation in ("flatten", "reshape"):
            grad = grad.reshape(x.shape)
        elif node.operation == "transpose":
            grad = grad.transpose(np.argsort(node.settings["axes"]))
        elif node.operation == "slice":
            whole = np.zeros_like(x)
            OPERATIONS["slice"](node, whole)[...] = grad
            grad = whole
        elif node.operation == "max_pool":
            grad = max_pool_backward(x, seen[number + 1], grad, dict(node.settings))
        elif node.operation == "global_max_pool":
            grad = (
                grad
                * (x == seen[number + 1])
                / np.sum(x == seen[number + 1], axis=tuple(range(2, x.ndim)), keepdims=True)
            )
    return grad
