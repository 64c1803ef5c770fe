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
    times = _of_outputs("times", times, infinite=True)
    first = times.min(axis=-1, keepdims=True)
    alone = np.count_nonzero(times == first, axis=-1) == 1
    return np.where(alone & (first[..., 0] < phase), times.argmin(axis=-1), NO_DECISION)


def strongest(outputs: ArrayLike) -> np.ndarray:
    """The largest output (last axis), of equal ones the first, as a digital comparison takes it;
    `NO_DECISION` where all are equal."""
    outputs = _of_outputs("outputs", outputs)
    silent = outputs.max(axis=-1) == outputs.min(axis=-1)
    return np.where(silent & (outputs.shape[-1] > 1), NO_DECISION, outputs.argmax(axis=-1))


def agreement(one: np.ndarray, other: np.ndarray) -> float:
    """Share of samples (samples,) in which both decide, and for the same class."""
    one, other = _pair(one, other)
    return float(np.mean((one == other) & (one != NO_DECISION)))


def undecided(one: np.ndarray, other: np.ndarray) -> float:
    """Share of samples (samples,) in which either decides nothing."""
    one, other = _pair(one, other)
    return float(np.mean((one == NO_DECISION) | (other == NO_DECISION)))


def _of_outputs(name: str, given: ArrayLike, *, infinite: bool = False) -> np.ndarray:
    """Numbers whose last axis is the outputs, of which there is one at least."""
    numbers = checked_array(name, given, (..., "outputs"), infinite=infinite)
    if not numbers.shape[-1]:
        raise ParameterError(
            f"{name} have shape {numbers.shape}", place=name, remedy="give at least one output"
        )
    return numbers


def _pair(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    pair = [checked_array("decisions", each, (...,), low=NO_DECISION, whole=True) for each in (one, other)]
    if pair[0].shape != pair[1].shape or not pair[0].size:
        raise ParameterError(
            f"decisions of shapes {pair[0].shape} and {pair[1].shape} are compared",
            place="decisions",
            remedy="give one of both for every sample, and at least one sample",
        )
    return pair[0], pair[1]


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
