"""Pulse widths that weight the bits of a word, and an error by which the whole word is to be multiplied."""

import numpy as np

from cimspice.arrays import Array, checked_array, checked_count
from cimspice.errors import MappingError


def power_codes(bits: int, largest_code: int, *, factors: int = 1) -> Array:
    """Codes m 2^k for factors m = 1, 2, ... and bits k, shape (factors, bits).

    Raises
    ------
    MappingError
        If one is longer than the longest pulse.
    """
    for name, value in (("bits", bits), ("largest_code", largest_code), ("factors", factors)):
        checked_count(name, value, error=MappingError)
    codes = np.arange(1, factors + 1)[:, None] * (1 << np.arange(bits))
    if codes.max() > largest_code:
        raise MappingError(
            f"factor {factors} on {bits} bits needs a pulse of {codes.max()} units, the longest has "
            f"{largest_code}",
            place="bits",
            remedy=f"use factors of at most {largest_code >> (bits - 1)}, slices of fewer bits, or longer "
            "pulses",
        )
    return codes


def compensated_codes(widths: Array, bits: int, *, factors: int = 1) -> Array:
    """Codes whose effective widths are nearest to s m 2^k, shape (factors, bits).

    The edges take the same off every pulse, so that the effective widths of codes 1, 2, 4, 8 are not as 1 : 2
    : 4 : 8. The scale s is that with the least squares of error over s, among all that the longest pulse
    allows.

    Parameters
    ----------
    widths
        Effective widths of codes 1, 2, ... in units of code 1's nominal width, shape (largest code,).
    bits
        Of a slice.
    factors
        Largest m.

    Raises
    ------
    MappingError
        If even the plain codes are longer than the longest pulse.
    """
    widths = checked_array("widths", widths, ("codes",), low=0, error=MappingError)
    if (np.diff(widths) <= 0).any():
        raise MappingError("widths do not rise", place="widths", remedy="give one for each code, rising")
    wanted = power_codes(bits, len(widths), factors=factors)
    scales = np.linspace(0.5, widths[-1] / wanted.max(), 400)
    nearest = np.abs(widths - (scales[:, None, None] * wanted)[..., None]).argmin(axis=-1)
    error = (widths[nearest] / scales[:, None, None] - wanted) ** 2
    return nearest[error.mean(axis=(1, 2)).argmin()] + 1
