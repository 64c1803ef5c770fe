"""The two functions of x = fΔt that an exponential step and its derivatives are made of."""

from math import factorial

import numpy as np

# below x = 0.3 fourteen terms leave less than 1e-18
_SERIES = tuple((-1) ** n * (n + 1) / factorial(n + 2) for n in range(14))
_SERIES_LIMIT = 0.3
_TINY = 1e-300  # φ is one here, to the last digit


def phi(x: np.ndarray) -> np.ndarray:
    """(1 − e^(−x))/x for x ≥ 0, one at x = 0: the mean of an exponential decay over x time constants."""
    positive = np.maximum(x, _TINY)
    result = np.negative(positive)
    np.expm1(result, out=result)
    result /= positive
    return np.negative(result, out=result)


def psi(x: np.ndarray) -> np.ndarray:
    """−dφ/dx = (φ(x) − e^(−x))/x for x ≥ 0, one half at x = 0."""
    small = np.abs(x) < _SERIES_LIMIT
    near = np.zeros_like(x)
    base = np.where(small, x, 0.0)
    for coefficient in reversed(_SERIES):
        near = near * base + coefficient
    result = near
    np.divide(phi(x) - np.exp(-x), x, out=result, where=~small)
    return result
