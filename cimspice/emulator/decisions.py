"""What a network decides, and the samples for which it decides nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cimspice.arrays import checked_array
from cimspice.errors import ParameterError

NO_DECISION = -1
"""In place of a class where the outputs single none out."""


def earliest(times: ArrayLike, phase: float = np.inf) -> np.ndarray:
    """The output (last axis of ``times``) that spikes first; `NO_DECISION` where none spikes before
    ``phase`` ends, or several spike first at exactly the same time."""
    times = np.asarray(times)
    first = times.min(axis=-1, keepdims=True)
    alone = np.count_nonzero(times == first, axis=-1) == 1
    return np.where(alone & (first[..., 0] < phase), times.argmin(axis=-1), NO_DECISION)


def strongest(outputs: ArrayLike) -> np.ndarray:
    """The largest output (last axis), of equal ones the first, as a digital comparison takes it;
    `NO_DECISION` where all are equal."""
    outputs = checked_array("outputs", outputs, (..., "outputs"))
    silent = outputs.max(axis=-1) == outputs.min(axis=-1)
    return np.where(silent & (outputs.shape[-1] > 1), NO_DECISION, outputs.argmax(axis=-1))


def agreement(one: np.ndarray, other: np.ndarray) -> float:
    """Share of samples (samples,) in which both decide, and for the same class."""
    _check_pair(one, other)
    return float(np.mean(np.equal(one, other) & np.not_equal(one, NO_DECISION)))


def undecided(one: np.ndarray, other: np.ndarray) -> float:
    """Share of samples (samples,) in which either decides nothing."""
    _check_pair(one, other)
    return float(np.mean(np.equal(one, NO_DECISION) | np.equal(other, NO_DECISION)))


def _check_pair(one: np.ndarray, other: np.ndarray) -> None:
    if np.shape(one) != np.shape(other) or not np.size(one):
        raise ParameterError(
            f"decisions of shapes {np.shape(one)} and {np.shape(other)} are compared",
            place="decisions",
            remedy="give one of both for every sample, and at least one sample",
        )


def share_right(decided: np.ndarray, labels: object, classes: int) -> float:
    """Share of samples (samples,) whose decision is their label; no decision is wrong.

    Raises
    ------
    ParameterError
        For labels of another shape, that are no class, and where there is no sample.
    """
    if not decided.size:
        raise ParameterError("accuracy of no samples", place="labels", remedy="give at least one sample")
    known = checked_array("labels", labels, decided.shape, low=0, high=classes - 1, whole=True)
    return float(np.mean(decided == known))
