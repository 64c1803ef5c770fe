"""Hyperparameters of the covariance of a Gaussian process over warped inputs and shifted categories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

_LENGTH, _SHIFT, _WARP = 1.5, 0.3, 2.0  # widths of the priors: of ln(length scale), of a shift, of a warp
_BOUNDS = {
    "amplitude": (-9.0, 7.0),
    "length": (-3.5, 3.5),
    "noise": (-18.0, -9.0),  # simulations have next to none: more would only blur what the fit cannot follow
    "shift": (-1.0, 1.0),
    "warp": (-6.0, 6.0),
}
_STRAIGHT = 1e-4  # a warp below is its own first order


class Samples(NamedTuple):
    """Inputs (n, d), scaled to 0 … 1, and categories (n,), integers from 0."""

    inputs: np.ndarray
    category: np.ndarray


@dataclass(frozen=True)
class Hyperparameters:
    """Numbers of the covariance, in the form that is optimised.

    ``values`` holds ln a, ln of the length scales (d,), ln b, ln of the length scales of the category's own
    part (d,), ln of the noise, the shifts of all categories but the first, row by row, then the warps (d,).
    """

    values: np.ndarray
    inputs: int
    categories: int

    @classmethod
    def starts(cls, inputs: int, categories: int) -> list[Hyperparameters]:
        """Where to begin a search, whose valleys are several: length scales of the range or more, categories
        alike or nearly so, next to no noise.
        """
        found = []
        for length, own in ((0.0, 0.1), (1.0, 0.1), (0.0, 0.02)):
            parts = [np.log(3.0), *[length] * inputs, np.log(own), *[length] * inputs]
            rest = [0.0] * ((categories - 1) * inputs + inputs)
            found.append(cls(np.array([*parts, -14.0, *rest]), inputs, categories))
        return found

    @property
    def parts(self) -> list[tuple[float, np.ndarray]]:
        """Variance and inverse squared length scales of the common and of the category's own part."""
        width = 1 + self.inputs
        return [
            (float(np.exp(2 * part[0])), np.exp(-2 * part[1:]))
            for part in (self.values[:width], self.values[width : 2 * width])
        ]

    @property
    def noise(self) -> float:
        """Variance of what no input explains."""
        return float(np.exp(2 * self.values[self._noise_index]))

    @property
    def shifts(self) -> np.ndarray:
        """Shift of each category in warped inputs, (categories, inputs); that of the first is zero."""
        moved = self.values[self._noise_index + 1 : -self.inputs]
        return np.vstack([np.zeros(self.inputs), moved.reshape(self.categories - 1, self.inputs)])

    @property
    def _noise_index(self) -> int:
        return 2 * (1 + self.inputs)

    def warped(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Inputs (n, d) as the covariance sees them, again 0 … 1, and their derivatives by the warps.

        w(x) = ln(1 + x (e^κ − 1))/κ stretches the lower end for κ > 0, the upper one for κ < 0: for what is
        steep at one end of an axis, as a transistor that leaves saturation.
        """
        warps = self.values[-self.inputs :]
        bent = np.abs(warps) > _STRAIGHT
        safe = np.where(bent, warps, 1.0)
        stretched = 1 + inputs * np.expm1(safe)
        warped = np.log(stretched) / safe
        slope = (inputs * np.exp(safe) / stretched - warped) / safe
        first = inputs * (1 - inputs) / 2
        return np.where(bent, warped, inputs + warps * first), np.where(bent, slope, first)

    def bounds(self) -> list[tuple[float, float]]:
        """Of each value."""
        part = [_BOUNDS["amplitude"], *[_BOUNDS["length"]] * self.inputs]
        shifts = [_BOUNDS["shift"]] * ((self.categories - 1) * self.inputs)
        return [*part, *part, _BOUNDS["noise"], *shifts, *[_BOUNDS["warp"]] * self.inputs]

    def prior(self) -> tuple[float, np.ndarray]:
        """−ln of the prior's density, and its gradient."""
        width = np.full(len(self.values), np.inf)
        for start in (1, 2 + self.inputs):
            width[start : start + self.inputs] = _LENGTH
        width[self._noise_index + 1 : -self.inputs] = _SHIFT
        width[-self.inputs :] = _WARP
        scaled = self.values / width
        return 0.5 * float(scaled @ scaled), scaled / width
