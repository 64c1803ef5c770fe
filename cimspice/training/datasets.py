"""Iris and digits (scikit-learn's bundled copies, no download) as spike times, split by a seed."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cimspice.arrays import ClippedWarning, checked_array, checked_count
from cimspice.errors import ParameterError

IRIS_SAMPLES = 150
IRIS_HELD_OUT = 50


@dataclass(frozen=True, eq=False)
class SpikeSplit:
    """A data set as spike times, cut in two.

    ``x_train``, ``x_test`` are spike times (samples, inputs) in [0, 1]; ``y_train``, ``y_test`` class
    numbers; ``train_index``, ``test_index`` rows of the original data set. ``low`` and ``high`` (features,)
    is the range that was mapped onto ``window``: that of the training part alone.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    train_index: np.ndarray
    test_index: np.ndarray
    low: np.ndarray
    high: np.ndarray
    window: tuple[float, float]
    bias: bool
    classes: tuple[str, ...]

    def encode(self, features: ArrayLike) -> np.ndarray:
        """Raw features (samples, features) as spike times (samples, inputs).

        Warns
        -----
        ClippedWarning
            If features lie outside the range of the training part: they spike at the window's ends.
        """
        given = checked_array("features", features, ("samples", len(self.low)))
        beyond = int(np.count_nonzero((given < self.low) | (given > self.high)))
        if beyond:
            warnings.warn(
                f"{beyond} of {given.size} features lie outside the range of the training part and spike at "
                "the ends of the window",
                ClippedWarning,
                stacklevel=2,
            )
        return _encode(given, self.low, self.high, self.window, self.bias)


def _encode(
    features: np.ndarray, low: np.ndarray, high: np.ndarray, window: tuple[float, float], bias: bool
) -> np.ndarray:
    """t = 1 − x over the window: the largest value spikes first; what lies beyond spikes at its ends."""
    x = np.clip((features - low) / np.where(high > low, high - low, 1.0), 0.0, 1.0)
    times = window[1] - (window[1] - window[0]) * x
    if bias:
        times = np.column_stack([times, np.full(len(times), window[0])])
    return times


def _split(
    bunch, held_out: int, seed: int, window: tuple[float, float], bias: bool, fold: int | None = None
) -> SpikeSplit:
    if not 0 <= window[0] < window[1] <= 1:
        raise ParameterError(
            f"spike window {window} is not an interval within [0, 1]",
            place="window",
            remedy="give (earliest, latest) as fractions of the phase",
        )
    from sklearn.model_selection import StratifiedKFold, train_test_split  # a second to import

    checked_count("seed", seed, low=0, high=2**32 - 1)
    checked_count("held_out", held_out, low=len(bunch.target_names), high=len(bunch.target) // 2)
    index = np.arange(len(bunch.target))
    if fold is None:
        train, test = train_test_split(index, test_size=held_out, stratify=bunch.target, random_state=seed)
    else:
        folds = len(index) // held_out
        checked_count("fold", fold, low=0, high=folds - 1)
        dealt = StratifiedKFold(folds, shuffle=True, random_state=seed)
        train, test = list(dealt.split(index, bunch.target))[fold]
    train, test = np.sort(train), np.sort(test)
    features = np.asarray(bunch.data, dtype=float)
    low, high = features[train].min(axis=0), features[train].max(axis=0)
    times = _encode(features, low, high, window, bias)
    labels = np.asarray(bunch.target)
    classes = tuple(str(name) for name in bunch.target_names)
    return SpikeSplit(
        times[train], labels[train], times[test], labels[test], train, test, low, high, window, bias, classes
    )


def iris(seed: int = 0, *, window: tuple[float, float] = (0.05, 0.95), fold: int | None = None) -> SpikeSplit:
    """Iris, 100 samples to train and 50 held out, stratified, as 5 inputs: four features and a bias.

    ``fold``, 0 to 2: hold out that third of the samples, as ``seed`` deals them, so that the three folds hold
    out every sample once.

    Features are scaled by minimum and maximum of the training part and spike at t = 1 − x, squeezed into
    ``window``; the bias spikes at the window's start in every sample. The window keeps spikes off the
    phase's edges, where a real spike of finite rise time has no place.
    """
    from sklearn.datasets import load_iris

    return _split(load_iris(), IRIS_HELD_OUT, seed, window, bias=True, fold=fold)


def digits(seed: int = 0, *, window: tuple[float, float] = (0.0, 1.0), held_out: int = 360) -> SpikeSplit:
    """Handwritten digits 8 × 8 (1797 samples), 64 inputs, t = 1 − x; a blank pixel is no spike."""
    from sklearn.datasets import load_digits

    return _split(load_digits(), held_out, seed, window, bias=False)
