"""What charge conservation alone says of the SRAM array's readout, with perfect switches."""

from __future__ import annotations

import numpy as np

MIM = 9 * 2e-15 + 12 * 0.38e-15
"""3 um squared (F): area and perimeter constants of the PDK's cap_mim_m3_1."""


def multiplied(code: int, discharges: np.ndarray, ground: float, coupling: float) -> np.ndarray:
    """Discharges (V) of a multiplier's output capacitors on lines of these capacitances (F)."""
    line = np.array([[ground + coupling, -coupling], [-coupling, ground + coupling]])
    volts, first, second = np.array(discharges), np.zeros(2), np.zeros(2)
    for bit in range(4):
        if (code >> bit) & 1:
            volts = np.linalg.solve(line + MIM * np.eye(2), line @ volts + MIM * first)
            first = volts
        else:
            first = np.zeros(2)
        first = second = (first + second) / 2
    return second
