"""Read-out of the RC-Spike neuron: the membrane's value becomes a spike time on a ramp."""

from dataclasses import dataclass
from math import log1p
from typing import Any

import numpy as np

from cimspice.arrays import checked_array, checked_number, foreign, namespace, real_array


@dataclass(frozen=True)
class Ramp:
    """Firing ramp of a neuron, normalised: threshold 1, one phase long.

    The discharger that makes the ramp is itself a reversal-potential current, dv/dt = α(1 − βv) with
    α = −ln(1 − β)/β, so that an empty membrane fires exactly at the end of the phase (Sakemi et al.,
    arXiv 2412.09010). β = 0 is the ideal ramp of slope one.
    """

    beta: float = 0.0
    """Curvature β in (−∞, 1), dimensionless: 1/E_dis of the discharger."""

    def __post_init__(self) -> None:
        # 1/E_dis of the discharger; E_dis lies beyond the threshold, above 1
        checked_number("ramp curvature beta", self.beta, below=1, place="Ramp.beta")

    def spike_times(self, membrane: Any) -> Any:
        """Spike times in [0, 1] of membranes v(1), any shape; v ≤ 0 gives 1 (no spike), v ≥ 1 gives 0.

        Arrays of other libraries than numpy stay such.
        """
        given = membrane if foreign(membrane) else real_array("membrane", membrane)
        xp = namespace(given)
        v = xp.clip(given, 0.0, 1.0)
        if self.beta == 0:
            return 1.0 - v
        return xp.clip(1.0 - xp.log1p(-self.beta * v) / log1p(-self.beta), 0.0, 1.0)

    def slope(self, membrane: np.ndarray) -> np.ndarray:
        """dt/dv of the unclipped read-out at ``membrane`` (held at its values at 0 and 1 outside [0, 1])."""
        v = np.clip(real_array("membrane", membrane), 0.0, 1.0)
        if self.beta == 0:
            return np.full(v.shape, -1.0)
        return self.beta / ((1.0 - self.beta * v) * np.log1p(-self.beta))

    def membrane(self, spike_times: np.ndarray) -> np.ndarray:
        """Inverse of :meth:`spike_times` on [0, 1]."""
        t = checked_array("spike times", spike_times, (...,), low=0, high=1)
        if self.beta == 0:
            return 1.0 - t
        return -np.expm1((1.0 - t) * np.log1p(-self.beta)) / self.beta
