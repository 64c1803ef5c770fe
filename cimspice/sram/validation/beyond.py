"""Words whose charge exceeds the disturb bound: reads that nobody promises, simulated to see what they do."""

from dataclasses import dataclass

import numpy as np

from cimspice.arrays import Array
from cimspice.sram.emulator.read import Reading


@dataclass(frozen=True)
class BeyondBound:
    """Emulator against ngspice on words that are left out of the comparison proper."""

    words: int
    """How many were simulated."""
    rmse_percent: float | None
    worst_percent: float | None
    """``rmse_percent``, ``worst_percent``: errors in percent of the full scale of the words within the bound,
    over those in which no cell flipped and none was said to; None if there is none."""
    flipped: int
    flagged: int
    missed: int
    """``flipped``, ``flagged``, ``missed``: words in which a cell flipped in ngspice, in which the emulator
    says that one does, and those of the former that are not among the latter."""


def beyond_bound(reading: Reading, measured: Array, flipped: Array, full_scale: float) -> BeyondBound:
    """Compare.

    Parameters
    ----------
    reading
        What the emulator gives.
    measured
        Discharge of both lines in ngspice (V), shape (words, 2).
    flipped
        Cells that flipped in ngspice, shape (words,).
    full_scale
        Largest discharge of the words within the bound (V).
    """
    lost, flagged = flipped > 0, np.asarray(reading.disturbed)
    sound = ~lost & ~flagged
    error = 100 * (reading.discharge - measured)[sound] / full_scale
    return BeyondBound(
        words=len(measured),
        rmse_percent=float(np.sqrt(np.mean(error**2))) if sound.any() else None,
        worst_percent=float(np.abs(error).max()) if sound.any() else None,
        flipped=int(lost.sum()),
        flagged=int(flagged.sum()),
        missed=int((lost & ~flagged).sum()),
    )
