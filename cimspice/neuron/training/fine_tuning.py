"""Fine-tuning of a converted network through the circuit's reversal potentials, with software as its teacher.

No labels are needed: every layer's spikes are to come when the activations of the network in software say,
the output's above all. Gradients go through DSTD with the E of each weight's own current.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cimspice.neuron.emulator.dstd import Discretisation
from cimspice.neuron.emulator.ramp import Ramp
from cimspice.neuron.training.conversion import Conversion
from cimspice.neuron.training.spiking_chain import ChainPass, Inverse, stages_of
from cimspice.neuron.training.spiking_stage import SpikingStage
from cimspice.training.adam import Adam

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
            stages = stages_of(
                conversion.stages, weights, circuits.inverses, discretisation, rng.uniform(0, 0.1)
            )
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
    done = ChainPass.forward(conversion.stages, stages, ramp, share)
    total, grads = 0.0, []
    for number, (found, target) in enumerate(zip(done.shares, targets, strict=True)):
        wrong = found - target
        factor = (1.0 if number == len(stages) - 1 else _HIDDEN) / wrong.size
        total += factor * float(np.sum(wrong**2))
        grads.append(2 * factor * wrong)
    return total, done.backward(grads, leak)


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
