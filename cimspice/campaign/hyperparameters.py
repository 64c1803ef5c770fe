"""Hyperparameters of the covariance of a Gaussian process over warped inputs and shifted categories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import NamedTuple

import numpy as np

# widths of the priors: of ln(length scale), of mixing, of a shift, of a warp
_LENGTH, _MIXING, _SHIFT, _WARP = 1.5, 1.0, 0.3, 2.0
_BOUNDS = {
    "amplitude": (-9.0, 7.0),
    "length": (-3.5, 3.5),
    "mixing": (-5.0, 5.0),
    "noise": (-18.0, -9.0),  # simulations have next to none: more would only blur what the fit cannot follow
    "shift": (-1.0, 1.0),
    "warp": (-6.0, 6.0),
}
_STRAIGHT = 1e-4  # a warp below is its own first order


class Samples(NamedTuple):
    """Inputs (n, d), scaled to 0 … 1, and categories (n,), integers from 0."""

    inputs: np.ndarray
    category: np.ndarray


class Part(NamedTuple):
    """One part of a covariance: its variance, and the metric (d, d) that takes a difference of warped inputs
    to one whose length decides the correlation.
    """

    variance: float
    metric: np.ndarray


@dataclass(frozen=True)
class Hyperparameters:
    """Numbers of the covariance, in the form that is optimised.

    ``values`` holds, of the part that categories have in common and then of each category's own: ln of the
    amplitude, ln of the length scales (d,), the mixing (d (d − 1)/2,); then ln of the noise, the shifts of
    all categories but the first, row by row, and the warps (d,). The mixing adds to each input some of those
    before it, for what happens along lines across two axes, as the end of a transistor's saturation does.
    ``mixed`` false leaves it out, which suits points on a full grid.
    """

    values: np.ndarray
    inputs: int
    categories: int
    mixed: bool = True

    @classmethod
    def starts(cls, inputs: int, categories: int, *, mixed: bool = True) -> list[Hyperparameters]:
        """Where to begin a search, whose valleys are several: length scales of the range or more, categories
        alike or nearly so, nothing mixed, next to no noise.
        """
        found = []
        for length, own in ((0.0, 0.1), (1.0, 0.1), (0.0, 0.02)):
            start = cls(np.zeros(_size(inputs, categories, mixed)), inputs, categories, mixed)
            for amplitude, (first, lengths, _) in zip((3.0, own), start._parts, strict=True):
                start.values[first] = np.log(amplitude)
                start.values[lengths] = length
            start.values[start._noise] = -14.0
            found.append(start)
        return found

    def moved(self, values: np.ndarray) -> Hyperparameters:
        """Others of the same kind."""
        return replace(self, values=values)

    @cached_property
    def parts(self) -> tuple[Part, Part]:
        """The common part, and the category's own."""
        common, own = (self._part(*places) for places in self._parts)
        return common, own

    def part_gradients(self, by: Sequence[tuple[float, np.ndarray]]) -> np.ndarray:
        """Derivatives by the values of the parts, given those by ln of each variance and by each metric."""
        gradient = np.zeros(len(self.values))
        for (first, lengths, mixing), part, (by_variance, by_metric) in zip(
            self._parts, self.parts, by, strict=True
        ):
            gradient[first] = 2 * by_variance
            gradient[lengths] = -np.sum(by_metric * part.metric, axis=1)
            if self.mixed:
                scaled = by_metric * np.exp(-self.values[lengths])[:, None]
                gradient[mixing] = scaled[_below(self.inputs)]
        return gradient

    @property
    def noise(self) -> float:
        """Variance of what no input explains."""
        return float(np.exp(2 * self.values[self._noise]))

    @property
    def shifts(self) -> np.ndarray:
        """Shift of each category in warped inputs, (categories, inputs); that of the first is zero."""
        moved = self.values[self._noise + 1 : -self.inputs]
        return np.vstack([np.zeros(self.inputs), moved.reshape(self.categories - 1, self.inputs)])

    def _part(self, first: int, lengths: slice, mixing: slice) -> Part:
        mixed = np.eye(self.inputs)
        if self.mixed:
            mixed[_below(self.inputs)] = self.values[mixing]
        metric = np.exp(-self.values[lengths])[:, None] * mixed
        return Part(float(np.exp(2 * self.values[first])), metric)

    @property
    def _parts(self) -> list[tuple[int, slice, slice]]:
        """Where amplitude, length scales and mixing of either part stand."""
        width = _part_size(self.inputs, self.mixed)
        return [
            (at, slice(at + 1, at + 1 + self.inputs), slice(at + 1 + self.inputs, at + width))
            for at in (0, width)
        ]

    @property
    def _noise(self) -> int:
        return 2 * _part_size(self.inputs, self.mixed)

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
        mixing = [_BOUNDS["mixing"]] * (_part_size(self.inputs, self.mixed) - 1 - self.inputs)
        part = [_BOUNDS["amplitude"], *[_BOUNDS["length"]] * self.inputs, *mixing]
        shifts = [_BOUNDS["shift"]] * ((self.categories - 1) * self.inputs)
        return [*part, *part, _BOUNDS["noise"], *shifts, *[_BOUNDS["warp"]] * self.inputs]

    def prior(self) -> tuple[float, np.ndarray]:
        """−ln of the prior's density, and its gradient."""
        width = np.full(len(self.values), np.inf)
        for _, lengths, mixing in self._parts:
            width[lengths], width[mixing] = _LENGTH, _MIXING
        width[self._noise + 1 : -self.inputs] = _SHIFT
        width[-self.inputs :] = _WARP
        scaled = self.values / width
        return 0.5 * float(scaled @ scaled), scaled / width


@cache
def _below(inputs: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices below a metric's diagonal."""
    rows, columns = np.tril_indices(inputs, -1)
    return rows, columns


def _part_size(inputs: int, mixed: bool) -> int:
    """Values of one part."""
    return 1 + inputs + (inputs * (inputs - 1) // 2 if mixed else 0)


def _size(inputs: int, categories: int, mixed: bool) -> int:
    """Values of all."""
    return 2 * _part_size(inputs, mixed) + 1 + categories * inputs
