"""Spiking layers one after another with the free nodes between them: forward, and backward from the spikes of
any of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cimspice.network.graph import Node
from cimspice.network.operations import OPERATIONS, conv_settings
from cimspice.neuron.emulator.dstd import Discretisation
from cimspice.neuron.emulator.ramp import Ramp
from cimspice.neuron.training.conversion import Stage
from cimspice.neuron.training.spiking_stage import Geometry, SpikingStage, max_pool_backward

Inverse = Callable[[np.ndarray], np.ndarray]
"""Normalised weights of a layer to 1/E of each, same shape."""


def stages_of(
    stages: Sequence[Stage],
    weights: Sequence[np.ndarray],
    inverses: Sequence[Inverse],
    discretisation: Discretisation | None = None,
    offset: float = 0.0,
) -> list[SpikingStage]:
    """The layers with these normalised weights (outputs, inputs + 1) each."""
    return [
        SpikingStage(matrix, inverse(matrix), stage.kernel, _geometry(stage.node), discretisation, offset)
        for stage, matrix, inverse in zip(stages, weights, inverses, strict=True)
    ]


def _geometry(node: Node) -> Geometry:
    """Stride, padding, dilation of a convolution."""
    if node.operation != "conv":
        return (), (), ()
    stride, padding, dilation, _ = conv_settings(node)
    return tuple(stride), tuple(padding), tuple(dilation)


@dataclass(frozen=True)
class ChainPass:
    """A batch's forward pass with what the backward pass needs."""

    behind: Sequence[Sequence[Node]]
    solved: Sequence[SpikingStage]
    ramp: Ramp
    received: Sequence[np.ndarray]
    membranes: Sequence[np.ndarray]
    shares: Sequence[np.ndarray]
    """``received``, ``membranes``, ``shares``: of each layer 1 − t of the spikes that come, v at the end of
    accumulation and 1 − t of its own, (batch, channels, *positions)."""
    between: Sequence[Sequence[np.ndarray]]

    @classmethod
    def forward(
        cls,
        stages: Sequence[Stage],
        solved: Sequence[SpikingStage],
        ramp: Ramp,
        share: np.ndarray,
        noise: float = 0.0,
        rng: np.random.Generator | None = None,
    ) -> ChainPass:
        """``share``: 1 − t of the spikes that the first layer receives, (batch, ...); ``noise``: deviation
        of every layer's spikes, in phases, drawn from ``rng``."""
        received, membranes, shares, between = [], [], [], []
        for stage, layer in zip(stages, solved, strict=True):
            received.append(share)
            membranes.append(layer.membrane(share))
            shares.append(1.0 - ramp.spike_times(membranes[-1]))
            if noise and rng is not None:
                shares[-1] = np.clip(shares[-1] + rng.normal(0.0, noise, shares[-1].shape), 0.0, 1.0)
            share, passed = _free(stage.behind, shares[-1])
            between.append(passed)
        return cls([stage.behind for stage in stages], solved, ramp, received, membranes, shares, between)

    def backward(self, grads: Sequence[np.ndarray | float], leak: float) -> list[np.ndarray]:
        """∂L/∂weights of each layer from what L depends on its ``shares`` by itself, 0 where it does not.

        ``leak``: share of the read-out's slope that the gradient keeps where it is clipped; 0 is the exact
        gradient.
        """
        gradients: list[np.ndarray] = []
        back = None
        for number in reversed(range(len(self.solved))):
            grad = grads[number]
            if back is not None:
                grad = grad + _free_backward(self.behind[number], self.between[number], back)
            v = self.membranes[number]
            passing = np.where((v > 0) & (v < 1), 1.0, leak)
            back, found = self.solved[number].backward(
                self.received[number], grad * -self.ramp.slope(v) * passing
            )
            gradients.append(found)
        return gradients[::-1]


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
