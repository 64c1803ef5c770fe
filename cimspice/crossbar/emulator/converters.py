"""Converters at the edges of tiles, on numpy arrays and on those of other array libraries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from cimspice.arrays import checked_count, checked_number, kept_array, namespace
from cimspice.errors import ParameterError

Calibration = Literal["percentile", "least error"]
_SHARES = np.linspace(0.05, 1.0, 39)
"""Of the largest current, the ranges among which that of the least error is sought."""


def rounded(x: Any) -> Any:
    """Nearest whole numbers; gradients of torch tensors pass straight through."""
    found = namespace(x).round(x)
    return x + (found - x).detach() if getattr(x, "requires_grad", False) else found


def to_lines(x: Any, scale: float, signed: bool, bits: int | None, limited: bool) -> Any:
    """Inputs limited to ``scale`` in magnitude, and rounded to the steps of a DAC (of either sign)."""
    step = None if bits is None else scale / (2**bits - 1)
    if isinstance(x, np.ndarray):
        lines = np.clip(x, -scale if signed else 0.0, scale) if limited else np.array(x, dtype=float)
        if step is not None:
            lines /= step
            np.rint(lines, out=lines)
            lines *= step
        return lines
    lines = namespace(x).clip(x, -scale if signed else 0.0, scale) if limited else x
    return lines if step is None else rounded(lines / step) * step


@dataclass(frozen=True, eq=False)
class Adc:
    """Converters of what a tile's outputs sum, currents of both signs or of one.

    Codes are whole numbers up to 2^(bits - 1) - 1 in magnitude, or from 0 to 2^bits - 1; currents beyond are
    saturated.

    Attributes
    ----------
    bits
        At least 2.
    ranges
        Of each tile (tiles below one another, tiles side by side): the current of the largest code, A.
    signed
        Whether currents have both signs.
    """

    bits: int
    ranges: np.ndarray
    signed: bool = True

    def __post_init__(self) -> None:
        checked_count("bits", self.bits, low=2, high=24, place="Adc")
        least = np.finfo(float).tiny
        object.__setattr__(
            self, "ranges", kept_array("ranges", self.ranges, ("tile rows", "tile columns"), low=least)
        )

    @property
    def largest(self) -> int:
        """Code."""
        return _largest(self.bits, self.signed)

    @property
    def steps(self) -> np.ndarray:
        """Current of one code of each tile (A)."""
        return self.ranges / self.largest

    def codes(self, unrounded: Any) -> Any:
        """Codes of currents that are given in steps; a numpy array is overwritten."""
        low = -self.largest if self.signed else 0
        if isinstance(unrounded, np.ndarray):
            np.rint(unrounded, out=unrounded)
            return np.clip(unrounded, low, self.largest, out=unrounded)
        return namespace(unrounded).clip(rounded(unrounded), low, self.largest)

    def saturated(self, unrounded: np.ndarray) -> int:
        """How many of the currents, given in steps, are beyond the largest code by more than half a step."""
        return int(np.count_nonzero(np.abs(unrounded) > self.largest + 0.5))


def _largest(bits: int, signed: bool) -> int:
    return 2 ** (bits - signed) - 1


def calibrated_range(
    currents: np.ndarray,
    bits: int,
    by: Calibration = "percentile",
    percentile: float = 100.0,
    signed: bool = True,
) -> float:
    """Range (A) of a converter for these currents (A): a percentile of their magnitudes, or that with the
    least mean square error.
    """
    magnitude = np.abs(currents).ravel()
    checked_number("percentile", percentile, above=0, high=100, place="calibrated_range")
    if by == "percentile":
        found = float(np.percentile(magnitude, percentile))
    elif by == "least error":
        most = _largest(bits, signed)
        steps = _SHARES * magnitude.max(initial=0.0) / most
        errors = [_error(magnitude, step, most) for step in steps]
        found = float(steps[np.argmin(errors)] * most)
    else:
        raise ParameterError(
            f"ranges by {by!r}", place="adc_calibration", remedy="use 'percentile' or 'least error'"
        )
    # no current at all: any range will do
    return found or float(magnitude.max(initial=0.0)) or 1e-6


def _error(magnitude: np.ndarray, step: float, most: int) -> float:
    if not step:
        return 0.0
    return float(np.mean((np.minimum(np.rint(magnitude / step), most) * step - magnitude) ** 2))
