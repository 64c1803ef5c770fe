"""Training of spiking networks, dense and convolution, from random weights and labels, at a fixed E.

As published (Sakemi et al., arXiv 2412.09010): softmax cross-entropy of the output's spikes with a temporal
penalty, DSTD with an offset of its intervals drawn for every batch, noise on spikes if asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from cimspice.arrays import checked_number
from cimspice.network.decisions import earliest, share_right
from cimspice.neuron.emulator.dstd import Discretisation
from cimspice.neuron.emulator.ramp import Ramp
from cimspice.neuron.training.conversion import Conversion
from cimspice.neuron.training.objective import decision_loss, temporal_penalty
from cimspice.neuron.training.spiking_chain import ChainPass, Inverse, stages_of
from cimspice.neuron.training.trainer import Schedule
from cimspice.training.adam import Adam

_ROWS = 256
"""Samples that are evaluated at once."""


@dataclass(frozen=True)
class Learning:
    """How a network is trained."""

    reversal: float = np.inf
    """|E| of both signs, normalised."""
    schedule: Schedule = field(default_factory=lambda: Schedule(30, 32, 0.01))
    steps: int = 10
    """M of DSTD."""
    temperature: float = 0.07
    """τ_soft, in phases."""
    temporal_weight: float = 0.01
    leak: float = 0.1
    """Share of the read-out's slope that the gradient keeps where it is clipped."""

    def __post_init__(self) -> None:
        checked_number("reversal", self.reversal, above=0, infinite=True, place="Learning")


def of_reversal(reversal: float) -> Inverse:
    """1/E of each weight for potentials of ±``reversal``."""
    return partial(_inverse, 1.0 / reversal)


def _inverse(inverse: float, weights: np.ndarray) -> np.ndarray:
    return np.where(weights < 0, -inverse, inverse)


def random_weights(
    conversion: Conversion, share: np.ndarray, reversal: float, rng: np.random.Generator
) -> list[np.ndarray]:
    """Normalised weights (outputs, inputs + 1) of every layer: normal with mean 1/inputs and deviation
    1/√inputs, biases such that every neuron's membrane is about 0.5 on average over ``share``.

    A neuron whose membranes all lie beyond one end of the ramp spikes alike for every sample, and learns
    hardly.
    """
    weights, inverse = [], of_reversal(reversal)
    for stage in conversion.stages:
        size = len(stage.node.arrays["weights"]), stage.inputs
        matrix = rng.normal(1 / stage.inputs, 1 / np.sqrt(stage.inputs), size)
        for _ in range(2):  # the second for what E bends
            done = ChainPass.forward([stage], stages_of([stage], [matrix], [inverse]), Ramp(), share)
            membrane = done.membranes[0]
            matrix[:, -1] += 0.5 - membrane.mean(axis=(0, *range(2, membrane.ndim)))
        done = ChainPass.forward([stage], stages_of([stage], [matrix], [inverse]), Ramp(), share)
        weights.append(matrix)
        share = done.between[0][-1]
    return weights


def input_share(conversion: Conversion, x: np.ndarray) -> np.ndarray:
    """1 − t of the spikes that inputs x (samples, ...) become, as the first layer receives them."""
    first = conversion.stages[0]
    values = conversion.network.values(x)[first.node.inputs[0]]
    return np.clip(values / first.input_scale, 0.0, 1.0)


def trained_on_labels(
    conversion: Conversion, x: np.ndarray, labels: np.ndarray, learning: Learning, seed: int = 0
) -> list[np.ndarray]:
    """Normalised weights of every layer, trained from random ones on x (samples, ...) with ``labels``."""
    rng = np.random.default_rng(seed)
    share = input_share(conversion, x)
    weights = random_weights(conversion, share[:_ROWS], learning.reversal, rng)
    schedule, inverse = learning.schedule, of_reversal(learning.reversal)
    optimiser = Adam(weights)
    batches = -(-len(share) // schedule.batch_size)
    for epoch in range(schedule.epochs):
        for number, batch in enumerate(np.array_split(rng.permutation(len(share)), batches)):
            offset = rng.uniform(0.0, 1.0 / learning.steps)
            solved = stages_of(
                conversion.stages,
                weights,
                [inverse] * len(weights),
                Discretisation(learning.steps),
                offset,
            )
            done = ChainPass.forward(
                conversion.stages, solved, Ramp(), share[batch], schedule.spike_noise, rng
            )
            gradients = done.backward(_output_gradient(done, labels[batch], learning), learning.leak)
            progress = (epoch + number / batches) / schedule.epochs
            optimiser.step(gradients, schedule.learning_rate * 0.5 * (1 + np.cos(np.pi * progress)))
            for matrix in weights:
                np.clip(matrix, *schedule.weight_range, out=matrix)
    return weights


def _output_gradient(done: ChainPass, labels: np.ndarray, learning: Learning) -> list[np.ndarray | float]:
    """∂loss/∂share of every layer: the loss is of the last one's spikes alone."""
    times = 1.0 - done.shares[-1]
    _, decided = decision_loss(times, labels, learning.temperature)
    _, late = temporal_penalty(times, 0.9)
    return [*[0.0] * (len(done.shares) - 1), -(decided + learning.temporal_weight * late)]


def output_spikes(
    conversion: Conversion, weights: Sequence[np.ndarray], x: np.ndarray, reversal: float
) -> np.ndarray:
    """Spikes of the last layer in phases, (samples, outputs), by the exact solution."""
    solved = stages_of(conversion.stages, weights, [of_reversal(reversal)] * len(weights))
    share = input_share(conversion, x)
    return np.concatenate([
        1.0 - ChainPass.forward(conversion.stages, solved, Ramp(), share[first : first + _ROWS]).shares[-1]
        for first in range(0, len(share), _ROWS)
    ])  # fmt: skip


def share_decided_right(
    conversion: Conversion, weights: Sequence[np.ndarray], x: np.ndarray, labels: np.ndarray, reversal: float
) -> float:
    """Share of samples whose earliest output spike is their label's, by the exact solution."""
    spikes = output_spikes(conversion, weights, x, reversal)
    return share_right(earliest(spikes, 1.0), labels, spikes.shape[1])
