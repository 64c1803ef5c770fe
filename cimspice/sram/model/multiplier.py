"""Charge-based multiplication of a column's two discharges by a digital input, bit by bit.

Two equal capacitors per line (Kang et al., JSSC 53 (2018) 642): for every bit of the input, least significant
first, one of them is connected to the line (bit 1) or to the precharge voltage (bit 0) and then shares its
charge with the other: V ← (V + x_k ΔV) / 2. After B bits the discharge is x/2^B of the line's. A capacitor
takes charge off the line, more for a code with many ones, and the other line follows through the coupling
between the two; the switches inject charge. So for every code the output is a polynomial of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cimspice.arrays import Array, checked_array, kept_array, real_array
from cimspice.errors import ParameterError
from cimspice.fit.model import Model, register


@dataclass(frozen=True, eq=False)
class MultiplierSpread:
    """Mismatch of particular multipliers; arrays of shape (..., 2): line, complement.

    ``gain`` is relative (0: nominal), ``offset`` in V of output, ``imbalance`` the difference of both
    capacitors, the one that takes the line less the one that puts out, over either.
    """

    gain: Array
    offset: Array
    imbalance: Array | float = 0.0

    def __post_init__(self) -> None:
        for name in ("gain", "offset", "imbalance"):
            object.__setattr__(self, name, kept_array(f"{name}s of multipliers", getattr(self, name), (...,)))


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class ChargeMultiplier(Model):
    """V = offset[x] + gain[x] D + cross_gain[x] D' + curvature[x] D², D and D' the two lines' discharge."""

    kind: ClassVar[str] = "sram_charge_multiplier"
    parameter_units: ClassVar[Mapping[str, str]] = {
        "offset": "V",
        "gain": "1",
        "cross_gain": "1",
        "curvature": "1/V",
    }
    offset: Array
    """By input code (V), shape (2**bits,)."""
    gain: Array
    cross_gain: Array
    """``gain``, ``cross_gain``: by input code, shape (2**bits,)."""
    curvature: Array
    """By input code (1/V), shape (2**bits,)."""
    gain_sigma: float = 0.0
    offset_sigma: float = 0.0
    """``gain_sigma``, ``offset_sigma``: standard deviations over instances: of the relative gain, of the
    offset (V), each line its own."""
    energy_joule: float = 0.0
    """Of one multiplication in one column, both lines and the drivers that belong to the column (J)."""
    duration: float = 0.0
    """Of one multiplication (s)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        sizes = {np.shape(getattr(self, name)) for name in self.parameter_units}
        codes = len(np.atleast_1d(self.gain))
        if len(sizes) > 1 or codes < 2 or codes & (codes - 1):
            raise ParameterError(
                f"coefficients of shapes {sorted(sizes)}",
                place=self.kind,
                remedy="give one of each per input code, a power of two in all",
            )

    @classmethod
    def ideal(cls, bits: int = 4) -> ChargeMultiplier:
        """D x / 2**bits, without mismatch or energy."""
        zero = np.zeros(2**bits)
        return cls(offset=zero, gain=np.arange(2**bits) / 2**bits, cross_gain=zero, curvature=zero)

    @property
    def bits(self) -> int:
        """Of the input."""
        return len(self.gain).bit_length() - 1

    @property
    def imbalance_gain(self) -> Array:
        """Relative change of the output over ``imbalance``, shape (2**bits,), from charge conservation.

        With r the share of the capacitor that takes the line, V = D Σ_k x_k r (1 − r)^(B−1−k).
        """
        later = np.arange(self.bits)[::-1]  # sharings after that of bit k
        taken = ((np.arange(len(self.gain))[:, None] >> np.arange(self.bits)) & 1) * 0.5**later
        whole = taken.sum(axis=1)
        return 0.5 * (taken * (1 - later)).sum(axis=1) / np.where(whole > 0, whole, 1.0)

    def draw(self, seed: int, shape: tuple[int, ...]) -> MultiplierSpread:
        """Multipliers of particular chips, for instance of shape (chips, columns)."""
        normal = np.random.default_rng(seed).standard_normal((2, *shape, 2))
        return MultiplierSpread(self.gain_sigma * normal[0], self.offset_sigma * normal[1])

    def __call__(
        self, discharge: ArrayLike, code: ArrayLike, spread: MultiplierSpread | None = None
    ) -> Array:
        """Discharge (V) of the output capacitors.

        Parameters
        ----------
        discharge
            Of line and complement (V), shape (..., 2), as ``Reading.discharge`` has it.
        code
            Input, an integer from 0 to 2**bits − 1, shape (...).
        spread
            Mismatch, broadcast with ``discharge``; nominal if not given.

        Returns
        -------
        Array
            Shape (..., 2). The signed product is complement minus line, ``out[..., 1] − out[..., 0]``.

        Raises
        ------
        ParameterError
            If a code is no integer of the range, or the discharges are not finite pairs.
        """
        volts = checked_array("discharges of line and complement", discharge, (..., 2))
        index = self._index(code)
        self._check(discharge=volts)
        offset, gain, cross, curvature = (
            getattr(self, name)[index][..., None] for name in self.parameter_units
        )
        out = offset + gain * volts + cross * volts[..., ::-1] + curvature * volts**2
        if spread is None:
            return out
        change = spread.gain + self.imbalance_gain[index][..., None] * spread.imbalance
        return out * (1 + change) + spread.offset

    def _index(self, code: ArrayLike) -> Array:
        values = real_array("input codes", code)
        index = values.astype(int) if np.isfinite(values.astype(float)).all() else np.array(-1)
        if (index != values).any() or (index < 0).any() or (index >= len(self.gain)).any():
            raise ParameterError(
                f"input code {np.ravel(values)[:4]} is not an integer from 0 to {len(self.gain) - 1}",
                place="code",
                remedy=f"quantise the input to {self.bits} bits",
            )
        return index
