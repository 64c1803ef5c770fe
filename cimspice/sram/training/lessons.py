"""Epochs of single samples in random order, and accuracy, for networks on chip and in software alike."""

from typing import Protocol

import numpy as np

from cimspice.arrays import Array, checked_count, checked_number
from cimspice.progress import OnProgress, Progress, silent
from cimspice.sram.emulator.learning import LearningRule
from cimspice.training.iris_folds import Folds


class Learner(Protocol):
    """A network that learns sample by sample."""

    rule: LearningRule

    def step(self, inputs: Array, labels: Array) -> None: ...

    def classes(self, inputs: Array) -> Array: ...


def learn(
    network: Learner,
    folds: Folds,
    *,
    epochs: int,
    seed: int,
    decay: float = 0.9,
    progress: OnProgress = silent,
) -> None:
    """Train every learner on its own fold; all see the same places of it in the same random order.

    Parameters
    ----------
    network
        Changed in place; its rule's rates are those of the first epoch and are left as they were.
    folds
        One per learner.
    epochs, seed
        Passes, and seed of their order.
    decay
        Of the rates from epoch to epoch.
    progress
        Called with epochs done, and all.
    """
    checked_count("epochs", epochs, low=0)
    checked_number("decay", decay, above=0, high=1)
    generator, first = np.random.default_rng(seed), network.rule
    for epoch in range(epochs):
        network.rule = first.slowed(decay**epoch)
        for sample in generator.permutation(folds.x_train.shape[1]):
            network.step(folds.x_train[:, sample], folds.y_train[:, sample])
        progress(Progress(done=epoch + 1, points=epochs))
    network.rule = first


def accuracy(network: Learner, folds: Folds) -> Array:
    """Share of held-out samples that each learner has right, shape (learners,)."""
    return (network.classes(folds.x_test) == folds.y_test).mean(axis=1)
