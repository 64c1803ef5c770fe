"""Training of a network on columns: quantised weights and inputs first, then through the read-out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits  # comes with scikit-learn

from cimspice.arrays import Array, checked_count, checked_number
from cimspice.hybrid.emulator.columns import Deviations
from cimspice.hybrid.training.column_layer import SMALLEST
from cimspice.hybrid.training.network import ColumnNetwork
from cimspice.training.adam import Adam
from cimspice.training.classifiers import output_errors

Chip = dict[str, Deviations]
"""How a chip differs from the design, by layer."""
DrawChip = Callable[[np.random.Generator], Chip]


@dataclass(frozen=True)
class Schedule:
    """Epochs, Adam's first rate, which falls along half a cosine, and samples of a mini-batch."""

    epochs: int = 100
    rate: float = 5e-3
    batch: int = 64

    def __post_init__(self) -> None:
        checked_count("epochs", self.epochs, low=0, place="Schedule")
        checked_count("batch", self.batch, place="Schedule")
        checked_number("rate", self.rate, above=0, place="Schedule")


QUANTISATION = Schedule(rate=2e-3)
"""Of weights and inputs with ideal sums."""
READ_OUT = Schedule()
"""Through the read-out."""
CALIBRATION = Schedule(epochs=30)
"""Of scale factors and biases of one chip."""
AT_ONCE = 2**18
"""Inputs of samples that are run at once."""


def train(
    network: ColumnNetwork,
    x: Array,
    labels: Array,
    schedule: Schedule = READ_OUT,
    *,
    seed: int = 0,
    chips: DrawChip | None = None,
    calibrate: bool = False,
) -> float:
    """Change a network's parameters in place: Adam on the mean cross-entropy.

    Parameters
    ----------
    network
        Started: steps and scale factors are there.
    x, labels
        Samples (samples, *input_shape) and class numbers.
    schedule
        Epochs, rate, batch.
    seed
        Of mini-batches, chips and decisions by chance.
    chips
        Draws the chip that a mini-batch is run on; nominal ones if not given.
    calibrate
        Train biases and scale factors alone, all else being in the cells.

    Returns
    -------
    float
        CPU seconds.
    """
    rng = np.random.default_rng(seed)
    every = network.parameters
    chosen = [n for n in range(len(every)) if n % 5 in ((1, 4) if calibrate else range(5))]
    positive = [n for n in chosen if n % 5 > 1]
    floors = [SMALLEST * every[n] for n in positive]
    optimiser = Adam([every[n] for n in chosen])
    samples = x.astype(np.float32)
    batches = -(-len(x) // schedule.batch)
    began = time.process_time()
    with threadpool_limits(1, "blas"):  # products this small only wait for a second thread
        for step in range(schedule.epochs * batches):
            if step % batches == 0:
                order = np.array_split(rng.permutation(len(x)), batches)
            taken = order[step % batches]
            outputs = network.forward(samples[taken], chips(rng) if chips else None, rng)
            gradients = network.backward(output_errors(outputs, labels[taken]).astype(np.float32))
            rate = schedule.rate * 0.5 * (1 + np.cos(np.pi * step / (schedule.epochs * batches)))
            optimiser.step([gradients[n] for n in chosen], rate)
            for n, floor in zip(positive, floors, strict=True):
                np.maximum(every[n], floor, out=every[n])
    return time.process_time() - began


def shares_right(
    network: ColumnNetwork, x: Array, labels: Array, chip: Chip | None = None, *, seed: int = 0
) -> Array:
    """Share of the samples that is decided right, for each chip where there are several."""
    rng, at_once = np.random.default_rng(seed), len(some(x))
    decided = [
        network.forward(x[first : first + at_once], chip, rng).argmax(axis=-1)
        for first in range(0, len(x), at_once)
    ]
    return (np.concatenate(decided, axis=-1) == labels).mean(axis=-1)


def some(x: Array) -> Array:
    """The first samples, as many as are run at once: of images of 28 by 28 their sums take 0.1 GB."""
    return x[: max(1, AT_ONCE // x[0].size)]
