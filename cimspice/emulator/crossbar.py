"""The former place of :mod:`cimspice.crossbar`, for scripts that were written before."""

import warnings

from cimspice.crossbar import *  # noqa: F403 (whatever is there)

warnings.warn(
    "cimspice.emulator.crossbar is now cimspice.crossbar: from cimspice.crossbar import Crossbar",
    DeprecationWarning,
    stacklevel=2,
)
