"""Mini-batch training of RC-Spike networks under the limits of a circuit."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from cimspice.arrays import checked_array, checked_count, checked_number
from cimspice.errors import ParameterError
from cimspice.network.decisions import earliest, share_right
from cimspice.neuron.emulator.dstd import Discretisation
from cimspice.neuron.emulator.network import NeuronNetwork
from cimspice.neuron.emulator.reversal import checked_times
from cimspice.neuron.emulator.spiking_layer import SpikingLayer
from cimspice.neuron.emulator.spiking_network import SpikingNetwork
from cimspice.neuron.mapping import map_layer
from cimspice.neuron.training.circuit_pass import STEP
from cimspice.neuron.training.objective import Objective
from cimspice.training.adam import Adam


@dataclass(frozen=True)
class Schedule:
    """How long and how hard to train."""

    epochs: int
    batch_size: int
    """``epochs``, ``batch_size``: passes over the data, samples per step."""
    learning_rate: float
    """Adam's, in weights; falls to zero along half a cosine."""
    spike_noise: float = 0.0
    """σ of Gaussian noise on every layer's output spike times while training, in phases."""
    weight_limit: float | tuple[float, float] = np.inf
    """Largest |w|, or (largest magnitude of w < 0, largest w ≥ 0): the circuit's range. Weights are projected
    onto it after every step."""

    def __post_init__(self) -> None:
        checked_count("epochs", self.epochs, place="Schedule")
        checked_count("batch_size", self.batch_size, place="Schedule")
        checked_number("learning_rate", self.learning_rate, above=0, place="Schedule")
        checked_number("spike_noise", self.spike_noise, low=0, place="Schedule")
        limits = checked_array("weight_limit", self.weight_limit, (...,), infinite=True)
        if limits.shape not in ((), (1,), (2,)) or not (limits > 0).all():
            raise ParameterError(
                f"weight limit is {self.weight_limit}",
                place="weight_limit",
                remedy="give one positive number, or two: of the negative and of the positive range",
            )

    @property
    def weight_range(self) -> tuple[float, float]:
        negative, positive = np.broadcast_to(self.weight_limit, (2,))
        return -float(negative), float(positive)


def initial_weights(
    sizes: Sequence[int], rng: np.random.Generator, *, target: float = 0.5, spread: float = 1.0
) -> list[np.ndarray]:
    """Random weights (out, in) that leave membranes about ``target`` for spikes evenly spread over the phase.

    Mean 2·target/in, since a spike is on for half a phase; standard deviation ``spread``/√in.
    """
    for inputs in sizes:
        checked_count("sizes", inputs)
    checked_number("target", target)
    checked_number("spread", spread, low=0)
    return [
        rng.normal(2 * target / inputs, spread / np.sqrt(inputs), (outputs, inputs))
        for inputs, outputs in pairwise(sizes)
    ]


def _described(given: object) -> str:
    if not isinstance(given, np.ndarray):
        return f"a {type(given).__name__}"
    return f"an array {given.shape} of {given.dtype}" + ("" if given.flags.writeable else ", read-only")


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
    for number, w in enumerate(weights):
        fits = isinstance(w, np.ndarray) and w.dtype == float and w.ndim == 2 and w.flags.writeable
        if not fits or (number and w.shape[1] != len(weights[number - 1])):
            raise ParameterError(
                f"weights[{number}] is {_described(w)}",
                place="weights",
                remedy="give writeable matrices (out, in) of float64 that fit; they are changed in place",
            )
    times = checked_times(times, weights[0].shape[1])
    labels = checked_array("labels", labels, (len(times),), low=0, high=len(weights[-1]) - 1, whole=True)
    if not len(times):
        raise ParameterError("no samples to train on", place="times", remedy="give at least one")
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
    if objective.circuit is not None:
        mapped = [map_layer(objective.circuit, w) for w in weights]
        emulated = NeuronNetwork(
            objective.circuit,
            [each.polarity for each in mapped],
            [each.program for each in mapped],
            STEP,
        )
        decided = earliest(emulated(times)[-1][1], objective.circuit.phase)
        return share_right(decided, labels, len(weights[-1]))
    method = "exact" if objective.discretisation is None else "dstd"
    intervals = objective.discretisation or Discretisation()
    layers = [
        SpikingLayer(
            w, objective.e_plus, objective.e_minus, objective.ramp, method=method, discretisation=intervals
        )
        for w in weights
    ]
    network = SpikingNetwork(layers)
    return share_right(network.decisions(times), labels, network.sizes[-1])
