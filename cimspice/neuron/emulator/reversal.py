"""Reversal potentials: which E belongs to which weight, and the checks every method shares."""

import numpy as np
from numpy.typing import ArrayLike

from cimspice.arrays import kept_array, real_array
from cimspice.errors import ParameterError


def checked_weights(weights: ArrayLike) -> np.ndarray:
    """``weights`` as a finite, read-only float64 array (out, in) of its own."""
    array = kept_array("weights", weights, ("neurons", "inputs"))
    if not array.size:
        raise ParameterError(
            f"weights have shape {array.shape}", place="weights", remedy="give a matrix (neurons, inputs)"
        )
    return array


def inverse_potentials(
    shape: tuple[int, ...], e_plus: ArrayLike, e_minus: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    """1/E⁺ (≥ 0) and 1/E⁻ (≤ 0), each broadcastable to the weights' ``shape``; infinite E gives 0."""
    inverses = []
    for name, value, sign in (("e_plus", e_plus, 1), ("e_minus", e_minus, -1)):
        potential = kept_array(name, value, (...,), infinite=True)
        try:
            np.broadcast_to(potential, shape)
        except ValueError:
            raise ParameterError(
                f"{name} of shape {potential.shape} does not fit weights of shape {shape}",
                place=name,
                remedy="give one number, or (out, 1), (1, in) or (out, in) of them",
            ) from None
        wrong = ~(sign * potential > 0)
        if wrong.any():
            raise ParameterError(
                f"{name} = {potential[wrong].flat[0] if potential.ndim else potential}",
                place=name,
                remedy=f"give a {'positive' if sign > 0 else 'negative'} number; infinite is ideal",
            )
        inverses.append(1.0 / potential)
    return inverses[0], inverses[1]


def conductances(weights: np.ndarray, e_plus: ArrayLike, e_minus: ArrayLike) -> np.ndarray:
    """w/E of each weight (out, in): ≥ 0, since E has the weight's sign; E⁺ counts for w ≥ 0."""
    inverse_plus, inverse_minus = inverse_potentials(weights.shape, e_plus, e_minus)
    return weights * np.where(weights >= 0, inverse_plus, inverse_minus)


def checked_times(times: ArrayLike, inputs: int) -> np.ndarray:
    """Spike times (batch, in) in [0, 1]; infinity (no spike) becomes 1, which contributes nothing either."""
    array = np.asarray(real_array("spike times", times), dtype=float)
    if array.ndim != 2 or array.shape[1] != inputs:
        raise ParameterError(
            f"spike times have shape {array.shape}, the layer has {inputs} inputs",
            place="spike times",
            remedy=f"give an array (batch, {inputs})",
        )
    if array.size == 0 or (array.min() >= 0 and array.max() <= 1):
        return array
    outside = ~((array >= 0) & ((array <= 1) | np.isposinf(array)))
    if outside.any():
        row, column = np.argwhere(outside)[0]
        raise ParameterError(
            f"spike time is {array[row, column]}",
            place=f"spike times[{row}, {column}]",
            remedy="spike times are fractions of the phase, in [0, 1]; 1 or infinity means no spike",
        )
    return np.minimum(array, 1.0)
