"""The two functions of x = fΔt that an exponential step and its derivatives are made of."""

from math import factorial
from typing import Any

import numpy as np

from cimspice.arrays import namespace

# below x = 0.3 fourteen terms leave less than 1e-18
_SERIES = tuple((-1) ** n * (n + 1) / factorial(n + 2) for n in range(14))
_PHI_SERIES = tuple((-1) ** n / factorial(n + 1) for n in range(15))
_SERIES_LIMIT = 0.3
_TINY = 1e-300  # φ is one here, to the last digit


def phi(x: Any) -> Any:
    """(1 − e^(−x))/x for x ≥ 0, one at x = 0: the mean of an exponential decay over x time constants.

    Arrays of other libraries take a series below x = 0.3: the quotient's derivative has no digits there.
    """
    if not isinstance(x, np.ndarray):
        return _differentiable_phi(x)
    positive = np.maximum(x, _TINY)
    result = np.negative(positive)
    np.expm1(result, out=result)
    result /= positive
    return np.negative(result, out=result)


def _differentiable_phi(x: Any) -> Any:
    xp = namespace(x)
    small = x < _SERIES_LIMIT
    base, far = xp.where(small, x, 0.0), xp.where(small, _SERIES_LIMIT, x)
    near = xp.zeros_like(x)
    for coefficient in reversed(_PHI_SERIES):
        near = near * base + coefficient
    return xp.where(small, near, -xp.expm1(-far) / far)


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
