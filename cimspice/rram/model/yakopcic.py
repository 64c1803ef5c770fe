"""Yakopcic's memristor: a sinh current, exponential motion beyond thresholds, windows of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cimspice.fit.model import register
from cimspice.rram.model.device import RramDevice, units


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class Yakopcic(RramDevice):
    """I = a x sinh(bV); dx/dt = g(V) f(x).

    g = A_p (e^V − e^V_p) above V_p, −A_n (e^−V − e^V_n) below −V_n, and zero between the thresholds. f is 1
    until x has passed ``slowing_positive`` on its way up (1 − ``slowing_negative`` on its way down), and
    falls to zero at the end. A state of exactly 0 conducts nothing. Temperature has no part in these
    equations. ``pdk/rram/yakopcic.toml`` gives meaning, unit, bounds and source of each parameter.

    References
    ----------
    C. Yakopcic et al., IEEE Electron Device Lett. 32 (2011) 1436.
    """

    kind: ClassVar[str] = "rram_yakopcic"
    parameter_set: ClassVar[str] = "yakopcic"
    parameter_units: ClassVar[Mapping[str, str]] = units("yakopcic")
    current_positive: float
    current_negative: float
    curvature: float
    threshold_positive: float
    threshold_negative: float
    rate_positive: float
    rate_negative: float
    slowing_positive: float
    slowing_negative: float
    decay_positive: float
    decay_negative: float

    def current(self, voltage: ArrayLike, state: ArrayLike) -> np.ndarray:
        self._check(voltage=voltage)
        voltage = np.asarray(voltage, dtype=float)
        scale = np.where(voltage >= 0, self.current_positive, self.current_negative)
        return scale * np.asarray(state) * np.sinh(self.curvature * voltage)

    def slope(self, voltage: ArrayLike, state: ArrayLike) -> np.ndarray:
        voltage = np.asarray(voltage, dtype=float)
        scale = np.where(voltage >= 0, self.current_positive, self.current_negative) * self.curvature
        return scale * np.asarray(state) * np.cosh(self.curvature * voltage)

    def velocity(self, voltage: ArrayLike, state: ArrayLike, temperature: ArrayLike = 27.0) -> np.ndarray:
        x, voltage = np.asarray(state, dtype=float), np.asarray(voltage, dtype=float)
        up = np.exp(-self.decay_positive * np.maximum(x - self.slowing_positive, 0.0))
        up = up * np.minimum((1 - x) / (1 - self.slowing_positive), 1.0)
        down = np.exp(self.decay_negative * np.minimum(x + self.slowing_negative - 1, 0.0))
        down = down * np.minimum(x / (1 - self.slowing_negative), 1.0)
        rising = self.rate_positive * np.maximum(np.exp(voltage) - np.exp(self.threshold_positive), 0.0)
        falling = self.rate_negative * np.maximum(np.exp(-voltage) - np.exp(self.threshold_negative), 0.0)
        return rising * up - falling * down + 0.0 * np.asarray(temperature)
