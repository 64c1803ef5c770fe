"""The two functions of x = fΔt that an exponential step and its derivatives are made of."""

from __future__ import annotations

from math import factorial

import numpy as np

# below x = 0.3 fourteen terms leave less than 1e-18
_SERIES = tuple((-1) ** n * (n + 1) / factorial(n + 2) for n in range(14))
_SERIES_LIMIT = 0.3


def phi(x: np.ndarray) -> np.ndarray:
    """(1 − e^(−x))/x, one at x = 0: the mean of an exponential decay over a step of x time constants."""
    result = np.ones_like(x)
    np.divide(-np.expm1(-x), x, out=result, where=x != 0)
    return result


def psi(x: np.ndarray) -> np.ndarray:
    """−dφ/dx = (φ(x) − e^(−x))/x, one half at x = 0."""
    small = np.abs(x) < _SERIES_LIMIT
    near = np.zeros_like(x)
    base = np.where(small, x, 0.0)
    for coefficient in reversed(_SERIES):
        near = near * base + coefficient
    result = near
    np.divide(phi(x) - np.exp(-x), x, out=result, where=~small)
    return result
