"""Roots of rising functions, many at once."""

from collections.abc import Callable

import numpy as np

_STEPS = 200
_TOLERANCE = 1e-13

Rising = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""x -> value and derivative of a function that rises in x, elementwise."""


def rising_root(
    function: Rising, low: np.ndarray, high: np.ndarray, start: np.ndarray | None = None
) -> np.ndarray:
    """Where ``function`` is zero between ``low`` and ``high``: Newton's steps, halving where one leaves.

    Parameters
    ----------
    function
        Value and derivative, elementwise; not above zero at ``low``, not below zero at ``high``.
    low, high
        Brackets, arrays of one shape.
    start
        First guess; the middle of the brackets if there is none.
    """
    low, high = np.array(low, dtype=float), np.array(high, dtype=float)
    x = (low + high) / 2 if start is None else np.clip(start, low, high)
    reach = _TOLERANCE * (1 + np.maximum(np.abs(low), np.abs(high)))
    for _ in range(_STEPS):
        value, slope = function(x)
        low, high = np.where(value <= 0, x, low), np.where(value <= 0, high, x)
        with np.errstate(divide="ignore", invalid="ignore"):
            following = x - value / slope
        following = np.where((following >= low) & (following <= high), following, (low + high) / 2)
        moved = np.abs(following - x)
        x = following
        if np.all(moved <= reach):
            break
    return x
