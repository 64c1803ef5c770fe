"""Handwritten digits as input codes for the array, in stratified folds, all trained at once.

Scikit-learn's bundled copy has 8 × 8 pixels; a rail has at most 16 columns. Without the outermost columns,
which are nearly blank, and averaged over 2 × 2 pixels, 4 × 3 inputs are left.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cimspice.arrays import checked_count
from cimspice.errors import ParameterError
from cimspice.training.iris_folds import Folds

Array = np.ndarray


def digits_folds(
    seeds: Sequence[int] = (0,), *, folds: int = 5, halves: bool = False, largest_code: int = 15
) -> Folds:
    """Of each seed every fold is a learner's.

    Parameters
    ----------
    seeds, folds
        Splits. Every part is cut to the size of the smallest.
    halves
        Two classes, digits up to 4 and from 5, which no single layer can separate, instead of ten.
    largest_code
        Of an input.

    Raises
    ------
    ParameterError
        If there are no seeds, or less than two folds.
    """
    checked_count("folds", folds, low=2)
    checked_count("largest_code", largest_code)
    if not len(seeds) or not 2 <= folds <= 50:
        raise ParameterError(
            f"{folds} folds of {len(seeds)} seeds", place="folds", remedy="use 2 to 50, and a seed"
        )
    from sklearn.datasets import load_digits
    from sklearn.model_selection import StratifiedKFold

    pixels, digits = (np.asarray(value) for value in load_digits(return_X_y=True))
    pooled = pixels.reshape(-1, 8, 8)[:, :, 1:7].reshape(-1, 4, 2, 3, 2).mean(axis=(2, 4)).reshape(-1, 12)
    codes = np.rint(pooled / 16 * largest_code).astype(int)
    labels = (digits >= 5).astype(int) if halves else digits
    train_size, test_size = len(codes) - -(-len(codes) // folds), len(codes) // folds
    parts: list[tuple[Array, ...]] = []
    for seed in seeds:
        for train, test in StratifiedKFold(folds, shuffle=True, random_state=seed).split(codes, digits):
            train, test = train[:train_size], test[:test_size]
            parts.append((codes[train], labels[train], codes[test], labels[test]))
    return Folds(*(np.stack(values) for values in zip(*parts, strict=True)))
