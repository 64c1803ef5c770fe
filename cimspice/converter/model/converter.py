"""Signed differential converter by successive approximation, with a target that it subtracts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cimspice.arrays import Array, checked_array, checked_number, real_array
from cimspice.errors import ParameterError
from cimspice.fit.model import Model, register


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class SignedConverter(Model):
    """Codes −2^(bits−1) to 2^(bits−1) − 1, code 0 about 0 V; a threshold between each two."""

    kind: ClassVar[str] = "sram_signed_converter"
    parameter_units: ClassVar[Mapping[str, str]] = {
        "thresholds": "V",
        "step": "V",
        "target_step": "V",
        "target_offset": "V",
    }
    thresholds: Array
    """Differential input (V) at which the code turns from −2^(bits−1) + k to the next, rising, shape (2**bits
    − 1,)."""
    step: float
    """Of one code (V)."""
    target_step: float
    """Voltage (V) of one preloaded target code."""
    target_offset: float = 0.0
    """What preloading adds (V)."""
    offset_sigma: float = 0.0
    noise_sigma: float = 0.0
    """``offset_sigma``, ``noise_sigma``: standard deviations (V) of the input offset over instances, and of
    noise over conversions."""
    energy_joule: float = 0.0
    """Of one conversion (J)."""
    duration: float = 0.0
    """Of one conversion (s)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("offset_sigma", "noise_sigma", "energy_joule", "duration"):
            checked_number(name, getattr(self, name), low=0, place=self.kind)
        count = np.size(self.thresholds) + 1
        if np.ndim(self.thresholds) != 1 or count < 4 or count & (count - 1) or self.step <= 0:
            raise ParameterError(
                f"{count - 1} thresholds, step {self.step:g} V",
                place=self.kind,
                remedy="give 2**bits − 1 thresholds and a positive step",
            )
        if (np.diff(self.thresholds) < 0).any():
            raise ParameterError(
                "the thresholds fall somewhere",
                place=self.kind,
                remedy="sort them: a code that no input gives has two equal thresholds",
            )

    @classmethod
    def ideal(cls, bits: int = 6, full_scale: float = 0.08) -> SignedConverter:
        """Equal steps of ``full_scale`` / 2**(bits−1) (V), code 0 centred on 0 V."""
        half = 2 ** (bits - 1)
        step = full_scale / half
        return cls(thresholds=(np.arange(1 - half, half) - 0.5) * step, step=step, target_step=step)

    @property
    def bits(self) -> int:
        """Of the code, its sign included."""
        return len(self.thresholds).bit_length()

    @property
    def smallest_code(self) -> int:
        return -(2 ** (self.bits - 1))

    @property
    def largest_code(self) -> int:
        return 2 ** (self.bits - 1) - 1

    @property
    def integral_nonlinearity(self) -> Array:
        """Of every threshold against the line through the outermost two (steps), shape (2**bits − 1,)."""
        line = np.linspace(self.thresholds[0], self.thresholds[-1], len(self.thresholds))
        return (self.thresholds - line) / (line[1] - line[0])

    @property
    def differential_nonlinearity(self) -> Array:
        """Of every code but the outermost: its width in mean widths, less 1; shape (2**bits − 2,)."""
        widths = np.diff(self.thresholds)
        return widths / widths.mean() - 1

    def draw(self, seed: int, shape: tuple[int, ...]) -> Array:
        """Input offsets (V) of particular converters, for instance of shape (chips, converters)."""
        return self.offset_sigma * np.random.default_rng(seed).standard_normal(shape)

    def __call__(
        self,
        difference: ArrayLike,
        *,
        target_code: ArrayLike | None = None,
        offset: ArrayLike = 0.0,
        noise: np.random.Generator | None = None,
    ) -> Array:
        """Convert.

        Parameters
        ----------
        difference
            Differential input (V), any shape.
        target_code
            If given, target − output is converted: the input is connected the other way round and the target
            preloaded on the capacitor array. Integers from −largest to largest code, broadcast.
        offset
            Input offset (V) of the instance, from :meth:`draw`.
        noise
            Where the noise of every conversion is drawn from; none if not given.

        Returns
        -------
        Array
            Integer codes; what is beyond the range gets the outermost.

        Raises
        ------
        ParameterError
            If an input is not finite, or a target is no code.
        """
        volts = np.asarray(real_array("differences", difference), dtype=float)
        if not np.isfinite(volts).all():
            raise ParameterError("an input is not finite", place="difference", remedy="give finite voltages")
        self._check(difference=volts)
        if target_code is not None:
            volts = self._targets(target_code) - volts
        volts = volts + checked_array("offsets", offset, (...,))
        if noise is not None:
            volts = volts + self.noise_sigma * noise.standard_normal(volts.shape)
        return np.searchsorted(self.thresholds, volts, side="right") + self.smallest_code

    def saturated(self, difference: Array) -> int:
        """How many differential inputs (V), offsets included, lie beyond what the end codes stand for."""
        low, high = self.thresholds[0] - self.step, self.thresholds[-1] + self.step
        return int(np.count_nonzero((difference < low) | (difference > high)))

    def value(self, code: ArrayLike) -> Array:
        """The voltage (V) that a code stands for."""
        return np.asarray(code) * self.step

    def _targets(self, target_code: ArrayLike) -> Array:
        codes = np.asarray(target_code)
        low, high = -self.largest_code, self.largest_code
        if not ((codes == np.round(codes)) & (codes >= low) & (codes <= high)).all():
            raise ParameterError(
                f"target code {np.ravel(codes)[:4]} is not an integer from {low} to {high}",
                place="target_code",
                remedy="scale the target to the converter's range",
            )
        return codes * self.target_step + np.where(codes != 0, self.target_offset, 0.0)
