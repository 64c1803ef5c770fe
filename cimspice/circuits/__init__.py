"""The former place of :mod:`cimspice.bench`, for bench files that were written before."""

import warnings

from cimspice.bench import Bench, bench, benches, register

__all__ = ["Bench", "bench", "benches", "register"]

warnings.warn(
    "cimspice.circuits is now cimspice.bench: from cimspice.bench import Bench, register",
    DeprecationWarning,
    stacklevel=2,
)
