"""Noise of measured values: how it is distributed over the rows of a fit, and how large it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize

from cimspice.errors import TableError
from cimspice.fit.table import DEVIATION, RESOLUTION

WEIGHTINGS = ("absolute", "relative")
BY_COLUMN = "by column"
_PASSES = 8
_SETTLED = 1e-6
_SMALLEST = 1e-6
"""Relative noise of values below this share of the largest is taken as that of the share."""


@dataclass(frozen=True, eq=False)
class Noise:
    """σ² = s² a² + q² of each observation: s is unknown, a is 1, the value or a column, q of its digits."""

    observed: np.ndarray
    """Observations (m,)."""
    resolution: np.ndarray
    """q (m,), in the same unit."""
    weightings: tuple[str, ...]
    """Those that are tried; the most probable is taken."""
    deviation: np.ndarray
    """a (m,) of the weighting :data:`BY_COLUMN`."""

    @classmethod
    def of(cls, rows: pd.DataFrame, column: str) -> Noise | None:
        """That of a table's column; None of a simulated one, unless a weighting was asked for."""
        asked = rows.attrs.get("weighting", "")
        if not (asked or rows.attrs.get("measured")):
            return None
        zeros = pd.Series(0.0, index=rows.index)
        if DEVIATION in rows and not (rows[DEVIATION] > 0).all():
            raise TableError(
                "a standard deviation is 0",
                place=f"row {rows.index[int(np.argmin(rows[DEVIATION].to_numpy()))]}",
                remedy="give positive ones, or leave the row out",
            )
        return cls(
            rows[column].to_numpy(),
            rows.get(RESOLUTION, zeros).to_numpy(),
            (asked,) if asked else WEIGHTINGS,
            rows.get(DEVIATION, zeros).to_numpy(),
        )

    def spread(self, weighting: str, error: np.ndarray) -> np.ndarray:
        """a (m,), where ``error`` is model − observed."""
        if weighting == "absolute":
            return np.ones_like(error)
        if weighting == BY_COLUMN:
            return self.deviation
        size = np.abs(self.observed + error)
        return np.maximum(size, _SMALLEST * np.max(size))

    def deviations(self, weighting: str, error: np.ndarray, freedom: int) -> np.ndarray:
        """σ (m,) with the s at which Σ (error/σ)² is the number of degrees of freedom."""
        spread = self.spread(weighting, error)
        exact = 1e-32 * float(np.max((self.observed / spread) ** 2))
        largest = max(float(np.sum((error / spread) ** 2)) / max(freedom, 1), exact, 1e-300)

        def excess(log_level: float) -> float:
            return float(np.sum(error**2 / (np.exp(log_level) * spread**2 + self.resolution**2))) - freedom

        ends = np.log(largest) - 28.0, np.log(largest)
        if excess(ends[0]) <= 0:  # the digits alone explain it
            level = float(np.exp(ends[0]))
        elif excess(ends[1]) < 0:
            root: Any = optimize.brentq(excess, *ends, xtol=1e-9)
            level = float(np.exp(root))
        else:
            level = largest
        return np.sqrt(level * spread**2 + self.resolution**2)


def settle(
    noise: Noise, per: np.ndarray, freedom: int, minimise: Callable[[np.ndarray, Any], Any], residuals: Any
) -> tuple[Any, np.ndarray, str]:
    """Fit and noise in turn until they agree, for each weighting; the most probable one's.

    Parameters
    ----------
    per
        Change of each residual per unit of its observation (m,).
    minimise
        Function of σ of the residuals (m,) and of the result before (None at first) that gives a result.
    residuals
        Function of a result that gives the residuals (m,).

    Returns
    -------
    Result, σ of the residuals (m,), weighting.
    """
    found: list[tuple[float, Any, np.ndarray, str]] = []
    for weighting in noise.weightings:
        sigma, result = per * noise.spread(weighting, np.zeros_like(per)), None
        for _ in range(_PASSES):
            result = minimise(sigma, result)
            error = residuals(result) / per
            before, sigma = sigma, per * noise.deviations(weighting, error, freedom)
            if np.all(np.abs(sigma / before - 1) < _SETTLED):
                break
        deviance = float(np.sum(2 * np.log(sigma) + (residuals(result) / sigma) ** 2))
        found.append((deviance, result, sigma, weighting))
    _, result, sigma, weighting = min(found, key=lambda entry: entry[0])
    return result, sigma, weighting
