"""Reversal potentials: which E belongs to which weight, and the checks every method shares."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cimspice.arrays import foreign, kept_array, like, namespace, real_array, values
from cimspice.errors import ParameterError


def checked_weights(weights: Any) -> Any:
    """``weights`` (out, in), finite, as a read-only float64 array of its own; an array of another library
    than numpy stays itself, with its gradients.
    """
    array = kept_array("weights", values(weights) if foreign(weights) else weights, ("neurons", "inputs"))
    if not array.size:
        raise ParameterError(
            f"weights have shape {array.shape}", place="weights", remedy="give a matrix (neurons, inputs)"
        )
    return weights if foreign(weights) else array


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


def conductances(weights: Any, e_plus: ArrayLike, e_minus: ArrayLike) -> Any:
    """w/E of each weight (out, in): ≥ 0, since E has the weight's sign; E⁺ counts for w ≥ 0."""
    plus, minus = (like(each, weights) for each in inverse_potentials(weights.shape, e_plus, e_minus))
    return weights * namespace(weights).where(weights >= 0, plus, minus)


def checked_times(times: Any, inputs: int) -> Any:
    """Spike times (batch, in) in [0, 1]; infinity (no spike) becomes 1, which contributes nothing either.

    An array of another library than numpy stays one of it, in its precision.
    """
    if foreign(times) and "float" not in str(times.dtype):
        raise ParameterError(
            f"spike times are of type {times.dtype}",
            place="spike times",
            remedy="give floating-point numbers",
        )
    array = times if foreign(times) else np.asarray(real_array("spike times", times), dtype=float)
    xp = namespace(array)
    if array.ndim != 2 or array.shape[1] != inputs:
        raise ParameterError(
            f"spike times have shape {array.shape}, the layer has {inputs} inputs",
            place="spike times",
            remedy=f"give an array (batch, {inputs})",
        )
    if 0 in array.shape or (xp.min(array) >= 0 and xp.max(array) <= 1):
        return array
    found = values(array)
    outside = ~((found >= 0) & ((found <= 1) | np.isposinf(found)))
    if outside.any():
        row, column = np.argwhere(outside)[0]
        raise ParameterError(
            f"spike time is {found[row, column]}",
            place=f"spike times[{row}, {column}]",
            remedy="spike times are fractions of the phase, in [0, 1]; 1 or infinity means no spike",
        )
    return xp.clip(array, 0.0, 1.0)
