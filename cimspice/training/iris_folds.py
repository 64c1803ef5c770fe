"""Iris as input codes, in stratified folds of several seeds: one learner for each, all trained at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cimspice.arrays import checked_count, kept_array
from cimspice.errors import ParameterError

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Folds:
    """One train and test split per learner.

    Attributes
    ----------
    x_train, x_test
        Input codes, shape (learners, samples, features).
    y_train, y_test
        Class numbers, shape (learners, samples).
    """

    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array

    def __post_init__(self) -> None:
        codes = kept_array("inputs", self.x_train, ("learners", "samples", "features"), low=0, whole=True)
        object.__setattr__(self, "x_train", codes)
        learners, samples, features = codes.shape
        tests = kept_array("inputs", self.x_test, (learners, "samples", features), low=0, whole=True)
        object.__setattr__(self, "x_test", tests)
        for name, count in (("y_train", samples), ("y_test", tests.shape[1])):
            labels = kept_array("labels", getattr(self, name), (learners, count), low=0, whole=True)
            object.__setattr__(self, name, labels)

    def __len__(self) -> int:
        return len(self.x_train)

    def repeated(self, learners: int) -> Folds:
        """As many learners as asked for, the folds in turn."""
        checked_count("learners", learners)
        which = np.arange(learners) % len(self)
        return Folds(self.x_train[which], self.y_train[which], self.x_test[which], self.y_test[which])


def iris_folds(seeds: Sequence[int] = (0, 1, 2, 3), *, folds: int = 5, largest_code: int = 15) -> Folds:
    """Iris (scikit-learn's bundled copy), ``folds`` splits per seed.

    Features are scaled by minimum and maximum of the training part to codes from 0 to ``largest_code``.

    Raises
    ------
    ParameterError
        If there are no seeds, or folds that 150 flowers do not divide into evenly.
    """
    checked_count("folds", folds, low=2)
    checked_count("largest_code", largest_code)
    if not len(seeds) or not 2 <= folds <= 50 or 150 % folds:
        raise ParameterError(
            f"{folds} folds of {len(seeds)} seeds", place="folds", remedy="use 2, 3, 5, 10 or 25, and a seed"
        )
    from sklearn.datasets import load_iris
    from sklearn.model_selection import StratifiedKFold

    values, classes = load_iris(return_X_y=True)
    features, labels = np.asarray(values, float), np.asarray(classes)
    parts: list[tuple[Array, ...]] = []
    for seed in seeds:
        for train, test in StratifiedKFold(folds, shuffle=True, random_state=seed).split(features, labels):
            low, high = features[train].min(axis=0), features[train].max(axis=0)
            codes = np.rint(np.clip((features - low) / (high - low), 0, 1) * largest_code).astype(int)
            parts.append((codes[train], labels[train], codes[test], labels[test]))
    return Folds(*(np.stack(values) for values in zip(*parts, strict=True)))
