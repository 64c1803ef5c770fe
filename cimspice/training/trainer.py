"""Mini-batch training of RC-Spike networks under the limits of a circuit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from cimspice.emulator import Discretisation, SpikingLayer, SpikingNetwork
from cimspice.errors import ParameterError
from cimspice.training.adam import Adam
from cimspice.training.objective import Objective


@dataclass(frozen=True)
class Schedule:
    """How long and how hard to train.

    Parameters
    ----------
    epochs, batch_size
        Passes over the data, samples per step.
    learning_rate
        Adam's, in weights; falls to zero along half a cosine.
    spike_noise
        σ of Gaussian noise on every layer's output spike times while training, in phases.
    weight_limit
        Largest |w|, or (largest magnitude of w < 0, largest w ≥ 0): the circuit's range. Weights are
        projected onto it after every step.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    spike_noise: float = 0.0
    weight_limit: float | tuple[float, float] = np.inf

    @property
    def weight_range(self) -> tuple[float, float]:
        negative, positive = np.broadcast_to(self.weight_limit, (2,))
        if not (negative > 0 and positive > 0):
            raise ParameterError(
                f"weight limit is {self.weight_limit}",
                place="weight_limit",
                remedy="give one positive number, or two: of the negative and of the positive range",
            )
        return -float(negative), float(positive)


def initial_weights(
    sizes: Sequence[int], rng: np.random.Generator, *, target: float = 0.5, spread: float = 1.0
) -> list[np.ndarray]:
    """Random weights (out, in) that leave membranes about ``target`` for spikes evenly spread over the phase.

    Mean 2·target/in, since a spike is on for half a phase; standard deviation ``spread``/√in.
    """
    return [
        rng.normal(2 * target / inputs, spread / np.sqrt(inputs), (outputs, inputs))
        for inputs, outputs in pairwise(sizes)
    ]


def train(
    weights: list[np.ndarray],
    times: np.ndarray,
    labels: np.ndarray,
    objective: Objective,
    schedule: Schedule,
    rng: np.random.Generator,
) -> dict[str, list[float]]:
    """Change ``weights`` in place; returns per epoch ``loss`` and ``train_accuracy``.

    ``times`` (samples, inputs) in [0, 1], ``labels`` (samples,). Deterministic for a given ``rng``.
    """
    optimiser = Adam(weights)
    limits = schedule.weight_range
    batches = -(-len(times) // schedule.batch_size)
    history: dict[str, list[float]] = {"loss": [], "train_accuracy": []}
    for w in weights:
        np.clip(w, *limits, out=w)
    for epoch in range(schedule.epochs):
        losses = []
        for number, batch in enumerate(np.array_split(rng.permutation(len(times)), batches)):
            offset = 0.0
            if objective.discretisation is not None:
                offset = rng.uniform(0.0, 1.0 / objective.discretisation.steps)
            jitter = None
            if schedule.spike_noise:
                jitter = [rng.normal(0.0, schedule.spike_noise, (len(batch), len(w))) for w in weights]
            loss, gradients = objective.evaluate(
                weights, times[batch], labels[batch], offset=offset, jitter=jitter
            )
            progress = (epoch + number / batches) / schedule.epochs
            optimiser.step(gradients, schedule.learning_rate * 0.5 * (1 + np.cos(np.pi * progress)))
            for w in weights:
                np.clip(w, *limits, out=w)
            losses.append(loss)
        history["loss"].append(float(np.mean(losses)))
        history["train_accuracy"].append(accuracy(weights, times, labels, objective))
    return history


def accuracy(
    weights: Sequence[np.ndarray], times: np.ndarray, labels: np.ndarray, objective: Objective
) -> float:
    """Share of right decisions (earliest output spike), without noise, solved as the objective says."""
    method = "exact" if objective.discretisation is None else "dstd"
    intervals = objective.discretisation or Discretisation()
    layers = [
        SpikingLayer(
            w, objective.e_plus, objective.e_minus, objective.ramp, method=method, discretisation=intervals
        )
        for w in weights
    ]
    return float(np.mean(SpikingNetwork(layers).decisions(times) == labels))
